"""An https:// proxy carries data: TLS to the proxy, and through it TLS to YouTube, each with an authority of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.settings import Settings
from shared.sources import ByteRange
from shared.upstream import Upstream, UpstreamError, open_upstream
from tests.streaming import assets_of, settings_behind, source_of
from tests.tls import HOST, Door, tls_door
from tests.youtube import CAPTIONS, LARGE, YouTube

PIECE = ByteRange(1000, 4_001_000)


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running(username="al ice", password="p@ss:w%rd") as youtube:
        yield youtube


@pytest.fixture(scope="module")
def door(running: YouTube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with tls_door(running.port, tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving


@pytest.fixture
def settings(youtube: YouTube, door: Door, tmp_path: Path) -> Settings:
    """Trusts both authorities."""
    both = tmp_path / "both.pem"
    both.write_bytes(youtube.ca_file.read_bytes() + door.ca_file.read_bytes())
    proxy = f"https://al%20ice:p%40ss%3Aw%25rd@{HOST}:{door.port}"
    return replace(settings_behind(youtube, proxy=proxy), ssl_cert_file=both)


async def fetch(upstream: Upstream, youtube: YouTube, settings: Settings) -> bytes:
    async with upstream.open_range(source_of(youtube, LARGE, "137", settings), PIECE) as answer:
        return b"".join([chunk async for chunk in answer.chunks])


async def test_ranges_and_assets_come_through(youtube: YouTube, settings: Settings) -> None:
    async with open_upstream(settings) as upstream:
        for _ in range(2):
            assert await fetch(upstream, youtube, settings) == youtube.media(LARGE, "137").read(PIECE.start, PIECE.end)
        async with upstream.open_asset(assets_of(CAPTIONS, settings)["subtitles/en.vtt"]) as answer:
            assert b"".join([chunk async for chunk in answer.chunks]).startswith(b"WEBVTT")
    first, second = youtube.requests.media
    assert first.connection == second.connection


async def test_a_proxy_whose_certificate_is_nobodys_gets_nothing(youtube: YouTube, settings: Settings) -> None:
    async with open_upstream(replace(settings, ssl_cert_file=youtube.ca_file)) as upstream:
        with pytest.raises(UpstreamError):
            await fetch(upstream, youtube, settings)
    assert not youtube.requests.media


async def test_wrong_credentials(youtube: YouTube, settings: Settings, door: Door) -> None:
    async with open_upstream(replace(settings, global_proxy=f"https://al%20ice:wrong@{HOST}:{door.port}")) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await fetch(upstream, youtube, settings)
    assert caught.value.reason == "proxy_auth_failed"
