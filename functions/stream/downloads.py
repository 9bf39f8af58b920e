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
from functions.stream.leaving import unless_gone
from functions.stream.merge import reader
from functions.stream.merge.layouts import Layouts
from functions.stream.metrics import StreamMetrics
from functions.stream.opening import Opening, Shared
from functions.stream.ranges import Representation, decide
from functions.stream.relay import HeadersOnly, Relay
from functions.stream.source import SourceChanged, Sources
from shared.merges import merged_version, tags_of_version
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

    def answer(self, wanted: Wanted) -> ASGIApp:
        """The response, of which nothing has begun."""
        return _Answer(self, wanted)

    async def response(self, wanted: Wanted, *, known: Source | None) -> HeadersOnly | Relay:
        """The response with the file that is there now.

        :param known: the source that was found last, if this is not the first response
        :raises ProblemError: ``incompatible_formats``, ``source_changed``, ``range_not_satisfiable``, or as :meth:`Sources.current`
        """
        video, plus, audio = wanted.format_id.partition("+")
        if plus:
            return self._of(await self._merged(video, audio, wanted), wanted)
        source = known or await self._sources.current(wanted.media_id, video, client=wanted.client)
        return self._of(single(source), wanted)

    async def _merged(self, video_id: str, audio_id: str, wanted: Wanted) -> File:
        video, audio, known = await self._sources.pair(wanted.media_id, video_id, audio_id, client=wanted.client)
        tags = tags_of_version(wanted.version, video.version, audio.version, known)
        version = merged_version(video.version, audio.version, tags)
        if wanted.version not in {None, version}:
            raise ProblemError("source_changed")
        opening = Opening(self._shared, (video, audio), client=wanted.client, has_begun=lambda: False)
        # Who asks for headers alone downloads nothing.
        is_download = wanted.method != "HEAD"
        lease = self._leases.hold(wanted.client, wanted.media_id, wanted.format_id) if is_download else nullcontext()
        layout = await self._layouts.of(video, audio, tags, version=version, open_source=opening, client=wanted.client, lease=lease)
        return merged(opening.latest, layout, version=version)

    def _of(self, file: File, wanted: Wanted) -> HeadersOnly | Relay:
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
        return self._relay(file, decision.range, decision.status, headers, wanted)

    def _relay(self, file: File, part: ByteRange, status: int, headers: dict[str, str], wanted: Wanted) -> Relay:
        def body() -> AsyncGenerator[bytes, None]:
            opening = Opening(self._shared, file.sources, client=wanted.client, has_begun=lambda: relay.has_begun)
            chunks = opening(0, part) if file.layout is None else reader.read(file.layout, part, opening)
            return self._metrics.counted(self._bandwidth.paced(chunks), since=wanted.since)

        lease = self._leases.hold(wanted.client, wanted.media_id, wanted.format_id)
        relay = Relay(status=status, headers=headers, body=body, lease=lease, idle=self._idle)
        return relay


class _Answer:
    """Begins anew with the file that is there now, where nobody was promised the one that was there before."""

    def __init__(self, downloads: Downloads, wanted: Wanted) -> None:
        self._downloads = downloads
        self._wanted = wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One answer, or none to a client that leaves; a change of the file after its headers breaks the connection."""
        known: Source | None = None
        for changes in range(MAX_CHANGES + 1):
            response: HeadersOnly | Relay | None = None
            try:
                response = await unless_gone(self._downloads.response(self._wanted, known=known), receive)
                if response is not None:
                    await response(scope, receive, send)
            except SourceChanged as changed:
                has_begun = isinstance(response, Relay) and response.has_begun
                if has_begun or self._wanted.version is not None or changes == MAX_CHANGES:
                    raise
                known = changed.source
            else:
                return
