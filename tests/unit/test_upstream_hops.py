"""What YouTube's answers can make the way out do: follow a redirect within YouTube, and nothing else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.settings import Settings
from shared.sources import ByteRange, Source
from shared.upstream import Upstream, UpstreamError, open_upstream
from tests.streaming import HEADERS, settings_behind, source_of
from tests.youtube import ORDINARY, Answer, Fault, Redirect, YouTube
from tests.youtube.faults import Occasion

PIECE = ByteRange(0, 1000)


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving
    running.clear()


@pytest.fixture
def settings(youtube: YouTube) -> Settings:
    return settings_behind(youtube)


@pytest.fixture
async def upstream(settings: Settings) -> AsyncIterator[Upstream]:
    async with open_upstream(settings) as opened:
        yield opened


@pytest.fixture
def source(youtube: YouTube, settings: Settings) -> Source:
    return source_of(youtube, ORDINARY, "137", settings)


@dataclass(frozen=True)
class Location:
    """302 to anything at all."""

    value: str

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.replace(302, {"Location": self.value})


class SetCookie:
    """Asks to be told something again."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.headers["Set-Cookie"] = "VISITOR=somebody; Domain=.googlevideo.com; Path=/; Secure; Max-Age=99999"


async def fetch(upstream: Upstream, source: Source) -> bytes:
    async with upstream.open_range(source, PIECE) as answer:
        return b"".join([chunk async for chunk in answer.chunks])


async def test_nothing_is_remembered_from_one_request_to_the_next(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("media", SetCookie()))
    for _ in range(2):
        await fetch(upstream, source)
    assert all("cookie" not in request.headers for request in youtube.requests.media)


async def test_every_hop_is_told_the_same_and_no_more(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("media", Redirect("sibling")))
    await fetch(upstream, source)
    for request in youtube.requests.media:
        assert request.headers == {
            "host": request.host,
            "user-agent": HEADERS["User-Agent"],
            "range": "bytes=0-999",
            "accept-encoding": "identity",
        }


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://[", "unreadable"),
        ("//[bad/", "unreadable"),
        ("https://rr1.googlevideo.com:99999999/", "foreign_redirect"),
        ("https://rr1.googlevideo.com:8443/", "foreign_redirect"),
        ("http://rr1.googlevideo.com/", "foreign_redirect"),
        ("https://user@rr1.googlevideo.com/", "foreign_redirect"),
        ("https://rr1.googlevideo.com.attacker.example/", "foreign_redirect"),
        ("https://169.254.169.254/latest/meta-data/", "foreign_redirect"),
        ("https://[::ffff:127.0.0.1]/", "foreign_redirect"),
        ("https://ｇooglevideo.com/", "interrupted"),
        ("javascript:alert(1)", "unreadable"),
        ("", "foreign_redirect"),  # the same address, in circles
        ("x" * 40_000, "refused"),  # a path nobody has
    ],
)
async def test_a_redirect_to_nowhere(youtube: YouTube, upstream: Upstream, source: Source, location: str, reason: str) -> None:
    times = None if not location else 1
    youtube.fault(Fault("media", Location(location.encode().decode("latin-1")), times=times))
    with pytest.raises(UpstreamError) as caught:
        await fetch(upstream, source)
    assert caught.value.reason == reason


@dataclass(frozen=True)
class Heard:
    """What somebody else's server was told."""

    port: int
    bytes: bytearray


@pytest.fixture
async def somebody_else() -> AsyncIterator[Heard]:
    """A service of the operator's own network that answers whatever it is told, without TLS."""
    heard = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(65536))
        writer.write(
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-999/1000\r\nContent-Length: 1000\r\n\r\n" + bytes(1000)
        )
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield Heard(server.sockets[0].getsockname()[1], heard)


async def test_a_name_that_leads_into_the_own_network_is_told_nothing(
    source: Source, somebody_else: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a proxy anybody who rules the name service says where a name leads. There, TLS asks for YouTube's certificate first.

    Addresses are not looked at: behind many a home gateway every name leads to a private one.
    """

    async def rebound(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", somebody_else.port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
    async with open_upstream(Settings(secret_key="s" * 32)) as direct:
        with pytest.raises(UpstreamError) as caught:
            await fetch(direct, source)
    assert caught.value.reason in {"untrusted", "interrupted"}
    assert somebody_else.bytes.startswith(b"\x16\x03")  # a greeting of TLS
    assert b"videoplayback" not in somebody_else.bytes
    assert b"GET" not in somebody_else.bytes
