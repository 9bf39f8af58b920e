"""The memory of all downloads of one process: STREAM_MEMORY.

Nobody waits for it, so that nobody can be waited for in turn: a download that gets none goes on over one connection, with the
little that every stream is sure of.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GUARANTEED: Final = 256 * 1024
"""Bytes that every stream has, whatever the others take."""


class Budget:
    """Counts who has taken how much; more than there is where the guaranteed bytes alone are more."""

    def __init__(self, total: int) -> None:
        self._total = total
        self.taken = 0
        """Bytes."""

    @contextmanager
    def stream(self) -> Iterator[None]:
        """What one stream is sure of, for as long as it lasts."""
        self.taken += GUARANTEED
        try:
            yield
        finally:
            self.taken -= GUARANTEED

    def reserve(self, size: int) -> "Reservation | None":
        """So many bytes, if they are there."""
        if self.taken + size > self._total:
            return None
        self.taken += size
        return Reservation(self, size)


class Reservation:
    """Bytes for one piece; given back as it is delivered."""

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget = budget
        self._size = size

    def give_back(self, size: int | None = None) -> None:
        """Some, or all that is left; more than there is, is all that is left."""
        part = self._size if size is None else min(size, self._size)
        self._size -= part
        self._budget.taken -= part
