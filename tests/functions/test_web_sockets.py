"""What only a real connection shows: bodies without a length, heads without an end, answers that break off."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.params import JSONBody
from litestar.types import ASGIApp, Receive, Scope, Send

from shared.protocol import MAX_HEAD, MAX_UNSENT
from shared.schemas import AnalyzeRequest, Problem
from shared.serve import silence_broken_off
from shared.settings import Settings
from shared.web import build_app
from tests.serving import serving

SETTINGS = Settings(secret_key="s" * 32)


@post("/v1/demo")
async def echo(data: JSONBody[AnalyzeRequest]) -> AnalyzeRequest:
    return data


async def break_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"short", "more_body": True})
    raise RuntimeError("the source is gone")


@get("/v1/demo/broken", is_stream=True)
async def broken() -> ASGIApp:
    return break_off


async def left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def begin(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100000")]})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    await left(receive)


@get("/v1/demo/endless", is_stream=True)
async def endless() -> ASGIApp:
    return begin


taken = bytearray()
"""Grows while somebody takes a flood."""


async def pour(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100000000")]})
    leaving = asyncio.create_task(left(receive))
    while not leaving.done():
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
        taken.extend(bytes(65_536))
        await asyncio.sleep(0)


@get("/v1/demo/flood", is_stream=True)
async def flood() -> ASGIApp:
    return pour


async def ready(app: Litestar) -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def base() -> AsyncIterator[str]:
    app = build_app(name="demo", settings=SETTINGS, route_handlers=[echo, broken, endless, flood], readiness=ready)
    async with serving(app, SETTINGS) as address:
        yield address


async def exchange(base: str, request: bytes) -> bytes:
    """What comes back until the server closes, or has sent one answer."""
    parts = urlsplit(base)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read(65_536)
    finally:
        writer.close()


async def test_a_body_in_chunks_has_the_same_limit(base: str) -> None:
    async def body(size: int) -> AsyncIterator[bytes]:
        yield b'{"url": "'
        for _ in range(size // 1024):
            yield b"x" * 1024
        yield b'"}'

    headers = {"Content-Type": "application/json"}
    async with httpx.AsyncClient() as client:
        small = await client.post(f"{base}/v1/demo", content=body(1024), headers=headers)
        assert small.status_code == 201
        large = await client.post(f"{base}/v1/demo", content=body(20 * 1024), headers=headers)
        assert (large.status_code, large.json()["code"]) == (413, "too_large")


async def test_a_body_is_refused_by_its_announced_length(base: str) -> None:
    head = b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
    answer = await exchange(base, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"too_large" in answer


def problem_of(answer: bytes) -> tuple[int, str]:
    """Status and code of an answer that is a problem to the letter."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert (fields["content-type"], fields["content-length"]) == ("application/problem+json", str(len(body)))
    found = msgspec.json.decode(body, type=Problem)
    assert first == f"HTTP/1.1 {found.status} {HTTPStatus(found.status).phrase}"
    return found.status, found.code


@pytest.mark.parametrize("head", [b"X-Long: " + b"x" * 2 * MAX_HEAD, b"".join(b"X-%d: y\r\n" % n for n in range(MAX_HEAD // 4))])
async def test_a_head_without_an_end_is_cut(base: str, head: bytes) -> None:
    assert problem_of(await exchange(base, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + head)) == (413, "too_large")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
        b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_request_is_a_problem(base: str, request_: bytes) -> None:
    assert problem_of(await exchange(base, request_)) == (422, "invalid_request")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01 no request\r\n\r\n",
        b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
    ],
)
async def test_nothing_is_said_in_the_middle_of_an_answer(base: str, garbage: bytes) -> None:
    parts = urlsplit(base)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET /v1/demo/endless HTTP/1.1\r\nHost: a\r\n\r\n")
    async with asyncio.timeout(10):
        received = await reader.readuntil(b"begun")
        writer.write(garbage)
        with suppress(ConnectionResetError):
            received += await reader.read()
    writer.close()
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(b"begun")


async def test_a_large_head_within_the_limit_is_served(base: str) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * (MAX_HEAD // 2) + b"\r\n\r\n"
    assert (await exchange(base, head)).startswith(b"HTTP/1.1 200 ")


async def test_the_server_does_not_tell_what_it_is(base: str) -> None:
    async with httpx.AsyncClient() as client:
        assert "server" not in (await client.get(f"{base}/healthz")).headers


async def test_readiness_has_a_limit(base: str) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{base}/readyz", timeout=10)
        assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")


async def test_a_broken_answer_never_looks_whole(base: str, caplog: pytest.LogCaptureFixture) -> None:
    silence_broken_off()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{base}/v1/demo/broken")
        counted = (await client.get(f"{base}/metrics")).text
    assert 'sluice_http_requests_total{method="GET",route="/v1/demo/broken",status_class="2xx"} 1.0' in counted
    assert "sluice_http_requests_in_flight 1.0" in counted
    assert not [record for record in caplog.records if record.name == "uvicorn.error" and record.levelno >= logging.ERROR]


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error(base: str, caplog: pytest.LogCaptureFixture) -> None:
    parts = urlsplit(base)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with httpx.AsyncClient() as client, asyncio.timeout(10):
        while 'route="/v1/demo"' not in (metrics := (await client.get(f"{base}/metrics")).text):
            pass
    assert 'route="/v1/demo",status_class="4xx"' in metrics


async def test_little_waits_in_the_system_for_a_slow_client(base: str) -> None:
    """Otherwise it takes megabytes, and the application believes that the client has them."""
    taken.clear()
    parts = urlsplit(base)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.connect((parts.hostname, parts.port))
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET /v1/demo/flood HTTP/1.1\r\nHost: a\r\n\r\n")
        await loop.sock_recv(client, 1)
        before, since = -1, loop.time()
        while loop.time() - since < 0.3:
            await asyncio.sleep(0.01)  # the pace of a poll
            if len(taken) != before:
                before, since = len(taken), loop.time()
    assert before < MAX_UNSENT + 768 * 1024


async def test_a_strange_host_is_a_problem(base: str) -> None:
    answer = await exchange(base, b'GET /healthz HTTP/1.1\r\nHost: a/b"<>\r\n\r\n')
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    found: dict[str, Any] = json.loads(body)
    assert found["code"] == "invalid_request"
