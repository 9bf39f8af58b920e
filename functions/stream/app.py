"""The stream function: the bytes of a format, of two as one file, a cover or subtitles, by RFC 9110."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from litestar import HttpMethod, Litestar, Request, route
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp

from functions.stream.assets import THUMBNAIL, Assets
from functions.stream.budget import Budget
from functions.stream.downloads import Downloads, Wanted
from functions.stream.gate import Gate, Ticket
from functions.stream.headers import request_fields
from functions.stream.leases import Leases
from functions.stream.merge.layouts import Layouts
from functions.stream.metrics import StreamMetrics
from functions.stream.source import Sources
from shared.analyses import Analyses
from shared.metrics import Metrics
from shared.problems import ProblemError
from shared.queue import open_queue
from shared.settings import Settings, load_settings
from shared.store import Store, open_store
from shared.upstream import open_upstream
from shared.urls import is_media_id
from shared.web import build_app

Version = Annotated[str | None, QueryParameter(pattern="^[0-9a-f]{16}$", description="The file the link was made for")]
Expires = Annotated[str | None, QueryParameter(max_length=12, description="When the link ends, seconds since 1970")]
Signature = Annotated[str | None, QueryParameter(max_length=64, description="Of media id, file, version and expiry")]
Inline = Annotated[str | None, QueryParameter(pattern="^[01]$", description="1: to be shown in place, not saved")]

METHODS: Final = [HttpMethod.GET, HttpMethod.HEAD]
FORMAT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}(\+[A-Za-z0-9._-]{1,64})?", re.ASCII)
CODES: Final = (
    *("unknown_format", "incompatible_formats", "source_changed", "range_not_satisfiable", "invalid_signature", "unauthorized"),
    *("analysis_pending", "rate_limited", "queue_full", "too_many_downloads", "too_many_connections"),
    *("source_refused", "source_timeout", "source_unreadable", "source_rate_limited"),
    *("network_error", "proxy_unreachable", "proxy_auth_failed"),
    *("video_private", "video_removed", "video_unavailable", "members_only", "age_restricted", "geo_blocked", "drm_protected"),
    *("live_now", "not_yet_available", "bot_check", "captcha_required", "formats_incomplete", "challenge_failed"),
    *("token_rejected", "token_provider_unavailable", "analysis_timeout", "proxy_exit_unstable"),
)
RESPONSES: Final = {
    200: ResponseSpec(bytes, media_type="application/octet-stream", description="The whole file"),
    206: ResponseSpec(bytes, media_type="application/octet-stream", description="One range of it"),
    304: ResponseSpec(None, description="The client has it already"),
}


@route(
    "/v1/stream/{media_id:str}/{format_id:str}",
    http_method=METHODS,
    access="signature",
    navigable=True,
    is_stream=True,
    codes=CODES,
    responses=RESPONSES,
    summary="One file: a format, or two as one (137+140), resumable",
)
async def stream(
    media_id: FromPath[str],
    format_id: FromPath[str],
    request: Request[Any, Any, State],
    downloads: NamedDependency[Downloads],
    gate: NamedDependency[Gate],
    version: Version = None,
    expires: Expires = None,
    signature: Signature = None,
    inline: Inline = None,
) -> ASGIApp:
    """Ranges and conditional requests by RFC 9110; the same bytes for as long as the version is the same."""
    await gate.check(request, media_id, format_id, Ticket(version=version, expires=expires, signature=signature))
    if not is_media_id(media_id) or not FORMAT_ID.fullmatch(format_id):
        raise ProblemError("unknown_format")
    return downloads.answer(
        Wanted(
            method=request.method,
            media_id=media_id,
            format_id=format_id,
            headers=request_fields(request.headers),
            version=version,
            is_inline=inline == "1",
            client=gate.client(request),
            since=time.monotonic(),
        )
    )


@route(
    "/v1/stream/{media_id:str}/thumbnail",
    http_method=METHODS,
    access="signature",
    navigable=True,
    codes=CODES,
    responses={200: ResponseSpec(bytes, media_type="image/jpeg", description="The cover"), 304: RESPONSES[304]},
    summary="The cover",
)
async def thumbnail(
    media_id: FromPath[str],
    request: Request[Any, Any, State],
    assets: NamedDependency[Assets],
    gate: NamedDependency[Gate],
    expires: Expires = None,
    signature: Signature = None,
) -> ASGIApp:
    """Shown in place."""
    await gate.check(request, media_id, THUMBNAIL, Ticket(version=None, expires=expires, signature=signature))
    return await assets.answer(
        request.method, request_fields(request.headers), media_id, THUMBNAIL, client=gate.client(request), is_inline=True
    )


@route(
    "/v1/stream/{media_id:str}/subtitles/{name:str}",
    http_method=METHODS,
    access="signature",
    navigable=True,
    codes=CODES,
    responses={200: ResponseSpec(bytes, media_type="text/vtt", description="The subtitles"), 304: RESPONSES[304]},
    summary="One subtitle track, as .vtt or .srt",
)
async def subtitles(
    media_id: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, State],
    assets: NamedDependency[Assets],
    gate: NamedDependency[Gate],
    expires: Expires = None,
    signature: Signature = None,
    inline: Inline = None,
) -> ASGIApp:
    """Saved under the title's name, or with `inline` shown in place."""
    asset_id = f"subtitles/{name}"
    await gate.check(request, media_id, asset_id, Ticket(version=None, expires=expires, signature=signature))
    fields = request_fields(request.headers)
    return await assets.answer(request.method, fields, media_id, asset_id, client=gate.client(request), is_inline=inline == "1")


def create_app(settings: Settings | None = None) -> Litestar:
    """The function as an ASGI application."""
    configured = settings or load_settings()

    @asynccontextmanager
    async def resources(app: Litestar) -> AsyncIterator[None]:
        counted: Metrics = app.state.metrics
        budget = Budget(configured.stream_memory)
        metrics = StreamMetrics(counted.registry, budget, configured)
        async with (
            open_store(configured, on_error=counted.store_failed) as store,
            open_queue(configured) as queue,
            open_upstream(configured) as upstream,
        ):
            sources = Sources(store, Analyses(store, queue, configured), upstream, on_analysis=metrics.analyzed)
            leases = Leases(store, capacity=configured.max_concurrent_downloads)
            app.state.store = store
            layouts = Layouts(store, at_once=configured.stream_connections, on_layout=metrics.laid_out)
            app.state.downloads = Downloads(sources, upstream, leases, layouts, configured, budget=budget, metrics=metrics)
            app.state.assets = Assets(sources, upstream)
            yield

    gate = Gate(configured)

    def provide_gate() -> Gate:
        return gate

    return build_app(
        name="stream",
        settings=configured,
        route_handlers=[stream, thumbnail, subtitles],
        lifespan=[resources],
        dependencies={
            "downloads": Provide(provide_downloads, sync_to_thread=False),
            "assets": Provide(provide_assets, sync_to_thread=False),
            "gate": Provide(provide_gate, sync_to_thread=False),
        },
        readiness=ready,
    )


def provide_downloads(state: State) -> Downloads:
    """Opened by the lifespan."""
    downloads: Downloads = state.downloads
    return downloads


def provide_assets(state: State) -> Assets:
    """Opened by the lifespan."""
    assets: Assets = state.assets
    return assets


async def ready(app: Litestar) -> None:
    """The store answers."""
    store: Store = app.state.store
    await store.ping()
