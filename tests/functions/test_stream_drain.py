"""Told to stop, the stream function lets nobody new in, lets downloads go on for their grace, and breaks off what is left."""

import asyncio
import hashlib
import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias

import httpx
import pytest
from redis.asyncio import Redis

from shared.settings import Settings
from shared.store import Store
from tests.edges import Edge, caddy, page_in
from tests.stream_process import Process
from tests.streaming import Analyst, settings_behind, until
from tests.youtube import LARGE, YouTube

PATH: Final = f"/v1/stream/{LARGE}/137"
BEGUN: Final = 1 << 20
"""Bytes taken before the stop: much less than what the file has beyond all buffers on the way."""

Start: TypeAlias = Callable[..., AbstractAsyncContextManager[Process]]


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as running:
        yield running


@pytest.fixture
async def start(youtube: YouTube, store: Store, redis_url: str, tmp_path: Path) -> Start:
    """Makes replicas that know the video."""
    settings: Settings = settings_behind(youtube, redis_url=redis_url)
    await Analyst(store, youtube, settings).analyze(LARGE)
    count = iter(range(100))

    @asynccontextmanager
    async def start(*, grace: int) -> AsyncIterator[Process]:
        process = Process(settings, tmp_path / f"stream-{next(count)}.log", STREAM_GRACE=str(grace))
        try:
            await process.ready()
            yield process
        finally:
            process.end(signal.SIGKILL)

    return start


@asynccontextmanager
async def edge_of(stream: Process, folder: Path) -> AsyncIterator[Edge]:
    """The edge in front of this replica."""
    with caddy(page_in(folder), {"stream": stream.base}) as edge:
        yield edge


class Download:
    """A client that takes as much as it wants, when it wants."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.taken = bytearray()
        self._chunks = answer.aiter_raw()

    async def take(self, size: int | None = None) -> None:
        """So many bytes more, or the rest."""
        before = len(self.taken)
        while size is None or len(self.taken) - before < size:
            try:
                self.taken += await anext(self._chunks)
            except StopAsyncIteration:
                return


@asynccontextmanager
async def download(base: str, **headers: str) -> AsyncIterator[Download]:
    """The answer has begun."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http, http.stream("GET", base + PATH, headers=headers) as answer:
        yield Download(answer)


async def lets_nobody_in(base: str) -> None:
    """Returns once it does not."""
    async with asyncio.timeout(10), httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                await http.get(f"{base}/readyz")
            except httpx.ConnectError:
                return


async def test_a_download_ends_within_its_grace_while_nobody_new_is_let_in(start: Start, youtube: YouTube) -> None:
    async with start(grace=60) as replica, download(replica.base) as client:
        await client.take(BEGUN)
        replica.process.send_signal(signal.SIGTERM)
        await lets_nobody_in(replica.base)
        assert replica.process.poll() is None
        await client.take()
        assert hashlib.sha256(client.taken).hexdigest() == youtube.media(LARGE, "137").sha256()
        # It does not sit out its grace.
        await until(lambda: replica.process.poll() is not None)
        assert replica.process.returncode == 0
    assert "broken off" not in replica.log.read_text()


async def test_what_is_left_after_the_grace_resumes_at_another_replica(start: Start, youtube: YouTube, redis_url: str) -> None:
    async with start(grace=1) as first, start(grace=1) as second:
        async with download(first.base) as client:
            await client.take(BEGUN)
            first.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(first.process.wait, 20) == 0
            async with Redis.from_url(redis_url) as redis:
                assert await redis.keys("leases:*") == []
            with pytest.raises(httpx.RemoteProtocolError):
                await client.take()
        assert BEGUN <= len(client.taken) < youtube.media(LARGE, "137").size
        conditions = {"Range": f"bytes={len(client.taken)}-", "If-Range": client.answer.headers["ETag"]}
        async with download(second.base, **conditions) as rest:
            assert rest.answer.status_code == 206
            await rest.take()
        assert hashlib.sha256(client.taken + rest.taken).hexdigest() == youtube.media(LARGE, "137").sha256()
    events = [json.loads(line) for line in first.log.read_text().splitlines()]
    assert [event["connections"] for event in events if event["event"] == "connections broken off"] == [1]
    assert {event["level"] for event in events} <= {"debug", "info"}


async def test_the_edge_too_lets_downloads_end(start: Start, youtube: YouTube, tmp_path: Path) -> None:
    async with (
        start(grace=60) as replica,
        edge_of(replica, tmp_path) as edge,
        download(edge.url) as client,
    ):
        await client.take(BEGUN)
        edge.process.send_signal(signal.SIGTERM)
        await lets_nobody_in(edge.url)
        assert edge.process.poll() is None
        await client.take()
        assert hashlib.sha256(client.taken).hexdigest() == youtube.media(LARGE, "137").sha256()
        await until(lambda: edge.process.poll() is not None)
