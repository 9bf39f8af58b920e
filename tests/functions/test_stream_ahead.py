"""Several connections to YouTube for one download: while its client is faster than one, in order, within a window and a budget."""

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import pairwise

import httpx
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.budget import GUARANTEED, Budget
from functions.stream.window import FIRST_PIECE, WINDOW
from shared.settings import Settings
from shared.store import Store
from shared.upstream import MAX_RANGE
from tests.functions.test_stream_connections import connect, read, standstill
from tests.streaming import Gateway, gateway, settings_behind, until
from tests.youtube import HUGE, LARGE, Answer, Effect, Fault, Slow, Stall, Status, YouTube
from tests.youtube.faults import Occasion

MIB = 1 << 20
PATH = f"/v1/stream/{HUGE}/137"
ONE = 4_000_000
"""Bytes per second that one connection to YouTube gives."""
CONNECTIONS = 4
IN_BETWEEN = 2 * MIB
"""Bytes in sockets and chunks between YouTube and a client, for one connection."""


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    running.fault(Fault("media", Slow(ONE)))
    yield running
    assert not running.requests.leaving
    running.clear()


@pytest.fixture
def settings(youtube: YouTube, redis_url: str) -> Settings:
    return replace(settings_behind(youtube, redis_url=redis_url), stream_connections=CONNECTIONS)


class Watched(Budget):
    """Remembers the most that it was asked for."""

    def __init__(self, total: int) -> None:
        self.most = 0
        super().__init__(total)

    @property
    def taken(self) -> int:
        """Bytes."""
        return self._taken

    @taken.setter
    def taken(self, value: int) -> None:
        self._taken = value
        self.most = max(self.most, value)


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    made: list[Watched] = []

    def make(total: int) -> Watched:
        made.append(Watched(total))
        return made[-1]

    monkeypatch.setattr("functions.stream.app.Budget", make)
    return made


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings, budgets: list[Watched]) -> AsyncIterator[Gateway]:
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(HUGE)
        yield opened


def sent(youtube: YouTube) -> int:
    return sum(request.bytes_sent for request in youtube.requests.media)


def used(youtube: YouTube) -> int:
    """Connections."""
    return len({request.connection for request in youtube.requests.media})


async def download(stream: Gateway, size: int, *, start: int = 0, path: str = PATH) -> str:
    """SHA-256."""
    digest = hashlib.sha256()
    async with stream.http.stream("GET", path, headers={"Range": f"bytes={start}-{start + size - 1}"}) as answer:
        assert answer.status_code == 206, await answer.aread()
        async for chunk in answer.aiter_raw():
            digest.update(chunk)
    return digest.hexdigest()


def expected(youtube: YouTube, size: int, *, start: int = 0) -> str:
    return hashlib.sha256(youtube.media(HUGE, "137").read(start, start + size)).hexdigest()


async def test_a_client_that_is_faster_than_one_connection_gets_all_of_them(stream: Gateway) -> None:
    began = time.monotonic()
    assert await download(stream, 24 * MIB) == expected(stream.youtube, 24 * MIB)
    assert used(stream.youtube) == CONNECTIONS
    assert time.monotonic() - began < 24 * MIB / ONE / 1.5


async def test_pieces_begin_small_grow_and_are_asked_for_in_order(stream: Gateway) -> None:
    await download(stream, 24 * MIB)
    asked = [request.range for request in stream.youtube.requests.media]
    spans = [(first, last + 1) for first, last in (span for span in asked if span is not None) if last is not None]
    assert spans[0] == (0, FIRST_PIECE)
    assert sorted(spans) == sorted(spans, key=lambda span: span[1])
    assert [start for start, _ in sorted(spans)][1:] == [end for _, end in sorted(spans)][:-1]  # neither gaps nor overlaps
    lengths = [end - start for start, end in sorted(spans)]
    assert all(after <= 2 * before for before, after in pairwise(lengths))
    assert max(lengths) <= MAX_RANGE
    assert min(lengths[3:-1]) > FIRST_PIECE


async def test_a_client_that_is_slower_than_one_connection_costs_one_and_hardly_memory(
    stream: Gateway, budgets: list[Watched]
) -> None:
    client = connect(stream)
    rate, began, taken = ONE / 4, time.monotonic(), 0
    try:
        while taken < 4 * MIB:
            taken += len(await read(client, 64 * 1024))
            assert sent(stream.youtube) - taken < 2 * IN_BETWEEN
            await asyncio.sleep(max(0.0, began + taken / rate - time.monotonic()))  # the pace of the client
        assert used(stream.youtube) == 1
        assert budgets[0].most == GUARANTEED
    finally:
        client.close()


async def test_a_client_that_stops_is_read_ahead_for_no_further_than_the_window(stream: Gateway, budgets: list[Watched]) -> None:
    client = connect(stream)
    try:
        taken = len(await read(client, 12 * MIB))
        assert used(stream.youtube) == CONNECTIONS
        assert await standstill(stream) - taken <= WINDOW + IN_BETWEEN * CONNECTIONS
        assert budgets[0].most <= WINDOW + GUARANTEED
        taken += len(await read(client, 8 * MIB))
        assert await standstill(stream) - taken <= WINDOW + IN_BETWEEN * CONNECTIONS
    finally:
        client.close()


async def test_without_memory_there_is_one_connection_and_no_failure(
    youtube: YouTube, store: Store, settings: Settings, budgets: list[Watched]
) -> None:
    async with gateway(youtube, store, replace(settings, stream_memory=MIB)) as stream:
        await stream.analyst.analyze(HUGE)
        assert await download(stream, 8 * MIB) == expected(youtube, 8 * MIB)
        assert used(youtube) == 1
        assert (budgets[0].most, budgets[0].taken) == (GUARANTEED, 0)


async def test_many_at_once_share_little_memory_and_all_of_them_end(
    youtube: YouTube, store: Store, settings: Settings, budgets: list[Watched]
) -> None:
    many, memory = 12, 6 * MIB
    async with gateway(youtube, store, replace(settings, stream_memory=memory)) as stream:
        await stream.analyst.analyze(HUGE)
        starts = [number * 7_000_001 for number in range(many)]
        taken = await asyncio.gather(*(download(stream, 6 * MIB, start=start) for start in starts))
        assert taken == [expected(youtube, 6 * MIB, start=start) for start in starts]
        assert many < used(youtube)  # there was some for some of them
        assert budgets[0].most <= memory + many * GUARANTEED
        assert budgets[0].taken == 0


class Crowded:
    """Refuses whatever comes while another request is answered."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect
        self.struck = 0

    def change(self, answer: Answer, occasion: Occasion) -> None:
        if occasion.request.concurrency > 1:
            self.struck += 1
            self._effect.change(answer, occasion)


@pytest.mark.parametrize("effect", [Status(429), Status(403), Status(500)], ids=["429", "403", "500"])
async def test_where_several_connections_are_refused_one_goes_on(
    stream: Gateway, monkeypatch: pytest.MonkeyPatch, effect: Effect
) -> None:
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.005)
    crowded = Crowded(effect)
    stream.youtube.fault(Fault("media", crowded))
    assert await download(stream, 8 * MIB) == expected(stream.youtube, 8 * MIB)
    assert crowded.struck


async def test_a_piece_that_fails_before_its_turn_does_not_disturb_those_before_it(
    stream: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.005)
    bad = 12_000_000
    fault = stream.youtube.fault(Fault("media", Status(429, retry_after=500), covers=bad))
    received = bytearray()
    async with stream.http.stream("GET", PATH) as answer:
        with suppress(httpx.RemoteProtocolError):
            async for chunk in answer.aiter_raw():
                received += chunk
    assert fault.hits == 2  # ahead, and once more in its turn
    assert received == stream.youtube.media(HUGE, "137").read(0, len(received))
    assert bad - len(received) <= WINDOW


@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize("effect", [None, Stall(1000), Status(503)], ids=["flowing", "silent", "failing"])
async def test_a_client_that_leaves_frees_all_connections(
    stream: Gateway, budgets: list[Watched], redis_url: str, effect: Effect | None, is_reset: bool
) -> None:
    before = asyncio.all_tasks()
    client = connect(stream)
    await read(client, 6 * MIB)
    if effect is not None:
        stream.youtube.fault(Fault("media", effect))
    await read(client, MIB)
    await until(lambda: budgets[0].taken > GUARANTEED)
    if is_reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()
    await until(lambda: all(request.ended for request in stream.youtube.requests.media), within=1)
    await until(lambda: budgets[0].taken == 0, within=1)
    await until(lambda: not asyncio.all_tasks() - before, within=1)
    async with Redis.from_url(redis_url) as redis:
        assert not await redis.keys("leases:*")


async def test_a_short_file_needs_no_second_connection(stream: Gateway) -> None:
    await stream.analyst.analyze(LARGE)
    await download(stream, FIRST_PIECE, path=f"/v1/stream/{LARGE}/140")
    assert [request.range for request in stream.youtube.requests.media] == [(0, FIRST_PIECE - 1)]
