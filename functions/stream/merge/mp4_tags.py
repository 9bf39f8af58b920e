"""What an MP4 file says of itself: iTunes' list of tags, and Nero's of chapters. Pure.

Neither is in the standard, and both are what everybody reads. The other way of telling chapters is a track of text, in the midst of
the media.
"""

import struct
from typing import Final

from functions.stream.merge.boxes import make, make_full
from shared.tags import Tags

_UTF8: Final = 1
_CHAPTER_UNITS: Final = 10_000
"""Of 100 ns, in a millisecond."""
_HANDLER: Final = make_full(b"hdlr", 0, 0, bytes(4), b"mdirappl", bytes(9))


def udta(tags: Tags) -> bytes:
    """The box, or nothing where nothing is known."""
    parts = _list(tags) + _chapters(tags)
    return make(b"udta", parts) if parts else b""


def _list(tags: Tags) -> bytes:
    said = [(b"\xa9nam", tags.title), (b"\xa9ART", tags.artist), (b"\xa9day", tags.date), (b"\xa9cmt", tags.url)]
    items = [make(kind, make(b"data", struct.pack(">II", _UTF8, 0), text.encode())) for kind, text in said if text]
    return make_full(b"meta", 0, 0, _HANDLER, make(b"ilst", *items)) if items else b""


def _chapters(tags: Tags) -> bytes:
    if not tags.chapters:
        return b""
    entries = []
    for chapter in tags.chapters:
        title = chapter.title.encode()
        entries.append(struct.pack(">QB", chapter.start * _CHAPTER_UNITS, len(title)) + title)
    return make_full(b"chpl", 1, 0, bytes(4), struct.pack(">B", len(entries)), *entries)
