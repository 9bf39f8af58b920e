"""The way out on real sockets: the stand-in for YouTube behind its proxy, and proxies that are none."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from msgspec.structs import replace

from shared.settings import Settings
from shared.sources import ByteRange, Identity, Source
from shared.upstream import MAX_RANGE, Patience, Upstream, UpstreamError, open_upstream
from tests.streaming import HEADERS, assets_of, settings_behind, source_of, until
from tests.youtube import (
    CAPTIONS,
    LARGE,
    ORDINARY,
    BadCertificate,
    Fault,
    IgnoredRange,
    LongBody,
    Redirect,
    Reset,
    ShiftedRange,
    ShortBody,
    SourceChanged,
    Stall,
    Status,
    Unreachable,
    WrongLength,
    WrongRange,
    YouTube,
)

IMPATIENT = Patience(connect=5.0, idle=0.3, head=5.0)
PIECE = ByteRange(1000, 301_000)


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running(username="al ice", password="p@ss:w%rd") as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving
    running.clear()


def behind(youtube: YouTube, scheme: str = "http") -> Settings:
    """Through the stand-in; credentials percent-encoded, as they are in a URL."""
    return settings_behind(youtube, proxy=f"{scheme}://al%20ice:p%40ss%3Aw%25rd@127.0.0.1:{youtube.port}")


@pytest.fixture
async def upstream(youtube: YouTube) -> AsyncIterator[Upstream]:
    async with open_upstream(behind(youtube), patience=IMPATIENT) as opened:
        yield opened


@pytest.fixture
def source(youtube: YouTube) -> Source:
    return source_of(youtube, LARGE, "137", behind(youtube))


async def fetch(upstream: Upstream, source: Source, part: ByteRange = PIECE) -> bytes:
    async with upstream.open_range(source, part) as answer:
        return b"".join([chunk async for chunk in answer.chunks])


async def reason(upstream: Upstream, source: Source) -> str:
    with pytest.raises(UpstreamError) as caught:
        await fetch(upstream, source)
    assert "googlevideo" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.reason


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h", "SOCKS5H"])
async def test_a_range_through_every_kind_of_proxy(youtube: YouTube, source: Source, scheme: str) -> None:
    async with open_upstream(behind(youtube, scheme)) as upstream, upstream.open_range(source, PIECE) as answer:
        body = b"".join([chunk async for chunk in answer.chunks])
        assert (answer.total, answer.url) == (source.identity.size, source.url)
        assert answer.last_modified == source.last_modified
    assert body == youtube.media(LARGE, "137").read(PIECE.start, PIECE.end)


async def test_what_is_asked(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    await fetch(upstream, source)
    (request,) = youtube.requests.media
    assert (request.method, request.range) == ("GET", (1000, 300_999))
    assert request.headers == {
        "host": request.host,
        "user-agent": HEADERS["User-Agent"],
        "range": "bytes=1000-300999",
        "accept-encoding": "identity",
    }


async def test_names_are_resolved_by_the_proxy(youtube: YouTube, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    resolve = socket.getaddrinfo

    def watched(host: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    for scheme in ("http", "socks5", "socks5h"):
        async with open_upstream(behind(youtube, scheme)) as upstream:
            await fetch(upstream, source)
    assert set(asked) <= {"127.0.0.1"}


async def test_a_connection_is_used_again(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    for _ in range(3):
        await fetch(upstream, source)
    assert len({request.connection for request in youtube.requests.media}) == 1


@pytest.mark.parametrize("part", [ByteRange(0, MAX_RANGE + 1), ByteRange(5, 5), ByteRange(5, 4)])
async def test_only_bounded_ranges_are_asked_for(youtube: YouTube, upstream: Upstream, source: Source, part: ByteRange) -> None:
    with pytest.raises(ValueError, match="a range of"):
        await fetch(upstream, source, part)
    assert not youtube.requests.media


async def test_a_size_that_is_not_known_yet(upstream: Upstream, source: Source) -> None:
    unknown = replace(source, identity=replace(source.identity, size=0))
    async with upstream.open_range(unknown, ByteRange(0, 1)) as answer:
        assert answer.total == source.identity.size


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Status(403), "refused"),
        (Status(404), "refused"),
        (Status(410), "refused"),
        (Status(416), "changed"),
        (Status(429, retry_after=9), "rate_limited"),
        (Status(500), "unavailable"),
        (Status(503), "unavailable"),
        (Status(204), "unreadable"),
        (Reset(), "interrupted"),
        (Reset(after=100_000), "interrupted"),
        (ShortBody(), "interrupted"),
        (ShortBody(after=100_000), "interrupted"),
        (Stall(), "timeout"),
        (Stall(after=100_000), "timeout"),
        (LongBody(is_declared=True), "unreadable"),
        (WrongLength(off_by=-1), "unreadable"),
        (WrongLength(off_by=1), "unreadable"),
        (WrongRange(), "unreadable"),
        (WrongRange("bytes 0-299999/67108864"), "unreadable"),
        (ShiftedRange(), "unreadable"),
        (IgnoredRange(), "unreadable"),
        (SourceChanged(), "changed"),
        (Redirect("foreign"), "foreign_redirect"),
        (Redirect("loop"), "foreign_redirect"),
    ],
    ids=str,
)
async def test_what_goes_wrong_has_a_reason(
    youtube: YouTube, upstream: Upstream, source: Source, effect: Any, expected: str
) -> None:
    youtube.fault(Fault("media", effect))
    assert await reason(upstream, source) == expected


async def test_a_byte_too_many_is_never_passed_on(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("media", LongBody(), times=1))
    whole = youtube.media(LARGE, "137").read(PIECE.start, PIECE.end)
    for _ in range(2):  # it may come with the next answer, too
        try:
            assert await fetch(upstream, source) == whole
        except UpstreamError as error:
            assert error.reason in {"unreadable", "interrupted"}  # noqa: PT017 - either is right
    assert await fetch(upstream, source) == whole


async def test_a_sibling_is_followed_and_named(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("media", Redirect("sibling")))
    async with upstream.open_range(source, PIECE) as answer:
        body = b"".join([chunk async for chunk in answer.chunks])
    assert body == youtube.media(LARGE, "137").read(PIECE.start, PIECE.end)
    first, second = youtube.requests.media
    assert first.host != second.host
    async with upstream.open_range(source, PIECE, url=answer.url) as again:
        assert [chunk async for chunk in again.chunks]
    assert youtube.requests.media[-1].host == second.host
    assert len(youtube.requests.media) == 3


async def test_a_circle_ends(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("media", Redirect("loop")))
    await reason(upstream, source)
    assert len(youtube.requests.media) == 6


@pytest.mark.parametrize("location", ["http://127.0.0.1:1/", "https://localhost/", "//evil.example/", "https://evil.example/"])
async def test_nobody_points_us_elsewhere(youtube: YouTube, upstream: Upstream, source: Source, location: str) -> None:
    class To:
        def change(self, answer: Any, occasion: Any) -> None:
            answer.replace(302, {"Location": location})

    youtube.fault(Fault("media", To()))
    assert await reason(upstream, source) == "foreign_redirect"


async def test_a_foreign_source_is_never_asked(upstream: Upstream, source: Source) -> None:
    assert await reason(upstream, replace(source, url="https://evil.example/videoplayback")) == "foreign_redirect"


async def test_a_certificate_of_nobody(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("connect", BadCertificate()))
    assert await reason(upstream, source) == "untrusted"


async def test_trust_has_to_be_given(youtube: YouTube, source: Source) -> None:
    async with open_upstream(replace(behind(youtube), ssl_cert_file=None)) as upstream:
        assert await reason(upstream, source) == "untrusted"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_host_that_the_proxy_cannot_reach(youtube: YouTube, source: Source, scheme: str) -> None:
    youtube.fault(Fault("connect", Unreachable()))
    async with open_upstream(behind(youtube, scheme)) as upstream:
        assert await reason(upstream, source) == "unresolved"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("credentials", ["", "al%20ice:wrong@"])
async def test_wrong_credentials(youtube: YouTube, source: Source, scheme: str, credentials: str) -> None:
    settings = settings_behind(youtube, proxy=f"{scheme}://{credentials}127.0.0.1:{youtube.port}")
    async with open_upstream(settings) as upstream:
        assert await reason(upstream, source) == "proxy_auth_failed"


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_a_proxy_that_is_not_there(youtube: YouTube, source: Source, scheme: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    async with open_upstream(settings_behind(youtube, proxy=f"{scheme}://127.0.0.1:{port}")) as upstream:
        assert await reason(upstream, source) == "proxy_unreachable"


@asynccontextmanager
async def something_else(behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """A port where no proxy answers."""
    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("scheme", "says"),
    [
        ("http", b""),
        ("http", b"SSH-2.0-OpenSSH_9.9\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\nWelcome!"),
        ("socks5", b""),
        ("socks5", b"\x05"),
        ("socks5", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ],
)
async def test_something_else_where_the_proxy_should_be(youtube: YouTube, source: Source, scheme: str, says: bytes) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(says)
        await writer.drain()
        writer.close()

    async with (
        something_else(behave) as port,
        open_upstream(settings_behind(youtube, proxy=f"{scheme}://127.0.0.1:{port}")) as upstream,
    ):
        assert await reason(upstream, source) == "proxy_unreachable"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_proxy_that_says_nothing_is_left(youtube: YouTube, source: Source, scheme: str, is_cancelled: bool) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        while await reader.read(1000):
            pass
        left.set()
        writer.close()

    patience = Patience(connect=5.0, idle=60.0, head=60.0 if is_cancelled else 0.2)
    async with (
        something_else(behave) as port,
        open_upstream(settings_behind(youtube, proxy=f"{scheme}://127.0.0.1:{port}"), patience=patience) as upstream,
    ):
        asking = asyncio.create_task(fetch(upstream, source))
        await arrived.wait()
        if is_cancelled:
            asking.cancel()
        with pytest.raises(asyncio.CancelledError if is_cancelled else UpstreamError):
            await asking
        async with asyncio.timeout(1):
            await left.wait()


async def test_who_leaves_in_the_middle_leaves_nothing_open(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    async with upstream.open_range(source, ByteRange(0, MAX_RANGE)) as answer:
        assert await anext(answer.chunks)
        (request,) = youtube.requests.media
        assert request.ended is None
    await until(lambda: request.ended is not None, within=1)
    assert request.bytes_sent < MAX_RANGE


async def test_who_is_cancelled_leaves_nothing_open(youtube: YouTube, upstream: Upstream, source: Source) -> None:
    youtube.fault(Fault("media", Stall(after=1000)))
    task = asyncio.create_task(fetch(upstream, source))
    await until(lambda: bool(youtube.requests.media) and youtube.requests.media[0].bytes_sent > 0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: youtube.requests.media[0].ended is not None, within=1)


@pytest.mark.parametrize(("asset_id", "begins"), [("thumbnail", b"\xff\xd8"), ("subtitles/en.vtt", b"WEBVTT")])
async def test_assets(youtube: YouTube, upstream: Upstream, asset_id: str, begins: bytes) -> None:
    async with upstream.open_asset(assets_of(CAPTIONS, behind(youtube))[asset_id]) as answer:
        body = b"".join([chunk async for chunk in answer.chunks])
    assert body.startswith(begins)
    assert answer.size == len(body)
    assert answer.content_type


async def test_an_asset_that_is_not_there(youtube: YouTube, upstream: Upstream) -> None:
    youtube.fault(Fault("thumbnail", Status(404)))
    with pytest.raises(UpstreamError) as caught:
        async with upstream.open_asset(assets_of(ORDINARY, behind(youtube))["thumbnail"]):
            pass
    assert caught.value.reason == "refused"


async def test_without_a_proxy_the_family_of_the_url_is_the_family_of_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(host: Any, port: Any, family: int = 0, *_: Any, **__: Any) -> Any:
        asked.append(family)
        raise OSError("no connection leaves a test")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    source = Source(
        media_id=ORDINARY,
        format_id="137",
        url="https://rr1---sn-a.googlevideo.com/videoplayback",
        headers={},
        identity=Identity(itag="137", xtags="", lmt=None, size=10_000_000),
        content_type="video/mp4",
        filename="a.mp4",
        expires_at=0,
        available_at=None,
        init_range=None,
        index_range=None,
        exit="",
        family=None,
    )
    async with open_upstream(Settings(secret_key="s" * 32)) as upstream:
        for family in ("ipv4", "ipv6", None):
            with pytest.raises(UpstreamError):
                await fetch(upstream, replace(source, family=family))
    assert asked == [socket.AF_INET, socket.AF_INET6, socket.AF_UNSPEC]
