"""From a request for a file to the response that answers it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import nullcontext
from http import HTTPStatus
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct

from functions.stream.bandwidth import Bandwidth
from functions.stream.budget import Budget
from functions.stream.file import File, merged, single
from functions.stream.headers import file_headers, part_headers
from functions.stream.leases import Leases
from functions.stream.merge import reader
from functions.stream.merge.layouts import Layouts
from functions.stream.metrics import StreamMetrics
from functions.stream.opening import Opening, Shared
from functions.stream.ranges import Representation, decide
from functions.stream.relay import HeadersOnly, Relay
from functions.stream.source import SourceChanged, Sources
from shared.merges import merged_version
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
    since: float  # when it was asked for, on the monotonic clock


class Downloads:
    """Answers requests for files: one format, or two as one."""

    def __init__(
        self,
        sources: Sources,
        upstream: Upstream,
        leases: Leases,
        layouts: Layouts,
        settings: Settings,
        *,
        budget: Budget,
        metrics: StreamMetrics,
    ) -> None:
        self._sources = sources
        self._shared = Shared(
            upstream, sources, budget=budget, connections=settings.stream_connections, on_trouble=metrics.recovered
        )
        self._leases = leases
        self._layouts = layouts
        self._metrics = metrics
        self._bandwidth = Bandwidth(settings.max_bandwidth)
        self._idle = float(settings.stream_idle_timeout)

    async def answer(self, wanted: Wanted, *, changes: int = 0) -> ASGIApp:
        """The response, not yet begun.

        :param changes: how often the file has changed since the request came
        :raises ProblemError: ``incompatible_formats``, or as :meth:`Sources.current` and :meth:`of`
        """
        video, plus, audio = wanted.format_id.partition("+")
        if not plus:
            source = await self._sources.current(wanted.media_id, video, client=wanted.client)
            return self.of(single(source), wanted, changes=changes)
        try:
            return self.of(await self._merged(video, audio, wanted), wanted, changes=changes)
        except SourceChanged:
            if wanted.version is not None or changes == MAX_CHANGES:
                raise
        return await self.answer(wanted, changes=changes + 1)

    async def again(self, changed: Source, wanted: Wanted, *, changes: int) -> ASGIApp:
        """The response with the file that is there now, of which or of whose part this is the source."""
        if changed.format_id == wanted.format_id:
            return self.of(single(changed), wanted, changes=changes)
        return await self.answer(wanted, changes=changes)

    async def _merged(self, video_id: str, audio_id: str, wanted: Wanted) -> File:
        video, audio, tags = await self._sources.pair(wanted.media_id, video_id, audio_id, client=wanted.client)
        version = merged_version(video.version, audio.version, tags)
        if wanted.version not in {None, version}:
            raise ProblemError("source_changed")
        opening = Opening(self._shared, (video, audio), client=wanted.client, has_begun=lambda: False)
        # Who asks for headers alone downloads nothing.
        is_download = wanted.method != "HEAD"
        lease = self._leases.hold(wanted.client, wanted.media_id, wanted.format_id) if is_download else nullcontext()
        layout = await self._layouts.of(video, audio, tags, version=version, open_source=opening, client=wanted.client, lease=lease)
        return merged(opening.latest, layout, version=version)

    def of(self, file: File, wanted: Wanted, *, changes: int = 0) -> ASGIApp:
        """The response with the bytes of this file.

        :param changes: how often the file has changed since the request came
        :raises ProblemError: ``source_changed``, ``range_not_satisfiable``
        """
        if wanted.version is not None and wanted.version != file.version:
            raise ProblemError("source_changed")
        size = file.size
        decision = decide(
            wanted.method, wanted.headers, Representation(size=size, etag=file.version, last_modified=file.last_modified)
        )
        common = file_headers(file, is_inline=wanted.is_inline)
        if decision.status == HTTPStatus.PRECONDITION_FAILED:
            raise ProblemError("source_changed", "The file is not the one that the condition names.")
        if decision.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise ProblemError("range_not_satisfiable", headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
        if decision.range is None:
            return HeadersOnly(HTTPStatus.NOT_MODIFIED, common)
        is_partial = decision.status == HTTPStatus.PARTIAL_CONTENT
        headers = common | part_headers(decision.range, size, content_type=file.content_type, is_partial=is_partial)
        if wanted.method == "HEAD":
            return HeadersOnly(decision.status, headers)
        relay = self._relay(file, decision.range, decision.status, headers, wanted)
        return _Download(self, wanted, relay, changes=changes)

    def _relay(self, file: File, part: ByteRange, status: int, headers: dict[str, str], wanted: Wanted) -> Relay:
        def body() -> AsyncGenerator[bytes, None]:
            opening = Opening(self._shared, file.sources, client=wanted.client, has_begun=lambda: relay.has_begun)
            chunks = opening(0, part) if file.layout is None else reader.read(file.layout, part, opening)
            return self._metrics.counted(self._bandwidth.paced(chunks), since=wanted.since)

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
            again = await self._downloads.again(changed.source, self._wanted, changes=self._changes + 1)
        if again is not None:
            await again(scope, receive, send)
