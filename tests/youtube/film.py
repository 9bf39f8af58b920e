"""A fragmented MP4 file of any length and size, made of a short one: what its size lacks is put behind the fragments."""

import struct
from collections.abc import Iterator

from .containers import boxes
from .content import Content, Generated, Joined, Stored, Window

_FREE = 8
"""Bytes of the header of a box."""


def film(data: bytes, sidx: int, *, times: int, size: int | None, seed: str) -> Content:
    """The fragments so many times over, one after the other in time, with an index of all of them (ISO 14496-12, 8.16.3).

    With a size the file is real, too: `free` boxes behind its fragments make up for what is missing, in equal parts.

    :param sidx: where the index begins
    :param size: None, or at least 8 bytes for each fragment more than without one
    """
    starts = [box.start for box in boxes(data) if box.kind == "moof"]
    ends = [*starts[1:], next(box.end for box in boxes(data) if box.kind == "mdat" and box.start > starts[-1])]
    tail = data[ends[-1] :]
    count = times * len(starts)
    bare = len(_indexed(data, sidx, [0] * count)) + times * (ends[-1] - starts[0]) + len(tail)
    each, rest = divmod((size or bare) - bare, count)
    paddings = [each] * (count - 1) + [each + rest]
    sizes = [ends[number % len(ends)] - starts[number % len(starts)] + padding for number, padding in enumerate(paddings)]
    filling, used = Generated(seed, sum(paddings)), 0
    parts: list[Content] = [Stored(_indexed(data, sidx, sizes))]
    for number, padding in enumerate(paddings):
        turn, which = divmod(number, len(starts))
        parts += _again(data, starts[which], ends[which], number=number, later=turn * _duration(data, sidx))
        if padding:
            parts += [Stored(struct.pack(">I4s", padding, b"free")), Window(filling, used, used + padding - _FREE)]
            used += padding
    return Joined(*parts, Stored(tail))


def _again(data: bytes, start: int, end: int, *, number: int, later: int) -> Iterator[Content]:
    """A fragment that comes so many units of time later than it did."""
    moof = next(box for box in boxes(data, start) if box.kind == "moof")
    head = bytearray(data[start : moof.end])
    struct.pack_into(">I", head, head.index(b"mfhd") + 8, number + 1)
    time = head.index(b"tfdt") + 8
    struct.pack_into(">Q", head, time, int.from_bytes(head[time : time + 8]) + later)
    yield Stored(head)
    yield Stored(memoryview(data)[moof.end : end])


def _first_reference(data: bytes, sidx: int) -> int:
    return sidx + (32 if data[sidx + 8] == 0 else 40)


def _duration(data: bytes, sidx: int) -> int:
    """Of all fragments."""
    at = _first_reference(data, sidx)
    count = int.from_bytes(data[at - 2 : at])
    return sum(int.from_bytes(data[at + 12 * which + 4 : at + 12 * which + 8]) for which in range(count))


def _indexed(data: bytes, sidx: int, sizes: list[int]) -> bytes:
    """All before the first fragment, with an index of fragments of these sizes; their durations repeat."""
    at = _first_reference(data, sidx)
    count = int.from_bytes(data[at - 2 : at])
    index = bytearray(data[sidx:at])
    struct.pack_into(">I", index, 0, len(index) + 12 * len(sizes))
    struct.pack_into(">H", index, len(index) - 2, len(sizes))
    for number, size in enumerate(sizes):
        known = at + 12 * (number % count)
        index += struct.pack(">I", size) + data[known + 4 : known + 12]
    return data[:sidx] + bytes(index) + data[at + 12 * count : next(box.start for box in boxes(data) if box.kind == "moof")]
