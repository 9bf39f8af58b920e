"""The stream function as tests run it: the real application and store, the stand-in as YouTube, analyses play-acted."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.app import create_app
from shared.problems import problem
from shared.schemas import Channel, Chapter, Media
from shared.settings import Settings
from shared.sources import Asset, ByteRange, Identity, Source
from shared.store import Claim, Store
from shared.upstream.exits import exit_digest
from shared.urls import Video
from tests.results import media
from tests.serving import serving
from tests.youtube import YouTube
from tests.youtube.media import files

LEASE_MS: Final = 10_000
HEADERS: Final = {"User-Agent": "Mozilla/5.0 (what the analysis was made with)"}


def settings_behind(youtube: YouTube, *, redis_url: str = "redis://127.0.0.1:1/0", proxy: str | None = None) -> Settings:
    """A function that leaves by the stand-in's proxy and trusts what answers there."""
    return Settings(
        redis_url=redis_url,
        secret_key="s" * 32,
        global_proxy=proxy or youtube.http_proxy,
        ssl_cert_file=youtube.ca_file,
    )


def source_of(youtube: YouTube, video_id: str, format_id: str, settings: Settings) -> Source:
    """What an analysis would store of a format, with a fresh URL."""
    file = youtube.media(video_id, format_id)
    url = youtube.url(video_id, format_id)
    return Source(
        media_id=video_id,
        format_id=format_id,
        url=url,
        headers=HEADERS,
        identity=Identity(itag=str(file.itag), xtags=file.xtags, lmt=file.lmt, size=file.size),
        content_type=file.mime,
        filename=f"A title – 标题 [{video_id}] {format_id}.mp4",
        expires_at=float(parse_qs(urlsplit(url).query)["expire"][0]),
        available_at=None,
        init_range=ByteRange(*half_open(file.ranges.init)) if file.ranges else None,
        index_range=ByteRange(*half_open(file.ranges.index)) if file.ranges else None,
        exit=exit_digest(settings, None),
        family=None,
    )


def result_of(youtube: YouTube, video_id: str) -> Media:
    """What an analysis would say of a video as it is now, but for its formats."""
    video = youtube.video(video_id)
    return replace(
        media(Video(video_id)),
        title=video.title,
        channel=Channel(name=video.author, id=None, url=None),
        duration=float(video.duration),
        published_at=datetime.fromisoformat(video.published),
        chapters=[Chapter(title=title, start=start, end=None) for title, start in (("Beginning", 0), ("中间 🎬", 3.5), ("End", 7))],
    )


def half_open(both: tuple[int, int]) -> tuple[int, int]:
    """As we write ranges, from how YouTube does."""
    first, last = both
    return first, last + 1


def assets_of(video_id: str, settings: Settings) -> dict[str, Asset]:
    """A cover and English subtitles."""
    exit_ = exit_digest(settings, None)
    captions = f"https://www.youtube.com/api/timedtext?v={video_id}&lang=en&fmt="
    cover = Asset(
        media_id=video_id,
        asset_id="thumbnail",
        url=f"https://i.ytimg.com/vi/{video_id}/hqdefault.jpg",
        headers={},
        content_type="image/jpeg",
        filename="A title.jpg",
        exit=exit_,
        family=None,
    )
    subtitles = [
        replace(
            cover,
            asset_id=f"subtitles/en.{form}",
            url=captions + form,
            content_type=content_type,
            filename=f"A title – 标题 en.{form}",
        )
        for form, content_type in (("vtt", "text/vtt; charset=utf-8"), ("srt", "application/x-subrip; charset=utf-8"))
    ]
    return {asset.asset_id: asset for asset in (cover, *subtitles)}


class Analyst:
    """Stands where the worker does: whatever is submitted is analysed at once, with what the stand-in has at that moment."""

    def __init__(self, store: Store, youtube: YouTube, settings: Settings) -> None:
        self._store = store
        self._youtube = youtube
        self._settings = settings
        self.analyses: list[str] = []
        self.fails_with: str | None = None
        self.finds_only: frozenset[str] | None = None  # format ids: a result that is degraded, and counts for `degraded_seconds`
        self.degraded_seconds = 60
        self.is_idle = False
        self.token: str | None = None  # what analyses find URLs with, from now on
        self._turn = asyncio.Lock()  # what a test asks for is not taken by the one who looks for tasks

    async def analyze(self, video_id: str, **changes: float | str) -> None:
        """As if somebody had asked; ``changes`` are made to every source."""
        async with self._turn:
            await self._store.submit(Video(video_id), task_id=secrets.token_hex(8), refresh=True, lane="analyze")
            await self._work(changes)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Looks for tasks until the end."""

        is_over = False

        async def work() -> None:
            while not is_over:
                async with self._turn:
                    if not self.is_idle:
                        await self._work({})
                await asyncio.sleep(0.01)  # the pace of a poll

        task = asyncio.create_task(work())
        try:
            yield
        finally:
            is_over = True
            await task

    async def _work(self, changes: dict[str, float | str]) -> None:
        for wake_up in await self._store.sweep():
            claim = await self._store.claim(wake_up.task_id, run_id=secrets.token_hex(8), lease_ms=LEASE_MS)
            if isinstance(claim, Claim):
                self.analyses.append(claim.media_id)
                await self._finish(claim, changes)

    async def _finish(self, claim: Claim, changes: dict[str, float | str]) -> None:
        video_id = claim.media_id
        if self.fails_with is not None:
            await self._store.fail(claim, problem(self.fails_with))
            return
        names = [file.format_id for file in files(self._youtube.video(video_id))]
        is_degraded = self.finds_only is not None
        found = [name for name in names if self.finds_only is None or name in self.finds_only]
        sources = [source_of(self._youtube, video_id, name, self._settings) for name in found]
        if self.token is not None:
            sources = [replace(source, url=f"{source.url}&pot={self.token}") for source in sources]
        await self._store.complete(
            claim,
            replace(result_of(self._youtube, video_id), is_degraded=is_degraded),
            fresh_seconds=self.degraded_seconds if is_degraded else 3600,
            sources={source.format_id: replace(source, **changes) for source in sources},
            assets=assets_of(video_id, self._settings),
        )


class Gateway:
    """The running function and its client."""

    def __init__(self, base: str, http: httpx.AsyncClient, youtube: YouTube, analyst: Analyst, store: Store) -> None:
        self.base = base
        self.http = http
        self.youtube = youtube
        self.analyst = analyst
        self.store = store

    @property
    def address(self) -> tuple[str, int]:
        """For a socket."""
        parts = urlsplit(self.base)
        return parts.hostname or "", parts.port or 0


@asynccontextmanager
async def gateway(youtube: YouTube, store: Store, settings: Settings) -> AsyncIterator[Gateway]:
    """The function on a real socket, with somebody who analyses what it asks for."""
    analyst = Analyst(store, youtube, settings)
    async with (
        serving(create_app(settings), settings) as base,
        httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as http,
        analyst.at_work(),
    ):
        yield Gateway(base, http, youtube, analyst, store)


async def earlier(redis: Redis, key: str, *, hours: float) -> None:
    """As if all that is in this sorted set by its time had come so much earlier."""
    members: list[Any] = await redis.zrange(key, 0, -1)
    for member in members:
        await redis.zincrby(key, -hours * 3_600_000, member)


async def until(holds: Callable[[], bool], *, within: float = 10) -> None:
    """Returns as soon as it holds; TimeoutError when it never does."""
    async with asyncio.timeout(within):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)  # the pace of a poll
