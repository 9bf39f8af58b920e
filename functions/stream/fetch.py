"""Bytes [start, end) of one file, in order, whatever the upstream does on the way.

The seam between relaying and everything below it. One connection at a time, bounded ranges; a failure is recovered from at
the exact byte, and what cannot be recovered from is raised, never passed on as data.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeAlias

import structlog

from functions.stream.recovery import GiveUp, Renew, Retry, given_up, recover
from functions.stream.siblings import sibling
from shared.problems import ProblemError
from shared.sources import ByteRange, Source
from shared.upstream import MAX_RANGE, Upstream, UpstreamError

FIRST_PIECE: Final = 512 * 1024
"""Bytes of the first range: what has to be validated before the client gets its headers."""

JITTER: Final = 0.05
EXPIRY_MARGIN: Final = 30.0
"""Seconds before `expire` at which a URL is replaced."""

MAX_AVAILABLE_WAIT: Final = 60.0

FIRST_BYTE_PATIENCE: Final = 30.0
"""Seconds after which nothing is tried again while there was no byte yet: until then coming back costs the client nothing."""

Renewal: TypeAlias = Callable[[Source], Awaitable[Source]]
"""A fresh source of the same file, or ProblemError (``source_changed`` where it is another file)."""

log = structlog.get_logger()


class Fetch:
    """One reader of one file."""

    def __init__(self, upstream: Upstream, source: Source, *, renew: Renewal) -> None:
        self._upstream = upstream
        self._source = source
        self._renew = renew
        self._url: str | None = None  # where the last piece came from, when that was not the source's own URL
        self._last_modified: int | None = None  # as this URL's answers say it; lmt need not be the same
        self._asked_at = 0.0
        self._has_begun = False
        self._failures = 0
        self._renewals = 0
        self._renew_at = source.expires_at - EXPIRY_MARGIN
        self._chance = random.SystemRandom()

    async def read(self, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        """The bytes, as they come.

        :raises ProblemError: when they cannot be had
        """
        at, limit = wanted.start, FIRST_PIECE
        self._asked_at = time.monotonic()
        while at < wanted.end:
            await self._prepare()
            piece = ByteRange(at, min(wanted.end, at + limit))
            try:
                async with aclosing(self._piece(piece)) as chunks:
                    async for chunk in chunks:
                        at += len(chunk)
                        self._has_begun = True
                        self._failures = self._renewals = 0
                        yield chunk
                limit = self._next_limit()
            except UpstreamError as error:
                await self._recover(error)

    async def _piece(self, piece: ByteRange) -> AsyncGenerator[bytes, None]:
        async with self._upstream.open_range(self._source, piece, url=self._url) as answer:
            if None not in {answer.last_modified, self._last_modified} and answer.last_modified != self._last_modified:
                raise UpstreamError("changed", "Last-Modified")
            self._last_modified = answer.last_modified or self._last_modified
            self._url = answer.url if answer.url != self._source.url else None
            async for chunk in answer.chunks:
                yield chunk

    async def _prepare(self) -> None:
        """A URL is used neither before it is available nor when it is about to expire."""
        available_at = self._source.available_at
        if available_at is not None and (wait := available_at - time.time()) > 0:
            if wait > MAX_AVAILABLE_WAIT:
                raise ProblemError("source_refused", "The file is not available yet.", retry_after=round(wait))
            await asyncio.sleep(wait)
        if time.time() >= self._renew_at:
            await self._replace_early()

    async def _recover(self, error: UpstreamError) -> None:
        self._failures += 1
        step = self._next(error)
        log.info("piece failed", reason=error.reason, step=type(step).__name__, failures=self._failures)
        match step:
            case Retry(delay, is_elsewhere):
                # The node that failed may not be the one that is asked next.
                self._url = sibling(self._source.url) if is_elsewhere else None
                await asyncio.sleep(delay)
            case Renew():
                await self._replace()
            case GiveUp():
                raise step.error()

    def _next(self, error: UpstreamError) -> Retry | Renew | GiveUp:
        if error.reason == "refused" and self._url is not None:
            return Retry(0)  # another node than the source's own refuses: that says nothing of the source
        step = recover(error.reason, retry_after=error.retry_after, failures=self._failures, renewals=self._renewals)
        if isinstance(step, Retry) and not self._has_begun:
            waited = time.monotonic() - self._asked_at
            if waited + step.delay > FIRST_BYTE_PATIENCE:
                return given_up(error.reason, error.retry_after)
        return step

    async def _replace_early(self) -> None:
        """Before it expires. If that fails, the old URL serves as long as it does."""
        try:
            await self._replace()
        except ProblemError as error:
            if error.code == "source_changed" or time.time() >= self._source.expires_at:
                raise
            log.warning("url not renewed", code=error.code)
            self._renew_at = self._source.expires_at

    async def _replace(self) -> None:
        self._renewals += 1
        self._source = await self._renew(self._source)
        self._url = self._last_modified = None
        # A URL that is born with less than the margin is used until it is refused, and not renewed before every piece.
        self._renew_at = max(self._source.expires_at - EXPIRY_MARGIN, time.time() + EXPIRY_MARGIN)

    def _next_limit(self) -> int:
        """Not every range of the same length: those are easily told from a player's."""
        return round(MAX_RANGE * (1 - JITTER * self._chance.random()))
