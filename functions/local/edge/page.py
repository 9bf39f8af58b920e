"""The built page, as the reverse proxy serves it elsewhere (deploy/Caddyfile)."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from litestar import HttpMethod, Litestar, MediaType, Request, Response, get, route
from litestar.datastructures import CacheControlHeader, MutableScopeHeaders, State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response import File
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_404_NOT_FOUND, HTTP_405_METHOD_NOT_ALLOWED
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send

from functions.local.edge.routing import is_page
from shared.problems import problem

PLAIN_BASE: Final = '<base href="/" />'
READ: Final = (HttpMethod.GET, HttpMethod.HEAD)
REVALIDATED: Final = CacheControlHeader(no_cache=True)
FOR_EVER: Final = CacheControlHeader(public=True, max_age=31_536_000, immutable=True)
"""Assets carry a hash of their content in their name."""
SECURITY: Final = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def create_page(
    folder: Path,
    *,
    root_path: str,
    lifespan: Sequence[AbstractAsyncContextManager[None]] = (),
) -> Litestar:
    """The page, its assets, ``/healthz``, and a proper 404 for everything else."""
    handlers: list[ControllerRouterHandler] = [healthz]
    state = State({"index": None})
    if (folder / "index.html").is_file():
        state.index = with_base((folder / "index.html").read_text(encoding="utf-8"), root_path)
        handlers += [
            index,
            create_static_files_router("/assets", directories=[folder / "assets"], cache_control=FOR_EVER),
            *(top_file(path) for path in folder.iterdir() if path.is_file() and path.name != "index.html"),
        ]
    page = Litestar(
        handlers,
        state=state,
        lifespan=list(lifespan),
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: refuse},
    )
    page.asgi_handler = secured(page.asgi_handler)
    return page


def secured(app: ASGIApp) -> ASGIApp:
    """Files are sent without Litestar's own response headers; these are for all answers."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message).update(SECURITY)
            await send(message)

        await app(scope, receive, send_secured)

    return application


def with_base(html: str, root_path: str) -> str:
    """The page for this ROOT_PATH: all its addresses are relative to its ``<base>``."""
    return html.replace(PLAIN_BASE, f'<base href="{root_path}/" />')


@get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False)
def healthz() -> str:
    """The process lives."""
    return "ok"


@route(["/", "/index.html"], http_method=READ, sync_to_thread=False)
def index(state: State) -> Response[str]:
    """The page."""
    return shown(state.index)


def top_file(path: Path) -> HTTPRouteHandler:
    """A file beside the page, such as its icon."""

    @route(f"/{path.name}", http_method=READ, cache_control=REVALIDATED, name=path.name, sync_to_thread=False)
    def serve() -> File:
        return File(path, filename=path.name, content_disposition_type="inline")

    return serve


def refuse(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What is not there: the page, where a person goes; a problem, where a program asks."""
    html = request.app.state.index
    if error.status_code == HTTP_404_NOT_FOUND and html and is_page(request.url.path) and is_navigation(request):
        return shown(html)
    code = "method_not_allowed" if error.status_code == HTTP_405_METHOD_NOT_ALLOWED else "not_found"
    body = problem(code)
    return Response(body, status_code=body.status, media_type="application/problem+json", headers=error.headers)


def is_navigation(request: Request[Any, Any, Any]) -> bool:
    """Whether a person opens this address, rather than a page or a program asking for a file."""
    mode = request.headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")


def shown(html: str) -> Response[str]:
    """The page, asked for anew each time: it names the assets of one build."""
    return Response(html, media_type=MediaType.HTML, headers={"cache-control": REVALIDATED.to_header()})
