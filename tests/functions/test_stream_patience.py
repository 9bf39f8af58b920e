"""How long anything is waited for: an upstream that is slow or silent, an exit that changes, a proxy that comes back."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from shared.settings import Settings
from shared.store import Store
from shared.upstream import Patience, open_upstream
from tests.streaming import Gateway, gateway, settings_behind, until
from tests.youtube import (
    CAPTIONS,
    LARGE,
    AddressBound,
    Answer,
    BadCertificate,
    Delay,
    Effect,
    Fault,
    ShortBody,
    Slow,
    Stall,
    Status,
    YouTube,
)
from tests.youtube.faults import Occasion

PATH = f"/v1/stream/{LARGE}/137"
SUBTITLES = f"/v1/stream/{CAPTIONS}/subtitles/en.vtt"
SIZE = 3_000_000
RANGE = {"Range": f"bytes=0-{SIZE - 1}"}


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


@pytest.fixture(params=["http", "socks5"])
def settings(request: pytest.FixtureRequest, youtube: YouTube, redis_url: str) -> Settings:
    proxy = youtube.http_proxy if request.param == "http" else youtube.socks_proxy
    return settings_behind(youtube, redis_url=redis_url, proxy=proxy)


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    patience = Patience(connect=2.0, idle=0.25, head=2.0)
    monkeypatch.setattr("functions.stream.app.open_upstream", partial(open_upstream, patience=patience))
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.005)
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(LARGE)
        yield opened


@pytest.fixture(scope="module")
def expected(running: YouTube) -> str:
    return hashlib.sha256(running.media(LARGE, "137").read(0, SIZE)).hexdigest()


async def download(stream: Gateway) -> str:
    answer = await stream.http.get(PATH, headers=RANGE)
    assert answer.status_code == 206, answer.text
    return hashlib.sha256(answer.content).hexdigest()


@pytest.mark.parametrize(
    "effect", [Stall(), Stall(after=200_000), Delay(60), Slow(8_000_000)], ids=["silent", "stalls", "late", "slow"]
)
async def test_silence_is_left_and_slowness_is_not(stream: Gateway, expected: str, effect: Effect) -> None:
    stream.youtube.fault(Fault("media", effect, times=1))
    assert await download(stream) == expected
    assert stream.analyst.analyses == [LARGE]


async def test_an_exit_that_changed_is_made_up_for(stream: Gateway, expected: str) -> None:
    """URLs answer only to the address that asked for them; a proxy may have got another one since."""
    stream.youtube.fault(Fault("media", AddressBound()))
    stream.youtube.exit_address = "203.0.113.9"
    assert await download(stream) == expected
    assert stream.analyst.analyses == [LARGE, LARGE]


async def test_a_stranger_between_is_not_talked_to(stream: Gateway) -> None:
    stream.youtube.fault(Fault("connect", BadCertificate()))
    answer = await stream.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (502, "network_error")
    assert not stream.youtube.requests.media


async def test_a_proxy_that_comes_back_in_time_is_not_noticed(stream: Gateway, expected: str) -> None:
    stream.youtube.fault(Fault("media", Slow(2_000_000), times=2))
    downloading = asyncio.create_task(download(stream))
    await until(lambda: sum(request.bytes_sent for request in stream.youtube.requests.media) > 300_000)
    await asyncio.to_thread(stream.youtube.stop_listening)
    stream.youtube.start_listening()
    assert await downloading == expected


async def test_who_has_no_byte_yet_is_told_to_come_back(stream: Gateway) -> None:
    stream.youtube.fault(Fault("media", Status(429, retry_after=100)))
    answer = await stream.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "source_rate_limited")
    assert answer.headers["Retry-After"] == "100"
    assert len(stream.youtube.requests.media) == 1


async def test_a_refresh_that_takes_long_is_pending(stream: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.opening.WAIT_FOR_ANALYSIS", 0.1)
    stream.analyst.is_idle = True
    stream.youtube.fault(Fault("media", Status(403)))
    answer = await stream.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "analysis_pending")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_file_that_never_stays_the_same_is_not_followed_for_ever(stream: Gateway) -> None:
    class Flapping:
        """Every refusal comes with another upload."""

        revision = 0

        def change(self, answer: Answer, occasion: Occasion) -> None:
            self.revision += 1
            stream.youtube.edit(LARGE, revision=self.revision)
            answer.replace(403)

    stream.youtube.fault(Fault("media", Flapping()))
    answer = await stream.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (412, "source_changed")
    assert len(stream.youtube.requests.media) == 3


async def test_subtitles_that_are_empty_are_refused_ones(stream: Gateway) -> None:
    class Empty:
        """How subtitles are refused without a token."""

        def change(self, answer: Answer, occasion: Occasion) -> None:
            answer.end = answer.start

    once = stream.youtube.fault(Fault("caption", Empty(), times=1))
    assert (await stream.http.get(SUBTITLES)).content.startswith(b"WEBVTT")
    assert once.hits == 1
    stream.youtube.fault(Fault("caption", Empty()))
    answer = await stream.http.get(SUBTITLES)
    assert (answer.status_code, answer.json()["code"]) == (502, "source_refused")


async def test_a_cover_that_comes_in_drops_is_not_waited_for(stream: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.assets.LONGEST_READ", 0.3)
    stream.youtube.fault(Fault("thumbnail", Slow(100)))
    answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail")
    assert (answer.status_code, answer.json()["code"]) == (504, "source_timeout")
    await until(lambda: all(request.ended for request in stream.youtube.requests.of("thumbnail")), within=1)


async def test_a_cover_that_is_cut_short_is_asked_for_again(stream: Gateway) -> None:
    stream.youtube.fault(Fault("thumbnail", ShortBody(after=100), times=1))
    answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail")
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"]) > 100


async def test_a_page_in_place_of_a_cover_is_never_a_page_here(stream: Gateway) -> None:
    class Page:
        def change(self, answer: Answer, occasion: Occasion) -> None:
            answer.headers["Content-Type"] = "text/html"

    stream.youtube.fault(Fault("thumbnail", Page()))
    answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
