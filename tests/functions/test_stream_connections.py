"""What a download holds, and that it lets go of it: the upstream connection, the lease, memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from shared.settings import Settings
from shared.store import Store, open_store
from tests.streaming import Gateway, gateway, settings_behind, until
from tests.valkey import Valkey
from tests.youtube import HUGE, LARGE, Fault, Slow, Stall, Status, YouTube

PATH = f"/v1/stream/{HUGE}/137"
MIB = 1 << 20


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
def settings(youtube: YouTube, redis_url: str) -> Settings:
    return replace(settings_behind(youtube, redis_url=redis_url), max_concurrent_downloads=2)


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings) -> AsyncIterator[Gateway]:
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(HUGE)
        yield opened


class Leases:
    """The slots that are taken."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def count(self) -> int:
        return int(await self._redis.zcard("leases:downloads"))

    async def until(self, count: int, *, within: float = 1) -> None:
        async with asyncio.timeout(within):
            while await self.count() != count:
                pass


@pytest.fixture
async def leases(redis_url: str) -> AsyncIterator[Leases]:
    async with Redis.from_url(redis_url) as redis:
        yield Leases(redis)


def connect(stream: Gateway, *, path: str = PATH, buffer: int = 64 * 1024) -> socket.socket:
    """A client that has asked, and reads only when it wants to."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.connect(stream.address)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: sluice\r\n\r\n".encode())
    client.setblocking(False)
    return client


async def read(client: socket.socket, size: int) -> bytes:
    """At least so many bytes, unless the connection ends before."""
    received = bytearray()
    while len(received) < size and (chunk := await asyncio.get_running_loop().sock_recv(client, 65536)):
        received += chunk
    return bytes(received)


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_client_that_leaves_frees_everything_at_once(stream: Gateway, leases: Leases, is_reset: bool) -> None:
    client = connect(stream)
    await read(client, 2 * MIB)
    assert await leases.count() == 1
    if is_reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()
    await until(lambda: all(request.ended for request in stream.youtube.requests.media), within=1)
    await leases.until(0)
    asked = len(stream.youtube.requests.media)
    assert (await stream.http.head(PATH)).status_code == 200
    assert len(stream.youtube.requests.media) == asked


async def test_a_client_that_leaves_while_youtube_is_silent(stream: Gateway, leases: Leases) -> None:
    stream.youtube.fault(Fault("media", Stall()))
    client = connect(stream)
    await until(lambda: bool(stream.youtube.requests.media))
    client.close()
    await until(lambda: all(request.ended for request in stream.youtube.requests.media), within=1)
    await leases.until(0)


async def test_a_client_that_leaves_while_it_waits_for_a_fresh_url(stream: Gateway, leases: Leases) -> None:
    stream.analyst.is_idle = True
    stream.youtube.fault(Fault("media", Status(403)))
    client = connect(stream)
    await until(lambda: bool(stream.youtube.requests.media))
    client.close()
    await leases.until(0)


async def test_a_slow_reader_is_not_read_ahead_for(stream: Gateway) -> None:
    client = connect(stream)
    try:
        taken = len(await read(client, MIB))
        sent = await standstill(stream)
        # Two sockets' kernel buffers and ours, of a file of 5 GiB.
        assert sent - taken < 24 * MIB
        taken += len(await read(client, 40 * MIB))
        assert await standstill(stream) - taken < 24 * MIB
    finally:
        client.close()


async def standstill(stream: Gateway) -> int:
    """Bytes that YouTube has sent, once that is no longer growing."""
    loop = asyncio.get_running_loop()
    last, since = -1, loop.time()
    while loop.time() - since < 0.4:
        await asyncio.sleep(0.02)  # the pace of a poll
        sent = sum(request.bytes_sent for request in stream.youtube.requests.media)
        if sent != last:
            last, since = sent, loop.time()
    return last


async def test_who_takes_nothing_is_let_go(youtube: YouTube, store: Store, settings: Settings, leases: Leases) -> None:
    async with gateway(youtube, store, replace(settings, stream_idle_timeout=1)) as stream:
        await stream.analyst.analyze(HUGE)
        client = connect(stream)
        await read(client, 1)
        await leases.until(0, within=10)
        await until(lambda: all(request.ended for request in youtube.requests.media), within=1)
        received = len(await read(client, 5 << 30))
        client.close()
        assert received < 64 * MIB


async def test_who_takes_little_is_not(youtube: YouTube, store: Store, settings: Settings) -> None:
    async with gateway(youtube, store, replace(settings, stream_idle_timeout=1)) as stream:
        await stream.analyst.analyze(LARGE)
        stream.youtube.fault(Fault("media", Slow(400_000, is_shared=True)))
        answer = await stream.http.get(f"/v1/stream/{LARGE}/137", headers={"Range": "bytes=0-799999"})
        assert len(answer.content) == 800_000


async def hold(stream: Gateway, stack: AsyncExitStack, path: str, **headers: str) -> httpx.Response:
    answer = await stack.enter_async_context(stream.http.stream("GET", path, headers=headers))
    if answer.status_code >= 400:
        await answer.aread()
    return answer


async def test_so_many_downloads_at_once(stream: Gateway, leases: Leases) -> None:
    async with AsyncExitStack() as stack:
        for format_id in ("137", "401"):
            assert (await hold(stream, stack, f"/v1/stream/{HUGE}/{format_id}")).status_code == 200
        refused = await hold(stream, stack, f"/v1/stream/{HUGE}/315")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_downloads")
        assert int(refused.headers["Retry-After"]) > 0
        # Parallel ranges and a resume of a download that runs are the same download; HEAD is none.
        for start in (1, 1000, 10**6):
            assert (await hold(stream, stack, PATH, Range=f"bytes={start}-")).status_code == 206
        assert (await stream.http.head(f"/v1/stream/{HUGE}/315")).status_code == 200
        assert await leases.count() == 2
    await leases.until(0)
    assert (await stream.http.get(f"/v1/stream/{HUGE}/315", headers={"Range": "bytes=0-9"})).status_code == 206


async def test_so_many_connections_of_one_download(stream: Gateway) -> None:
    async with AsyncExitStack() as stack:
        for start in range(16):
            assert (await hold(stream, stack, PATH, Range=f"bytes={start}-")).status_code == 206
        refused = await hold(stream, stack, PATH, Range="bytes=99-")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_connections")


async def test_leases_are_renewed_while_bytes_flow(stream: Gateway, leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.leases.HEARTBEAT", 0.05)
    monkeypatch.setattr("functions.stream.leases.LEASE_SECONDS", 0.3)
    client = connect(stream)
    await read(client, MIB)
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.8
    while loop.time() < end:
        # Whoever comes next sweeps away what has ended.
        await stream.store.acquire_download("other", "other", capacity=9, connections=1, lease_seconds=0.01)
        await stream.store.release_download("other", "other")
        assert await leases.count() == 1
    client.close()
    await leases.until(0)


async def test_a_store_that_goes_away_ends_no_download(youtube: YouTube, settings: Settings, tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    valkey.start()
    own = replace(settings, redis_url=valkey.url)
    async with open_store(own) as store, gateway(youtube, store, own) as stream:
        await stream.analyst.analyze(LARGE)
        stream.analyst.is_idle = True
        async with stream.http.stream("GET", f"/v1/stream/{LARGE}/137") as answer:
            chunks = answer.aiter_raw()
            received = len(await anext(chunks))
            valkey.stop()
            async for chunk in chunks:
                received += len(chunk)
        assert received == youtube.media(LARGE, "137").size
        answer = await stream.http.get(f"/v1/stream/{LARGE}/137")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
