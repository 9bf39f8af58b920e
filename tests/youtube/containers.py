"""Reading the two ranges YouTube announces for a single-track file: the initialisation and the index."""

from collections.abc import Iterator
from dataclasses import dataclass

EBML_SEGMENT, EBML_CUES, EBML_CLUSTER = 0x18538067, 0x1C53BB6B, 0x1F43B675


@dataclass(frozen=True, slots=True)
class Box:
    """An MP4 box or an EBML element; `end` is where the next one begins."""

    kind: str | int
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Ranges:
    """First and last byte (inclusive, as in YouTube's answers) of the initialisation and of the index."""

    init: tuple[int, int]
    index: tuple[int, int]


def ranges(data: bytes, container: str) -> Ranges | None:
    """initRange and indexRange of a file; None for one without an index in front (itag 18)."""
    return _webm_ranges(data) if container == "webm" else _mp4_ranges(data)


def boxes(data: bytes, start: int = 0) -> Iterator[Box]:
    """The MP4 boxes of one level."""
    while start + 8 <= len(data):
        size = int.from_bytes(data[start : start + 4])
        yield Box(data[start + 4 : start + 8].decode("latin-1"), start, start + 8, start + size)
        start += size


def _mp4_ranges(data: bytes) -> Ranges | None:
    index = next((box for box in boxes(data) if box.kind == "sidx"), None)
    return Ranges((0, index.start - 1), (index.start, index.end - 1)) if index else None


def _webm_ranges(data: bytes) -> Ranges | None:
    segment = next(element for element in _elements(data, 0) if element.kind == EBML_SEGMENT)
    cues = next((element for element in _elements(data, segment.body) if element.kind == EBML_CUES), None)
    return Ranges((0, cues.start - 1), (cues.start, cues.end - 1)) if cues else None


def _elements(data: bytes, start: int) -> Iterator[Box]:
    while start < len(data):
        kind_length = 9 - data[start].bit_length()
        at = start + kind_length
        size_length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + size_length]) & ((1 << 7 * size_length) - 1)
        body = at + size_length
        yield Box(int.from_bytes(data[start:at]), start, body, body + size)
        start = body + size
