"""Bodies that can be read from any offset without being held in memory."""

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import Protocol

BLOCK = 1 << 20
"""Bytes handed out at once, and the period of generated content."""


class Content(Protocol):
    """A sequence of bytes of known size; ranges are half-open, [start, end)."""

    @property
    def size(self) -> int: ...

    def chunks(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        """The bytes of [start, end) in pieces of at most BLOCK."""
        ...


def read(content: Content, start: int, end: int) -> bytes:
    """The bytes of [start, end), clamped to the content."""
    return b"".join(content.chunks(max(0, start), min(end, content.size)))


class Stored:
    """Bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data)
        self.size = len(data)

    def chunks(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        for at in range(start, end, BLOCK):
            yield self._data[at : min(at + BLOCK, end)]


class Generated:
    """Pseudo-random bytes of any size: one block repeated, each time opened by the seed and the number of the block.

    Any range follows from the seed alone, and no two blocks of one content are equal.
    """

    _MARK = struct.Struct(">8sQ")

    def __init__(self, seed: str, size: int) -> None:
        self.size = size
        self._name = hashlib.sha256(seed.encode()).digest()[:8]
        self._seed = seed

    @cached_property
    def _block(self) -> bytes:
        return hashlib.shake_256(self._seed.encode()).digest(BLOCK)

    def chunks(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        while start < end:
            number, offset = divmod(start, BLOCK)
            until = min(BLOCK, offset + end - start)
            block = bytearray(self._block)
            self._MARK.pack_into(block, 0, self._name, number)
            yield memoryview(block)[offset:until]
            start += until - offset


class Window:
    """The bytes [start, end) of another content."""

    def __init__(self, content: Content, start: int, end: int) -> None:
        self.size = end - start
        self._content, self._start = content, start

    def chunks(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        return self._content.chunks(self._start + start, self._start + end)


class Joined:
    """Several contents, one after the other."""

    def __init__(self, *parts: Content) -> None:
        self._parts = parts
        self._starts = [0, *accumulate(part.size for part in parts)]
        self.size = self._starts.pop()

    def chunks(self, start: int, end: int) -> Iterator[bytes | memoryview]:
        index = bisect_right(self._starts, start) - 1
        while start < end:
            part, begins = self._parts[index], self._starts[index]
            until = min(end, begins + part.size)
            yield from part.chunks(start - begins, until - begins)
            start, index = until, index + 1
