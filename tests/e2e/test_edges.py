"""The three edges, Caddy or nginx on a server and the launcher's on a laptop, give the same answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar, Request, route

from functions.local.edge.app import Edge
from functions.local.edge.page import SECURITY
from shared.settings import Settings
from tests.edges import EDGES, INDEX, NAMES, page_in
from tests.serving import serving

BROWSER: Final = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate"}


def function(name: str) -> Litestar:
    """Answers every path with its own name and the path."""

    @route(["/", "/{rest:path}"], http_method=["GET", "HEAD", "POST"], status_code=200, sync_to_thread=False)
    def answer(request: Request[Any, Any, Any]) -> dict[str, str]:
        forwarded = request.headers.get("x-forwarded-for", "")
        return {"function": name, "path": request.scope["path"], "forwarded": forwarded}

    return Litestar([answer], openapi_config=None)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return page_in(tmp_path)


@asynccontextmanager
async def local(page: Path, *, root_path: str) -> AsyncIterator[str]:
    """Inside `python -m functions`."""
    edge: Any = Edge({name: function(name) for name in NAMES}, page_folder=page, root_path=root_path)
    async with serving(edge, Settings()) as url:
        yield url


def in_front(proxy: str) -> Any:
    """A reverse proxy of deploy/, in front of three servers."""

    @asynccontextmanager
    async def run(page: Path, *, root_path: str) -> AsyncIterator[str]:
        async with AsyncExitStack() as stack:
            functions = {name: await stack.enter_async_context(serving(function(name), Settings())) for name in NAMES}
            yield stack.enter_context(EDGES[proxy](page, functions, root_path=root_path)).url

    return run


@pytest.fixture(params=[local, in_front("caddy"), in_front("nginx")], ids=["local", "caddy", "nginx"])
def edge(request: pytest.FixtureRequest) -> Callable[..., Any]:
    chosen: Callable[..., Any] = request.param
    return chosen


@asynccontextmanager
async def client_of(edge: Callable[..., Any], page: Path, *, root_path: str = "") -> AsyncIterator[httpx.AsyncClient]:
    async with edge(page, root_path=root_path) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


async def test_each_path_has_its_function(edge: Callable[..., Any], page: Path) -> None:
    async with client_of(edge, page) as client:
        for path, name in {
            "/v1/analyze": "analyze",
            "/v1/analyze/openapi.json": "analyze",
            "/v1/session": "analyze",
            "/v1/status/events?task_id=1": "status",
            "/v1/stream/dQw4w9WgXcQ/137+140": "stream",
            "/v1/stream/dQw4w9WgXcQ/subtitles/en.vtt": "stream",
        }.items():
            answer = (await client.get(path)).json()
            assert (answer["function"], answer["path"]) == (name, path.split("?")[0])


async def test_under_a_root_path_stripped_or_not(edge: Callable[..., Any], page: Path) -> None:
    async with client_of(edge, page, root_path="/sluice") as client:
        for prefix in ("", "/sluice"):
            assert (await client.get(f"{prefix}/v1/status/1")).json()["function"] == "status"
            assert '<base href="/sluice/" />' in (await client.get(f"{prefix}/")).text
            assert (await client.get(f"{prefix}/assets/index-1a2b.js")).text == "export {}"
        assert '<base href="/sluice/" />' in (await client.get("/sluice", headers=BROWSER)).text


async def test_what_is_for_the_inside_is_not_published(edge: Callable[..., Any], page: Path) -> None:
    async with client_of(edge, page) as client:
        for path in ("/readyz", "/metrics", "/v1", "/v1/", "/v1/nothing", "/v1/analyzer"):
            answer = await client.get(path, headers=BROWSER)
            assert answer.status_code == 404, path
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert answer.json()["code"] == "not_found"


async def test_the_page_and_its_files(edge: Callable[..., Any], page: Path) -> None:
    async with client_of(edge, page) as client:
        index = await client.get("/")
        assert index.text == INDEX
        assert index.headers["cache-control"] == "no-cache"
        assert {name: index.headers[name] for name in SECURITY} == SECURITY
        asset = await client.get("/assets/index-1a2b.js")
        assert set(asset.headers["cache-control"].split(", ")) == {"public", "max-age=31536000", "immutable"}
        assert asset.headers["x-content-type-options"] == "nosniff"
        assert asset.headers["content-type"].startswith("text/javascript")
        icon = await client.get("/icon.svg")
        assert icon.headers["content-type"] == "image/svg+xml"
        assert icon.headers["cache-control"] == "no-cache"
        assert (await client.head("/")).headers["content-type"].startswith("text/html")


async def test_the_page_for_people_and_404_for_programs(edge: Callable[..., Any], page: Path) -> None:
    async with client_of(edge, page) as client:
        assert (await client.get("/some/where", headers=BROWSER)).text == INDEX
        assert (await client.get("/some/where", headers={"accept": "text/html"})).text == INDEX
        for headers in ({"accept": "*/*"}, {"accept": "text/html", "sec-fetch-mode": "no-cors"}):
            for path in ("/some/where", "/assets/index-0000.js", "/favicon.ico", "/assets/%2e%2e/%2e%2e/secret"):
                answer = await client.get(path, headers=headers)
                # nginx finds that a path above the root is none at all.
                wanted = {"not_found", "invalid_request"} if "%2e" in path else {"not_found"}
                assert answer.json()["code"] in wanted, path
                assert answer.status_code == answer.json()["status"]
                assert "immutable" not in answer.headers.get("cache-control", "")


async def test_the_page_takes_nothing(edge: Callable[..., Any], page: Path) -> None:
    async with client_of(edge, page) as client:
        for path in ("/icon.svg", "/assets/index-1a2b.js"):
            answer = await client.post(path, content=b"x")
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), path
            assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("proxy", EDGES)
async def test_the_client_is_added_to_what_was_forwarded(proxy: str, page: Path) -> None:
    async with client_of(in_front(proxy), page) as client:
        answer = await client.get("/v1/status/1", headers={"x-forwarded-for": "198.51.100.7"})
        assert answer.json()["forwarded"] == "198.51.100.7, 127.0.0.1"
