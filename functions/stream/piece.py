"""One piece of a file, whatever the upstream does on the way.

A failure is recovered from at the exact byte; what cannot be recovered from is raised, never passed on as data.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

import structlog

from functions.stream.location import Location
from functions.stream.recovery import MAX_RENEWALS, GiveUp, Renew, Retry, given_up, recover
from functions.stream.siblings import sibling
from shared.sources import ByteRange, Source
from shared.upstream import Reason, UpstreamError

Step: TypeAlias = Retry | Renew | GiveUp
OnTrouble: TypeAlias = Callable[[Reason, Step], None]

log = structlog.get_logger()


class Piece:
    """Read once, by one task.

    :param patience: seconds in which nothing but waits has to lead to a first byte; None: as long as it takes
    :param on_trouble: told of every failure, and of what is done about it
    """

    def __init__(self, location: Location, part: ByteRange, *, patience: float | None, on_trouble: OnTrouble) -> None:
        self.part = part
        self._location = location
        self._on_trouble = on_trouble
        self._give_up_at = None if patience is None else time.monotonic() + patience
        self._elsewhere: str | None = None  # asked once instead of where the last piece came from
        self._failures = 0
        self._renewals = 0

    async def read(self) -> AsyncGenerator[bytes, None]:
        """The bytes, as they come.

        :raises ProblemError: when they cannot be had
        """
        at = self.part.start
        while at < self.part.end:
            await self._location.ready()
            source, url = self._location.source, self._elsewhere or self._location.url
            self._elsewhere = None
            try:
                async with self._location.open(ByteRange(at, self.part.end), url=url) as answer, aclosing(answer.chunks) as chunks:
                    async for chunk in chunks:
                        at += len(chunk)
                        self._failures = self._renewals = 0
                        self._give_up_at = None
                        yield chunk
            except UpstreamError as error:
                await self._recover(error, source, url)

    async def _recover(self, error: UpstreamError, source: Source, url: str | None) -> None:
        self._failures += 1
        step = self._next(error, url)
        self._on_trouble(error.reason, step)
        log.info("piece failed", reason=error.reason, step=type(step).__name__, failures=self._failures)
        match step:
            case Retry(delay, is_elsewhere):
                # The node that failed may not be the one that is asked next.
                self._location.url = None
                self._elsewhere = sibling(source.url) if is_elsewhere else None
                await asyncio.sleep(delay)
            case Renew():
                self._renewals += 1
                await self._location.replace(source)
            case GiveUp():
                raise step.error()

    def _next(self, error: UpstreamError, url: str | None) -> Step:
        if error.reason == "refused" and url is not None:
            return Retry(0)  # another node than the source's own refuses: that says nothing of the source
        if error.reason == "refused" and self._location.has_exit_moved and self._renewals >= MAX_RENEWALS:
            return GiveUp("proxy_exit_unstable")
        step = recover(error.reason, retry_after=error.retry_after, failures=self._failures, renewals=self._renewals)
        if isinstance(step, Retry) and self._give_up_at is not None and time.monotonic() + step.delay > self._give_up_at:
            return given_up(error.reason, error.retry_after)
        return step
