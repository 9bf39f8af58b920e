"""Whatever YouTube does to a download, the client gets the identical file, or a name for the failure, or a broken connection."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.window import FIRST_PIECE
from shared.settings import Settings
from shared.store import Store
from shared.upstream import MAX_RANGE
from tests.streaming import Gateway, gateway, settings_behind, until
from tests.youtube import (
    LARGE,
    Effect,
    Fault,
    IgnoredRange,
    LongBody,
    Redirect,
    RefusedForm,
    Reset,
    ShiftedRange,
    ShortBody,
    SourceChanged,
    Status,
    Unreachable,
    WrongLength,
    WrongRange,
    YouTube,
)

PATH = f"/v1/stream/{LARGE}/137"
MIDDLE = 20_000_000
KEPT = 30_000_000
"""Bytes that most tests download: a few upstream ranges."""


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not [request for request in running.requests.leaving if "attacker" not in request.host]
    running.clear()


@pytest.fixture
def settings(youtube: YouTube, redis_url: str) -> Settings:
    """One connection to YouTube: several are looked at elsewhere."""
    return replace(settings_behind(youtube, redis_url=redis_url), stream_connections=1)


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings) -> AsyncIterator[Gateway]:
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(LARGE)
        yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff without its length."""
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.005)


@pytest.fixture(scope="module")
def expected(running: YouTube) -> str:
    return hashlib.sha256(running.media(LARGE, "137").read(0, KEPT)).hexdigest()


async def download(stream: Gateway, **params: str) -> str:
    """SHA-256 of the first bytes."""
    digest = hashlib.sha256()
    async with stream.http.stream("GET", PATH, headers={"Range": f"bytes=0-{KEPT - 1}"}, params=params) as answer:
        assert answer.status_code == 206, await answer.aread()
        async for chunk in answer.aiter_raw():
            digest.update(chunk)
    return digest.hexdigest()


async def collect(stream: Gateway, received: bytearray, *, begun: Callable[[], None] = lambda: None) -> None:
    """The whole file, as far as it comes; ``begun`` is called at its first byte."""
    async with stream.http.stream("GET", PATH) as answer:
        assert answer.status_code == 200
        async for chunk in answer.aiter_raw():
            if not received:
                begun()
            received += chunk


@pytest.mark.parametrize(
    "effect",
    [
        Status(403),
        Status(404),
        Status(410),
        Status(429, retry_after=0),
        Status(500),
        Status(503),
        Reset(),
        Reset(after=300_000),
        ShortBody(),
        ShortBody(after=300_000),
        LongBody(is_declared=True),
        LongBody(),
        WrongLength(off_by=-1),
        WrongLength(off_by=1),
        WrongRange(),
        WrongRange("bytes 0-9/10"),
        ShiftedRange(),
        IgnoredRange(),
        SourceChanged(),
        Redirect("sibling"),
        Redirect("loop"),
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["first", "middle", "last"])
@pytest.mark.usefixtures("hasty")
async def test_one_fault_anywhere_leaves_no_trace(stream: Gateway, expected: str, effect: Effect, where: str) -> None:
    offset = {"first": 0, "middle": MIDDLE, "last": KEPT - 1}[where]
    fault = stream.youtube.fault(Fault("media", effect, covers=offset, times=1))
    if effect == Redirect("loop"):
        stream.youtube.clear()
        fault = stream.youtube.fault(Fault("media", effect, covers=offset, times=3))  # of five that are followed
    assert await download(stream) == expected
    assert fault.hits >= 1


@pytest.mark.usefixtures("hasty")
async def test_resets_again_and_again_are_survived_while_there_is_progress(stream: Gateway, expected: str) -> None:
    fault = stream.youtube.fault(Fault("media", Reset(after=3_000_000), times=12))
    assert await download(stream) == expected
    assert fault.hits > 6


@pytest.mark.usefixtures("hasty")
async def test_a_retry_begins_at_the_exact_byte(stream: Gateway, expected: str) -> None:
    stream.youtube.fault(Fault("media", ShortBody(after=123_456), covers=MIDDLE, times=1))
    assert await download(stream) == expected
    ranges = [request.range for request in stream.youtube.requests.media]
    cut = next(index for index, asked in enumerate(ranges) if asked is not None and asked[0] <= MIDDLE <= (asked[1] or 0))
    before, after = ranges[cut], ranges[cut + 1]
    assert before is not None
    assert after is not None
    assert after[0] == before[0] + 123_456


async def test_ranges_are_bounded_and_not_all_alike(stream: Gateway, expected: str) -> None:
    assert await download(stream) == expected
    first, *others = [request.range for request in stream.youtube.requests.media]
    assert first == (0, FIRST_PIECE - 1)
    lengths = [asked[1] - asked[0] + 1 for asked in others if asked is not None and asked[1] is not None]
    bounds = [min(2**n * FIRST_PIECE, MAX_RANGE) for n in range(1, len(lengths) + 1)]
    assert all(length <= bound for length, bound in zip(lengths, bounds, strict=True))
    assert all(length >= 0.8 * bound for length, bound in zip(lengths[:-1], bounds, strict=False))
    assert len(set(lengths)) == len(lengths)
    assert max(request.concurrency for request in stream.youtube.requests.media) == 1


async def test_nothing_is_asked_that_youtube_refuses_by_form(stream: Gateway, expected: str) -> None:
    fault = stream.youtube.fault(Fault("media", RefusedForm(longest=MAX_RANGE)))
    assert await download(stream) == expected
    assert fault.hits == len(stream.youtube.requests.media)
    assert stream.analyst.analyses == [LARGE]


async def test_the_host_of_a_redirect_is_asked_next(stream: Gateway, expected: str) -> None:
    stream.youtube.fault(Fault("media", Redirect("sibling"), times=1))
    assert await download(stream) == expected
    first, *others = [request.host for request in stream.youtube.requests.media]
    assert first not in others
    assert len(set(others)) == 1


@pytest.mark.parametrize("offset", [0, MIDDLE])
async def test_a_refused_url_is_renewed_and_proved(stream: Gateway, expected: str, offset: int) -> None:
    old = stream.youtube.fault(Fault("media", Status(403), covers=offset, times=1))
    assert await download(stream) == expected
    assert old.hits == 1
    assert stream.analyst.analyses == [LARGE, LARGE]


async def test_a_url_near_its_end_is_renewed_before(stream: Gateway, expected: str) -> None:
    await stream.analyst.analyze(LARGE, expires_at=time.time() + 10)
    assert await download(stream) == expected
    assert len(stream.analyst.analyses) == 3
    assert all(request.status == 206 for request in stream.youtube.requests.media)


async def test_urls_that_are_born_near_their_end_are_not_renewed_all_the_time(stream: Gateway, expected: str) -> None:
    stream.youtube.edit(LARGE, expires_in=10)
    await stream.analyst.analyze(LARGE)
    assert await download(stream) == expected
    assert len(stream.analyst.analyses) <= 4


async def test_a_url_near_its_end_serves_while_no_other_is_to_be_had(stream: Gateway, expected: str) -> None:
    await stream.analyst.analyze(LARGE, expires_at=time.time() + 20)
    stream.analyst.fails_with = "bot_check"
    assert await download(stream) == expected


async def test_a_file_is_waited_for_until_it_is_available(stream: Gateway, expected: str) -> None:
    moment = time.time() + 0.4
    await stream.analyst.analyze(LARGE, available_at=moment)
    assert await download(stream) == expected
    assert time.time() > moment
    await stream.analyst.analyze(LARGE, available_at=time.time() + 1000)
    answer = await stream.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (502, "source_refused")
    assert int(answer.headers["Retry-After"]) > 900


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        (Status(403), 502, "source_refused"),
        (Status(429, retry_after=500), 503, "source_rate_limited"),
        (Status(500), 502, "source_refused"),
        (Reset(), 502, "source_unreadable"),
        (IgnoredRange(), 502, "source_unreadable"),
        (Redirect("foreign"), 502, "source_unreadable"),
        (SourceChanged(), 412, "source_changed"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("hasty")
async def test_what_lasts_has_a_name_before_the_first_byte(stream: Gateway, effect: Effect, status: int, code: str) -> None:
    stream.youtube.fault(Fault("media", effect))
    answer = await stream.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "ETag" not in answer.headers
    for private in ("googlevideo", "videoplayback", "127.0.0.1", "attacker"):
        assert private not in answer.text


@pytest.mark.usefixtures("hasty")
async def test_a_host_that_cannot_be_reached_and_a_proxy_that_is_gone(stream: Gateway) -> None:
    unreachable = stream.youtube.fault(Fault("connect", Unreachable()))
    assert (await stream.http.get(PATH)).json()["code"] == "network_error"
    unreachable.remove()
    stream.youtube.stop_listening()
    try:
        assert (await stream.http.get(PATH)).json()["code"] == "proxy_unreachable"
    finally:
        stream.youtube.start_listening()


@pytest.mark.usefixtures("hasty")
async def test_what_lasts_breaks_the_connection_after_the_first_byte(stream: Gateway) -> None:
    stream.youtube.fault(Fault("media", Status(403), covers=MIDDLE))
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        await collect(stream, received)
    assert received == stream.youtube.media(LARGE, "137").read(0, len(received))
    assert 0 < len(received) <= MIDDLE


async def test_curl_sees_that_a_download_is_broken(stream: Gateway, tmp_path: Any, hasty: None) -> None:
    stream.youtube.fault(Fault("media", IgnoredRange(), covers=MIDDLE))
    part = tmp_path / "part"
    curl = await asyncio.create_subprocess_exec("curl", "-sS", "--noproxy", "*", "-o", part, stream.base + PATH, stderr=-3)
    assert await curl.wait() == 18  # partial file
    size = part.stat().st_size
    assert part.read_bytes() == stream.youtube.media(LARGE, "137").read(0, size)
    stream.youtube.clear()
    arguments = ("-sS", "--noproxy", "*", "-C", "-", "-o", part, stream.base + PATH)
    assert await (await asyncio.create_subprocess_exec("curl", *arguments)).wait() == 0
    assert hashlib.sha256(part.read_bytes()).hexdigest() == stream.youtube.media(LARGE, "137").sha256()


async def test_another_file_behind_the_format_is_never_mixed_in(stream: Gateway) -> None:
    """While bytes flow the source becomes another one: the connection breaks, and all bytes are of the first."""
    original = stream.youtube.media(LARGE, "137").read(0, MIDDLE)
    received = bytearray()

    def change() -> None:
        stream.youtube.edit(LARGE, revision=1)
        stream.youtube.fault(Fault("media", Status(403), times=1))

    with pytest.raises(httpx.RemoteProtocolError):
        await collect(stream, received, begun=change)
    assert 0 < len(received) < MIDDLE
    assert received == original[: len(received)]


async def test_a_link_without_a_version_serves_the_new_file_as_one(stream: Gateway) -> None:
    stream.youtube.edit(LARGE, revision=1)
    stream.youtube.fault(Fault("media", Status(403), times=1))
    changed = stream.youtube.media(LARGE, "137")
    answer = await stream.http.get(PATH)
    assert answer.headers["Content-Length"] == str(changed.size)
    assert hashlib.sha256(answer.content).hexdigest() == changed.sha256()
    assert (await stream.http.head(PATH)).headers["ETag"] == answer.headers["ETag"]


async def test_a_link_with_a_version_fails_when_the_file_is_another(stream: Gateway) -> None:
    version = (await stream.http.head(PATH)).headers["ETag"].strip('"')
    stream.youtube.edit(LARGE, revision=1)
    stream.youtube.fault(Fault("media", Status(403), times=1))
    answer = await stream.http.get(PATH, params={"version": version}, headers={"Range": "bytes=5-"})
    assert (answer.status_code, answer.json()["code"]) == (412, "source_changed")


async def test_a_version_outlives_the_url_and_the_cache(stream: Gateway, redis_url: str, expected: str) -> None:
    version = (await stream.http.head(PATH)).headers["ETag"].strip('"')
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    assert await download(stream, version=version) == expected
    assert stream.analyst.analyses == [LARGE, LARGE]


async def test_many_downloads_that_are_refused_at_once_are_one_analysis(stream: Gateway, expected: str) -> None:
    stream.youtube.fault(Fault("media", Status(403), times=6))
    stream.analyst.is_idle = True
    downloads = [asyncio.create_task(download(stream)) for _ in range(6)]
    await until(lambda: sum(request.status == 403 for request in stream.youtube.requests.media) == 6)
    stream.analyst.is_idle = False
    assert set(await asyncio.gather(*downloads)) == {expected}
    assert stream.analyst.analyses == [LARGE, LARGE]
