"""Why two files cannot be one. Every reason has a name and a sentence; nothing of a source is repeated in it."""

from typing import Final, Literal, TypeAlias

Reason: TypeAlias = Literal[
    "containers",
    "codecs",
    "malformed",
    "truncated",
    "no_index",
    "nested_index",
    "incomplete_index",
    "unknown_size",
    "encrypted",
    "several_tracks",
    "outside_data",
    "timescales",
    "too_large",
    "discontinuous",
    "sparse",
    "unexpected",
]

SENTENCES: Final[dict[Reason, str]] = {
    "containers": "Only a video and a sound track of the same container, MP4 or WebM, in this order, can be one file.",
    "codecs": "MP4 takes H.264 or AV1 with AAC, WebM takes VP9 or AV1 with Opus.",
    "malformed": "A source file is not what its kind of file has to be.",
    "truncated": "A source file ends before what its beginning promises.",
    "no_index": "A source file has no index in front of its media.",
    "nested_index": "A source file has an index of indexes.",
    "incomplete_index": "A source file has media that its index does not list.",
    "unknown_size": "A source file has parts whose size it does not tell.",
    "encrypted": "A source file is encrypted.",
    "several_tracks": "A source file has several tracks.",
    "outside_data": "A source file refers to data by its place in the file.",
    "timescales": "The two files count time in different units.",
    "too_large": "A source file has a larger beginning than any real one.",
    "discontinuous": "A source file has gaps or overlaps in its time line.",
    "sparse": "A source file holds much besides its media.",
    "unexpected": "A source file holds something unexpected in the midst of its media.",
}


class Unsupported(Exception):
    """These two are not made into one file; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason: Reason = reason


class Short(Exception):
    """Not an error: the beginning of a file is at least ``needed`` bytes long."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"{needed} bytes are needed")
        self.needed = needed
