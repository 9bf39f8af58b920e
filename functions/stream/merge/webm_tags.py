"""What a WebM file says of itself: chapters and tags (RFC 9559, sections 5.1.7 and 5.1.8). Pure.

Its title is not among them: that one is told where the file's duration is.
"""

from typing import Final

from functions.stream.merge import ebml
from functions.stream.merge.ebml import make, make_number
from shared.tags import Chapter, Tags

_EDITION: Final = 0x45B9
_CHAPTER: Final = 0xB6
_CHAPTER_UID: Final = 0x73C4
_STARTS: Final = 0x91
_ENDS: Final = 0x92
_DISPLAY: Final = 0x80
_STRING: Final = 0x85
_LANGUAGE: Final = 0x437C
_TAG: Final = 0x7373
_TARGETS: Final = 0x63C0
_TARGET_TYPE: Final = 0x68CA
_SIMPLE_TAG: Final = 0x67C8
_TAG_NAME: Final = 0x45A3
_TAG_LANGUAGE: Final = 0x447A
_TAG_STRING: Final = 0x4487

_UNKNOWN: Final = b"und"
_THE_WHOLE: Final = 50
_NANOSECONDS: Final = 1_000_000
"""Of a millisecond."""


def chapters(tags: Tags, end: int | None) -> bytes:
    """The element, or nothing where there are none.

    :param end: of the file, in nanoseconds
    """
    if not tags.chapters:
        return b""
    starts = [chapter.start * _NANOSECONDS for chapter in tags.chapters]
    ends = [*starts[1:], end]
    atoms = (_chapter(number, *about) for number, about in enumerate(zip(tags.chapters, starts, ends, strict=True), start=1))
    return make(ebml.CHAPTERS, make(_EDITION, b"".join(atoms)))


def _chapter(number: int, chapter: Chapter, starts: int, ends: int | None) -> bytes:
    until = b"" if ends is None or ends <= starts else make_number(_ENDS, ends, 8)
    display = make(_DISPLAY, make(_STRING, chapter.title.encode()) + make(_LANGUAGE, _UNKNOWN))
    return make(_CHAPTER, make_number(_CHAPTER_UID, number, 2) + make_number(_STARTS, starts, 8) + until + display)


def whole(tags: Tags) -> bytes:
    """The element, or nothing where nothing is known."""
    said = [("ARTIST", tags.artist), ("DATE_RELEASED", tags.date), ("COMMENT", tags.url)]
    simple = [_simple(name, text) for name, text in said if text]
    targets = make(_TARGETS, make_number(_TARGET_TYPE, _THE_WHOLE, 1))
    return make(ebml.TAGS, make(_TAG, targets + b"".join(simple))) if simple else b""


def _simple(name: str, text: str) -> bytes:
    return make(_SIMPLE_TAG, make(_TAG_NAME, name.encode()) + make(_TAG_LANGUAGE, _UNKNOWN) + make(_TAG_STRING, text.encode()))
