"""What is sent to harm: through Caddy and through nginx, and where it makes sense through the launcher's edge."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar, Request, route
from msgspec.structs import replace

import functions.local.edge.app
import tests.edges
from shared import protocol
from shared.settings import Settings
from shared.web import build_app
from tests.edges import EDGES, NAMES, Edge, page_in
from tests.serving import serving
from tests.smuggling import ATTACKS, HIDDEN

SETTINGS: Final = Settings(secret_key="s" * 32)
VICTIMS: Final = 20
TRICKS: Final = [
    *("/metrics", "//metrics", "/./metrics", "/%6detrics", "/metrics/", "/metrics%20", "/metrics%00", "/metrics;a=b", "/METRICS"),
    *("/v1/../metrics", "/v1/status/../../metrics", "/v1/stream/%2e%2e/%2e%2e/metrics", "/v1/stream/..%2f..%2fmetrics"),
    *(
        "/v1/stream/..%252f..%252fmetrics",
        "/v1/status/..\\..\\metrics",
        "/v1/status/..%5c..%5cmetrics",
        "/v1/analyze/..;/..;/metrics",
    ),
    *("/v1//metrics", "/v1/status//metrics", "/v1/status/%2fmetrics", "/v1/analyze%2f..%2f..%2fmetrics", "/v1/status?/../metrics"),
    *("/v1/session/../../readyz", "/v1/session/%2e%2e/%2e%2e/healthz", "http://127.0.0.1/metrics", "http://evil.example//metrics"),
    *("/assets/../../metrics", "/assets/%2e%2e/metrics", "/assets/..%2f..%2f..%2f..%2fetc/passwd", "/..%2f..%2f..%2fetc/passwd"),
    *("/v1/status/../../../../../../etc/passwd", "/v1/stream/....//....//metrics", "/v1/status/%c0%ae%c0%ae/%c0%ae%c0%ae/metrics"),
]

seen: list[tuple[str, str]] = []


@route("/{rest:path}", http_method=["GET", "HEAD", "POST"], status_code=200)
async def echo(request: Request[Any, Any, Any]) -> str:
    """Remembers who is said to ask, and for what."""
    await request.body()
    seen.append((request.headers.get("x-forwarded-for", ""), request.scope["path"]))
    return str(request.scope["path"])


def echoing() -> Litestar:
    return Litestar([echo], openapi_config=None, logging_config=None)


async def ready(app: Litestar) -> None: ...


def real() -> Litestar:
    """With everything that all functions have."""
    return build_app(name="demo", settings=SETTINGS, route_handlers=[], readiness=ready)


@asynccontextmanager
async def behind(name: str, make: Callable[[], Litestar], folder: Path, *, root_path: str = "") -> AsyncIterator[int]:
    """The port of an edge, all of whose functions are alike."""
    if name == "local":
        hosted = {function: make() for function in NAMES}
        edge: Any = functions.local.edge.app.Edge(hosted, page_folder=page_in(folder), root_path=root_path)
        async with serving(edge, SETTINGS) as url:
            yield urlsplit(url).port or 0
    else:
        async with serving(make(), SETTINGS) as url:
            with EDGES[name](page_in(folder), dict.fromkeys(NAMES, url), root_path=root_path) as running:
                yield running.port


async def said(port: int, *segments: str, silence: float = 1) -> bytes:
    """All that comes back until the edge closes, or has been silent for so many seconds after the last segment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for segment in segments:
            writer.write(segment.encode("latin-1"))
            received += await heard(reader, 0.1)
            if reader.at_eof():
                break
        return received + await heard(reader, silence)
    finally:
        writer.close()


async def heard(reader: asyncio.StreamReader, seconds: float) -> bytes:
    received = b""
    with suppress(TimeoutError, ConnectionError):
        while chunk := await asyncio.wait_for(reader.read(65_536), seconds):
            received += chunk
    return received


@pytest.mark.parametrize("name", EDGES)
async def test_no_second_request_is_smuggled(name: str, tmp_path: Path) -> None:
    seen.clear()
    async with behind(name, echoing, tmp_path) as port, httpx.AsyncClient(trust_env=False) as client:
        answers = await asyncio.gather(*(said(port, *segments) for segments in ATTACKS.values()))
        assert [path for _, path in seen if path.startswith(f"/v1/status/{HIDDEN}")] == []
        twice = {attack for attack, answer in zip(ATTACKS, answers, strict=True) if answer.count(b"HTTP/1.1 ") > 1}
        assert twice == set()
        assert {forwarded for forwarded, _ in seen} == {"127.0.0.1"}
        for number in range(VICTIMS):  # nobody else gets an answer that was meant for the attacker
            answer = await client.get(f"http://127.0.0.1:{port}/v1/status/{number}")
            assert (answer.status_code, answer.text) == (200, f"/v1/status/{number}")


@pytest.mark.parametrize("root_path", ["", "/sluice"])
@pytest.mark.parametrize("name", ["local", *EDGES])
async def test_no_path_leads_to_the_inside(name: str, root_path: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, root_path=root_path)

    def make() -> Litestar:
        return build_app(name="demo", settings=settings, route_handlers=[], readiness=ready)

    async with behind(name, make, tmp_path, root_path=root_path) as port:
        paths = [*TRICKS, *(f"{root_path}{path}" for path in TRICKS if root_path), f"{root_path}{root_path}/metrics"]
        asked = (said(port, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") for path in paths)
        for path, answer in zip(paths, await asyncio.gather(*asked), strict=True):
            assert b"sluice_http" not in answer, path
            assert b"root:" not in answer, path
            assert not answer.startswith(b"HTTP/1.1 200 "), path
            assert answer.startswith(b"HTTP/1.1 4"), (path, answer)


@contextmanager
def impatient(name: str, folder: Path, url: str) -> Iterator[Edge]:
    """An edge whose limits of time are a second."""
    patched = folder / "deploy"
    patched.mkdir()
    for file in ("Caddyfile", "nginx.conf"):
        text = (tests.edges.DEPLOY / file).read_text(encoding="utf-8")
        for limit in ("read_header", "client_header_timeout", "client_body_timeout"):
            text = text.replace(f"{limit} 20s", f"{limit} 1s")
        (patched / file).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tests.edges, "DEPLOY", patched)
        patch.setenv("EDGE_GRACE", "1s")
        with EDGES[name](page_in(folder), dict.fromkeys(NAMES, url)) as running:
            yield running


@pytest.mark.parametrize("name", EDGES)
async def test_slow_heads_and_bodies_are_cut_and_hold_nobody_up(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 1.0)
    head = "POST /v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    slow = [[head, *["X: y\r\n"] * 30], ["GET /v1/sta"], [f"{head}Content-Length: 99\r\n\r\n", "{"]]
    async with serving(echoing(), SETTINGS) as url, httpx.AsyncClient(trust_env=False) as client:
        with impatient(name, tmp_path, url) as running:
            attackers = [asyncio.create_task(said(running.port, *parts, silence=8)) for parts in slow * 30]
            for number in range(VICTIMS):
                assert (await client.get(f"{running.url}/v1/status/{number}")).status_code == 200
            started = asyncio.get_running_loop().time()
            answers = await asyncio.gather(*attackers)
            assert asyncio.get_running_loop().time() - started < 7, "every one is closed, and none is left to fall silent"
            assert not any(b"HTTP/1.1 2" in answer for answer in answers)


@pytest.mark.parametrize("name", EDGES)
def test_an_answer_that_never_comes_does_not_keep_the_edge_from_ending(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as client:
        with impatient(name, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}") as running:
            client.connect(("127.0.0.1", running.port))
            client.sendall(b"GET /v1/status/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            silent.settimeout(20)
            waiting, _ = silent.accept()
            told = time.monotonic()
        assert time.monotonic() - told < 10
        waiting.close()


@pytest.mark.parametrize("name", EDGES)
async def test_a_wish_for_another_protocol_is_passed_over(name: str, tmp_path: Path) -> None:
    """Java's client expresses it with every first request, body or not."""
    wish = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
    async with behind(name, echoing, tmp_path) as port:
        answer = await said(port, f"POST /v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n{wish}\r\n{{}}", silence=0.5)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"/v1/analyze")


@pytest.mark.parametrize("name", ["local", *EDGES])
async def test_a_head_that_is_too_large_is_refused(name: str, tmp_path: Path) -> None:
    large = [f"X: {'y' * 65_536}\r\n", "".join(f"X-{number}: y\r\n" for number in range(10_000)), f"Cookie: {'a=b; ' * 20_000}\r\n"]
    starts = [f"GET /v1/status/1 HTTP/1.1\r\nHost: a\r\n{fields}\r\n" for fields in large]
    async with behind(name, echoing, tmp_path) as port:
        for request in (*starts, f"GET /v1/status/{'x' * 65_536} HTTP/1.1\r\nHost: a\r\n\r\n"):
            answer = await said(port, request)
            assert answer.startswith(b"HTTP/1.1 4") or not answer, answer[:200]
        assert b" 200 " in await said(port, "GET /v1/status/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("name", ["local", *EDGES])
async def test_nothing_of_a_request_becomes_a_header(name: str, tmp_path: Path) -> None:
    """Not the id it gives itself, not its path, not its query."""
    async with behind(name, real, tmp_path) as port:
        for request in (
            "GET /v1/status/a%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: a\r\n",
            "GET /v1/status/a?b=%0d%0aX-Injected:%20yes HTTP/1.1\r\nHost: a\r\n",
            "GET /v1/status/a HTTP/1.1\r\nHost: a\r\nX-Request-ID: a%0d%0aX-Injected: yes\r\n",
            "GET /v1/status/a HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\tX-Injected: yes\r\n",
            "OPTIONS /v1/status/a HTTP/1.1\r\nHost: a\r\nOrigin: //evil.example\r\nAccess-Control-Request-Method: X-Injected\r\n",
        ):
            head = (await said(port, f"{request}Connection: close\r\n\r\n")).partition(b"\r\n\r\n")[0].lower()
            assert head.startswith(b"http/1.1 ")
            assert b"x-injected" not in head
            assert b"evil.example" not in head
