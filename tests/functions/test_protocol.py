"""A connection to a function: what is no clear request, or never quite arrives, is refused, and holds nothing up."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from litestar import Litestar, Request, route

from shared import protocol
from shared.settings import Settings
from tests.serving import serving
from tests.smuggling import ATTACKS, FORGED, HIDDEN

SETTINGS = Settings(secret_key="s" * 32)
HEAD = b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n"

seen: list[str] = []


@route("/early", http_method="POST", status_code=200)
async def early() -> str:
    """Does not wait for the body."""
    return ""


@route("/{rest:path}", http_method=["GET", "POST"], status_code=200)
async def echo(request: Request[Any, Any, Any]) -> str:
    """Remembers the path, and for whom it is asked, once the body is there."""
    await request.body()
    seen.extend([request.scope["path"], *request.headers.getall("x-forwarded-for", [])])
    return str(request.scope["path"])


@pytest.fixture
async def port() -> AsyncIterator[int]:
    seen.clear()
    async with serving(Litestar([early, echo], openapi_config=None, logging_config=None), SETTINGS) as base:
        yield urlsplit(base).port or 0


async def said(port: int, segments: Sequence[bytes], *, pause: float = 0.1) -> bytes:
    """All that comes back until the server closes, or is silent for a second after the last segment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for segment in segments:
            writer.write(segment)
            received += await heard(reader, pause)
        return received + await heard(reader, 1)
    finally:
        writer.close()


async def heard(reader: asyncio.StreamReader, seconds: float) -> bytes:
    received = b""
    with suppress(TimeoutError, ConnectionResetError):
        async with asyncio.timeout(seconds):
            while chunk := await reader.read(65_536):
                received += chunk
    return received


async def test_no_second_request_is_smuggled(port: int) -> None:
    attacks = [said(port, [part.encode("latin-1") for part in parts]) for parts in ATTACKS.values()]
    answers = dict(zip(ATTACKS, await asyncio.gather(*attacks), strict=True))
    assert [path for path in seen if path.startswith(f"/v1/status/{HIDDEN}")] == []
    assert {name for name, answer in answers.items() if answer.count(b"HTTP/1.1 ") > 1} == set()
    assert FORGED not in seen


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
async def test_a_wish_for_another_protocol_is_passed_over(port: int, upgrade: str) -> None:
    request = f"GET /v1/demo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n"
    answer = await said(port, [f"{request}\r\n".encode(), f"{request}Content-Length: 0\r\n\r\n".encode()])
    assert answer.count(b"HTTP/1.1 200 ") == 2


async def trailing(port: int, fields: bytes) -> bytes:
    """What is said to a request with a body in chunks, and fields behind it."""
    head = b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return await said(port, [head, b"2\r\n{}\r\n", b"0\r\n" + fields])


@pytest.mark.parametrize(
    "fields", [b"X: y\r\n\r\n", b"X: y\r\nX-Forwarded-For: " + FORGED.encode() + b"\r\n\r\n", b"X: y\r\n" * 1000]
)
async def test_what_stands_behind_a_body_is_no_part_of_the_head(port: int, fields: bytes) -> None:
    assert (await trailing(port, fields)).startswith(b"HTTP/1.1 422 ")
    assert seen == []


async def test_a_field_behind_a_body_is_not_collected_for_ever(port: int) -> None:
    assert (await trailing(port, b"X: " + b"y" * 2 * protocol.MAX_HEAD)).startswith(b"HTTP/1.1 413 ")
    assert seen == []


async def test_a_body_in_many_chunks_is_a_body(port: int) -> None:
    head = b"POST /v1/demo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    assert (await said(port, [head, *[chunk] * 6, b"0\r\n\r\n"], pause=0.01)).startswith(b"HTTP/1.1 200 ")


async def test_who_has_an_answer_gets_no_second_one(port: int) -> None:
    head = b"POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await said(port, [head, b"zz\r\n"])
    assert (answer[:13], answer.count(b"HTTP/1.1 ")) == (b"HTTP/1.1 200 ", 1)


async def test_two_hosts_are_one_too_many(port: int) -> None:
    answer = await said(port, [b"GET /v1/demo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert seen == []


@pytest.mark.parametrize(
    ("segments", "answer"),
    [
        ([], b""),
        ([b"\r\n"], b""),
        ([b"GET /v1/demo HTTP/1.1\r\n", *([b"X: y\r\n"] * 6)], b"HTTP/1.1 422 "),
        ([b"GET /v1/de"], b"HTTP/1.1 422 "),
        ([HEAD + b"\r\n", *([b"x"] * 6)], b"HTTP/1.1 422 "),
        ([b"GET /v1/demo HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /v1/de"], b"HTTP/1.1 200 "),
    ],
)
async def test_what_does_not_arrive_is_not_waited_for(
    port: int, segments: list[bytes], answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly it goes on coming."""
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    with suppress(ConnectionResetError):
        async with asyncio.timeout(10):
            for segment in segments:
                writer.write(segment)
                received += await heard(reader, 0.1)
            received += await reader.read()
    writer.close()
    assert received.startswith(answer)
    assert (protocol.LATE.encode() in received) is bool(segments[:1] and segments != [b"\r\n"])


async def test_only_the_request_has_a_limit_of_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(HEAD + b"\r\n" + b"x" * 20)
        async with asyncio.timeout(10):
            assert b"/v1/demo" in await reader.readuntil(b"/v1/demo")
        assert await heard(reader, 0.5) == b"", "the connection goes on, and waits for the next request"
        assert not reader.at_eof()
    writer.close()
