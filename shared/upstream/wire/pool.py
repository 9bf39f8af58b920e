"""Connections that wait for their next request."""

import asyncio
from typing import Final

from shared.upstream.wire.address import Origin
from shared.upstream.wire.route import Route
from shared.upstream.wire.stream import Stream

MAX_IDLE: Final = 64
KEPT_FOR: Final = 15.0
"""Seconds: longer than between two pieces, and shorter than a server waits."""


class Pool:
    """Every connection of one route. How many are in use is decided above; here only idle ones are counted."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._idle: dict[Stream, tuple[Origin, asyncio.TimerHandle]] = {}  # the one that waits longest first
        self._open: set[Stream] = set()

    def waiting(self, origin: Origin) -> Stream | None:
        """A connection that was used before, the latest first."""
        for stream, (leads_to, _) in reversed(tuple(self._idle.items())):
            if leads_to == origin:
                self._wake(stream)
                if stream.is_idle:
                    return stream
                self.drop(stream)
        return None

    async def fresh(self, origin: Origin, timeout: float | None) -> Stream:
        """A new connection; raises what :meth:`Route.open` does."""
        stream = await self._route.open(origin, timeout)
        self._open.add(stream)
        return stream

    def keep(self, origin: Origin, stream: Stream) -> None:
        """For the next request."""
        timer = asyncio.get_running_loop().call_later(KEPT_FOR, self._expire, stream)
        self._idle[stream] = (origin, timer)
        if len(self._idle) > MAX_IDLE:
            self._expire(next(iter(self._idle)))

    def drop(self, stream: Stream) -> None:
        """Close one for good."""
        self._open.discard(stream)
        stream.abort()

    async def aclose(self) -> None:
        """Close all of them."""
        for stream in tuple(self._idle):
            self._wake(stream)
        ending = tuple(self._open)
        for stream in ending:
            self.drop(stream)
        for stream in ending:
            await stream.wait_closed()

    def _wake(self, stream: Stream) -> None:
        _, timer = self._idle.pop(stream)
        timer.cancel()

    def _expire(self, stream: Stream) -> None:
        self._wake(stream)
        self.drop(stream)
