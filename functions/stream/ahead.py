"""A piece that is fetched before its turn, into memory reserved for it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from functions.stream.budget import Reservation
from functions.stream.piece import Piece
from shared.ending import end


class Ahead:
    """Owns a task, the chunks it has brought, and the reservation for them, until it is closed."""

    def __init__(self, piece: Piece, reservation: Reservation) -> None:
        self.part = piece.part
        self.rate: float | None = None
        """Bytes per second that the connection gave, once the piece is complete."""
        self._reservation = reservation
        self._chunks: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._fill(piece))

    @property
    def is_under_way(self) -> bool:
        """Whether it takes a connection."""
        return not self._task.done()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes in order, as far as they are there, then as they come.

        :raises ProblemError: where the rest cannot be had
        """
        while True:
            self._news.clear()
            is_complete = self._task.done()
            while self._chunks:
                chunk = self._chunks.popleft()
                yield chunk
                self._reservation.give_back(len(chunk))
            if is_complete:
                self._task.result()
                return
            await self._news.wait()

    def give_up(self) -> None:
        """Memory is given back at once, the connection as soon as the task has ended: nothing here can be interrupted."""
        self._chunks.clear()
        self._reservation.give_back()
        self._task.cancel()

    async def aclose(self) -> None:
        """The task has ended and the memory is given back, whatever had become of the piece."""
        self.give_up()
        try:
            await end(self._task)
        finally:
            if self._task.done() and not self._task.cancelled():
                self._task.exception()  # not this one's turn: whoever needs these bytes fails for itself

    async def _fill(self, piece: Piece) -> None:
        began = time.monotonic()
        try:
            async with aclosing(piece.read()) as chunks:
                async for chunk in chunks:
                    self._chunks.append(chunk)
                    self._news.set()
            self.rate = self.part.length / max(time.monotonic() - began, 1e-9)
        finally:
            # Seen only after this task is done, which is what the reader looks at next.
            asyncio.get_running_loop().call_soon(self._news.set)
