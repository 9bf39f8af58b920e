"""Where the file of one download is at the moment, and what proves that it is still the same file.

All pieces of a download share it: what one of them learns of a node or a URL, the others need not learn again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import structlog

from shared.problems import ProblemError
from shared.sources import ByteRange, Source
from shared.upstream import RangeAnswer, Upstream, UpstreamError

EXPIRY_MARGIN: Final = 30.0
"""Seconds before `expire` at which a URL is replaced."""

MAX_AVAILABLE_WAIT: Final = 60.0

Renewal: TypeAlias = Callable[[Source], Awaitable[Source]]
"""A fresh source of the same file, or ProblemError (``source_changed`` where it is another file)."""

log = structlog.get_logger()


class Location:
    """The source in use. ``url`` is where the last piece came from, where that was not the source's own URL."""

    def __init__(self, upstream: Upstream, source: Source, *, renew: Renewal) -> None:
        self.source = source
        self.url: str | None = None
        self.has_exit_moved = False
        """The proxy has left by another address for a fresh URL than for the one before."""
        self._upstream = upstream
        self._renew = renew
        self._renew_at = source.expires_at - EXPIRY_MARGIN
        self._dates: set[int] = set()  # Last-Modified of this URL's answers; lmt need not be the same
        self._renewing = asyncio.Lock()
        self._failure: ProblemError | None = None  # of the last renewal

    async def ready(self) -> None:
        """A URL is used neither before it is available nor when it is about to expire.

        :raises ProblemError: where it is not available for long, or has expired and there is no other
        """
        source = self.source
        if source.available_at is not None and (wait := source.available_at - time.time()) > 0:
            if wait > MAX_AVAILABLE_WAIT:
                raise ProblemError("source_refused", "The file is not available yet.", retry_after=round(wait))
            await asyncio.sleep(wait)
        if time.time() >= self._renew_at and not self._renewing.locked():  # until there is a fresh URL the old one serves
            await self._replace_early(source)

    @asynccontextmanager
    async def open(self, part: ByteRange, *, url: str | None) -> AsyncIterator[RangeAnswer]:
        """Validated bytes of the file.

        :param url: to be asked instead of the source's own
        :raises UpstreamError: here and while the chunks are read
        """
        source, dates = self.source, self._dates
        async with self._upstream.open_range(source, part, url=url) as answer:
            if answer.last_modified is not None:
                dates.add(answer.last_modified)
            if len(dates) > 1:
                raise UpstreamError("changed", "Last-Modified")
            if source is self.source:  # else it is about a URL that nobody asks any more
                self.url = answer.url if answer.url != source.url else None
            yield answer

    async def replace(self, stale: Source) -> None:
        """A fresh URL, unless another piece has found one already.

        :raises ProblemError: where there is none
        """
        is_shared = self._renewing.locked()
        async with self._renewing:
            if self.source is not stale:
                return
            if is_shared and self._failure is not None:
                raise self._failure  # whoever waited for it need not wait for another one like it
            try:
                self._failure = None
                self.source = await self._renew(stale)
            except ProblemError as error:
                self._failure = error
                raise
            is_proxied = stale.family is None
            self.has_exit_moved |= is_proxied and self.source.exit_address != stale.exit_address
            self.url, self._dates = None, set()
            # A URL that is born with less than the margin is used until it is refused, and not renewed before every piece.
            self._renew_at = max(self.source.expires_at - EXPIRY_MARGIN, time.time() + EXPIRY_MARGIN)

    async def _replace_early(self, stale: Source) -> None:
        """Before it expires. If that fails, the old URL serves as long as it does."""
        try:
            await self.replace(stale)
        except ProblemError as error:
            if error.code == "source_changed" or time.time() >= stale.expires_at:
                raise
            log.warning("url not renewed", code=error.code)
            self._renew_at = stale.expires_at
