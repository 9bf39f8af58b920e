"""From a request for a file to the response that answers it."""

from collections.abc import AsyncGenerator, Mapping
from http import HTTPStatus
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct

from functions.stream.bandwidth import Bandwidth
from functions.stream.budget import Budget
from functions.stream.fetch import Fetch
from functions.stream.headers import file_headers, part_headers
from functions.stream.leases import Leases
from functions.stream.metrics import StreamMetrics
from functions.stream.ranges import Representation, decide
from functions.stream.relay import HeadersOnly, Relay
from functions.stream.source import WAIT_FOR_ANALYSIS, WAIT_FOR_REFRESH, SourceChanged, Sources
from shared.problems import ProblemError
from shared.settings import Settings
from shared.sources import ByteRange, Source
from shared.upstream import Upstream

MAX_CHANGES: Final = 2
"""How often one request begins anew because the file has become another one."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What a client asks for. Header names are in lower case."""

    method: str
    media_id: str
    format_id: str
    headers: Mapping[str, str]
    version: str | None  # the file the link was made for
    is_inline: bool
    client: str


class Downloads:
    """Answers requests for single files."""

    def __init__(
        self,
        sources: Sources,
        upstream: Upstream,
        leases: Leases,
        settings: Settings,
        *,
        budget: Budget,
        metrics: StreamMetrics,
    ) -> None:
        self._sources = sources
        self._upstream = upstream
        self._leases = leases
        self._budget = budget
        self._metrics = metrics
        self._bandwidth = Bandwidth(settings.max_bandwidth)
        self._connections = settings.stream_connections
        self._idle = float(settings.stream_idle_timeout)

    async def answer(self, wanted: Wanted) -> ASGIApp:
        """The response, not yet begun.

        :raises ProblemError: ``incompatible_formats``, or as :meth:`Sources.current` and :meth:`of`
        """
        parts = wanted.format_id.split("+")
        sources = [await self._sources.current(wanted.media_id, part, client=wanted.client) for part in parts]
        if len(sources) > 1:
            raise ProblemError("incompatible_formats")
        return self.of(sources[0], wanted)

    def of(self, source: Source, wanted: Wanted, *, changes: int = 0) -> ASGIApp:
        """The response with the bytes of this source.

        :param changes: how often the file has changed since the request came
        :raises ProblemError: ``source_changed``, ``range_not_satisfiable``
        """
        if wanted.version is not None and wanted.version != source.version:
            raise ProblemError("source_changed")
        size = source.identity.size
        file = Representation(size=size, etag=source.version, last_modified=source.last_modified)
        decision = decide(wanted.method, wanted.headers, file)
        common = file_headers(source, is_inline=wanted.is_inline)
        if decision.status == HTTPStatus.PRECONDITION_FAILED:
            raise ProblemError("source_changed", "The file is not the one that the condition names.")
        if decision.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise ProblemError("range_not_satisfiable", headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
        if decision.range is None:
            return HeadersOnly(HTTPStatus.NOT_MODIFIED, common)
        is_partial = decision.status == HTTPStatus.PARTIAL_CONTENT
        headers = common | part_headers(decision.range, size, content_type=source.content_type, is_partial=is_partial)
        if wanted.method == "HEAD":
            return HeadersOnly(decision.status, headers)
        relay = self._relay(source, decision.range, decision.status, headers, wanted)
        return _Download(self, wanted, relay, changes=changes)

    def _relay(self, source: Source, part: ByteRange, status: int, headers: dict[str, str], wanted: Wanted) -> Relay:
        async def renew(stale: Source) -> Source:
            # Coming back costs a client nothing before its first byte, and its connection after it.
            wait = WAIT_FOR_REFRESH if relay.has_begun else WAIT_FOR_ANALYSIS
            return await self._sources.renewed(stale, client=wanted.client, wait=wait)

        def body() -> AsyncGenerator[bytes, None]:
            fetch = Fetch(
                self._upstream,
                source,
                renew=renew,
                budget=self._budget,
                connections=self._connections,
                on_trouble=self._metrics.recovered,
            )
            return self._metrics.counted(self._bandwidth.paced(fetch.read(part)))

        lease = self._leases.hold(wanted.client, wanted.media_id, wanted.format_id)
        relay = Relay(status=status, headers=headers, body=body, lease=lease, idle=self._idle)
        return relay


class _Download:
    """A relay that begins anew with the file that is there now, if nobody was promised the one that was there before."""

    def __init__(self, downloads: Downloads, wanted: Wanted, relay: Relay, *, changes: int) -> None:
        self._downloads = downloads
        self._wanted = wanted
        self._relay = relay
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One answer; a change of the file after its headers breaks the connection."""
        again: ASGIApp | None = None
        try:
            await self._relay(scope, receive, send)
        except SourceChanged as changed:
            if self._relay.has_begun or self._wanted.version is not None or self._changes == MAX_CHANGES:
                raise
            again = self._downloads.of(changed.source, self._wanted, changes=self._changes + 1)
        if again is not None:
            await again(scope, receive, send)
