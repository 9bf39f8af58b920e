"""MP4 boxes (ISO/IEC 14496-12): reading them without trust, and writing them. Pure."""

import struct
from typing import Final

from msgspec import Struct

from functions.stream.merge.errors import Unsupported

HEADER: Final = 8
MAX_BOXES: Final = 1000
"""In one place; real files have a dozen."""

_SIZED: Final = struct.Struct(">I4s")
_LONG: Final = 1
_TO_THE_END: Final = 0


class Box(Struct, frozen=True, gc=False):
    """``[start, end)`` with its header, ``[body, end)`` without."""

    kind: bytes
    start: int
    body: int
    end: int


def header(data: bytes, at: int) -> Box:
    """The box that begins here, of which at least 16 bytes are there; it may end anywhere.

    :raises Unsupported: ``malformed``, ``unknown_size``
    """
    if len(data) < at + HEADER:
        raise Unsupported("malformed")
    size, kind = _SIZED.unpack_from(data, at)
    body = at + HEADER
    if size == _TO_THE_END:
        raise Unsupported("unknown_size")
    if size == _LONG:
        if len(data) < body + 8:
            raise Unsupported("malformed")
        size = int.from_bytes(data[body : body + 8])
        body += 8
    if size < body - at:
        raise Unsupported("malformed")
    return Box(kind, at, body, at + size)


def boxes(data: bytes, start: int, end: int) -> list[Box]:
    """The boxes that fill ``[start, end)``.

    :raises Unsupported: where they do not
    """
    found: list[Box] = []
    while start < end:
        box = header(data, start)
        if box.end > end or len(found) == MAX_BOXES:
            raise Unsupported("malformed")
        found.append(box)
        start = box.end
    return found


def children(data: bytes, box: Box) -> list[Box]:
    """The boxes inside a box that holds nothing else."""
    return boxes(data, box.body, box.end)


def one(found: list[Box], kind: bytes) -> Box:
    """The only box of its kind.

    :raises Unsupported: ``malformed`` where there is none or more than one
    """
    matching = [box for box in found if box.kind == kind]
    if len(matching) != 1:
        raise Unsupported("malformed")
    return matching[0]


def raw(data: bytes, box: Box) -> bytes:
    """The whole box."""
    return data[box.start : box.end]


def full(data: bytes, box: Box, least: int) -> tuple[int, bytes]:
    """Version, and the body with it; at least so many bytes long."""
    body = data[box.body : box.end]
    if len(body) < max(4, least):
        raise Unsupported("malformed")
    return body[0], body


def make(kind: bytes, *parts: bytes) -> bytes:
    """A box."""
    return _SIZED.pack(HEADER + sum(map(len, parts)), kind) + b"".join(parts)


def make_full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with version and flags."""
    return make(kind, struct.pack(">I", version << 24 | flags), *parts)
