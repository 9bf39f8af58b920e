"""MAX_BANDWIDTH: bytes per second of all downloads of one process together, shared fairly."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

QUANTUM: Final = 64 * 1024
"""Bytes that a download may send in one turn: those that want to send take turns, so that each gets as much."""


class Bandwidth:
    """Turns, in the order they were asked for.

    :param rate: bytes per second; 0: no limit
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._due = 0.0

    async def paced(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The same bytes, no faster than their share."""
        async with aclosing(chunks):
            async for chunk in chunks:
                if not self._rate:
                    yield chunk
                    continue
                view = memoryview(chunk)
                for at in range(0, len(view), QUANTUM):
                    turn = view[at : at + QUANTUM]
                    await self._wait_for(len(turn))
                    yield bytes(turn)

    async def _wait_for(self, size: int) -> None:
        """Whoever has waited for its turn asks for the next one: who is slow leaves its share to the others."""
        now = time.monotonic()
        begins = max(self._due, now)
        self._due = begins + size / self._rate
        if begins > now:
            try:
                await asyncio.sleep(begins - now)
            except asyncio.CancelledError:
                self._due -= size / self._rate  # whoever leaves the queue makes it shorter
                raise
