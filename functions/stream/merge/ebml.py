"""EBML elements (RFC 8794): reading them without trust, and writing them. Pure."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from functions.stream.merge.errors import Unsupported

EBML: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
SEEK_HEAD: Final = 0x114D9B74
SEEK: Final = 0x4DBB
SEEK_ID: Final = 0x53AB
SEEK_POSITION: Final = 0x53AC
INFO: Final = 0x1549A966
TIMESTAMP_SCALE: Final = 0x2AD7B1
DURATION: Final = 0x4489
TITLE: Final = 0x7BA9
MUXING_APP: Final = 0x4D80
WRITING_APP: Final = 0x5741
TRACKS: Final = 0x1654AE6B
TRACK_ENTRY: Final = 0xAE
TRACK_NUMBER: Final = 0xD7
TRACK_UID: Final = 0x73C5
TRACK_TYPE: Final = 0x83
CODEC_ID: Final = 0x86
CONTENT_ENCODINGS: Final = 0x6D80
CUES: Final = 0x1C53BB6B
CUE_POINT: Final = 0xBB
CUE_TIME: Final = 0xB3
CUE_TRACK_POSITIONS: Final = 0xB7
CUE_TRACK: Final = 0xF7
CUE_CLUSTER_POSITION: Final = 0xF1
CLUSTER: Final = 0x1F43B675
TIMESTAMP: Final = 0xE7
SIMPLE_BLOCK: Final = 0xA3
BLOCK_GROUP: Final = 0xA0
BLOCK: Final = 0xA1
POSITION: Final = 0xA7
PREVIOUS_SIZE: Final = 0xAB
CRC: Final = 0xBF
VOID: Final = 0xEC
CHAPTERS: Final = 0x1043A770
TAGS: Final = 0x1254C367

LONGEST_HEADER: Final = 12
"""Bytes: an id of at most four, a size of at most eight."""

MAX_ELEMENTS: Final = 70_000
"""In one place; the cues of ten hours are seven thousand."""

_LONGEST_ID: Final = 4


class Element(Struct, frozen=True, gc=False):
    """``[start, end)`` with its header, ``[body, end)`` without."""

    id: int
    start: int
    body: int
    end: int


def header(data: bytes | bytearray, at: int) -> Element | None:
    """The element that begins here, wherever it ends; None where more than the bytes there are needed to tell.

    :raises Unsupported: ``malformed``, ``unknown_size``
    """
    if at >= len(data):
        return None
    id_length = 9 - data[at].bit_length()
    if id_length > _LONGEST_ID:
        raise Unsupported("malformed")
    size_at = at + id_length
    if size_at >= len(data):
        return None
    size_length = 9 - data[size_at].bit_length()
    if size_length > 8:  # noqa: PLR2004 - a byte of zeros
        raise Unsupported("malformed")
    body = size_at + size_length
    if body > len(data):
        return None
    unknown = (1 << 7 * size_length) - 1
    size = int.from_bytes(data[size_at:body]) & unknown
    if size == unknown:
        raise Unsupported("unknown_size")
    return Element(int.from_bytes(data[at:size_at]), at, body, body + size)


def elements(data: bytes, start: int, end: int) -> Iterator[Element]:
    """The elements that fill ``[start, end)``.

    :raises Unsupported: where they do not
    """
    for _ in range(MAX_ELEMENTS):
        if start == end:
            return
        element = header(data, start)
        if element is None or element.end > end:
            raise Unsupported("malformed")
        yield element
        start = element.end
    raise Unsupported("too_large")


def children(data: bytes, element: Element) -> Iterator[Element]:
    """The elements inside one."""
    return elements(data, element.body, element.end)


def number(data: bytes, element: Element) -> int:
    """The unsigned integer that is in it."""
    if element.end - element.body > 8:  # noqa: PLR2004 - RFC 8794, section 7.2
        raise Unsupported("malformed")
    return int.from_bytes(data[element.body : element.end])


def make(id_: int, body: bytes, *, size_length: int = 0) -> bytes:
    """An element; its size in the shortest form, or in so many bytes."""
    length = size_length or next(n for n in range(1, 9) if len(body) < (1 << 7 * n) - 1)
    return head(id_, len(body), size_length=length) + body


def head(id_: int, size: int, *, size_length: int) -> bytes:
    """The header of an element whose body comes separately."""
    return identified(id_) + (size | 1 << 7 * size_length).to_bytes(size_length)


def identified(id_: int) -> bytes:
    """The bytes of an id."""
    return id_.to_bytes((id_.bit_length() + 7) // 8)


def make_number(id_: int, value: int, length: int) -> bytes:
    """An unsigned integer of so many bytes."""
    return make(id_, value.to_bytes(length))
