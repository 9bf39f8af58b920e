"""The rate of all downloads together, in a time of its own."""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterator
from itertools import count

import pytest

from functions.stream.bandwidth import QUANTUM, Bandwidth

RATE = 1_000_000
_SLEEP = asyncio.sleep


class Clock:
    """Time passes when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._numbers), future))
        await future

    async def run(self, seconds: float) -> None:
        """So much of it."""
        end = self.now + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await self._settle()
        self.now = end

    async def _settle(self) -> None:
        for _ in range(10):
            await _SLEEP(0)


class Reader:
    """Takes what it is given, and rests between."""

    def __init__(self, bandwidth: Bandwidth, clock: Clock, *, size: int = 256 * 1024, rest: float = 0) -> None:
        self.taken = 0
        self._clock = clock
        self._rest = rest
        self.task = asyncio.create_task(self._run(bandwidth.paced(self._chunks(size))))

    async def _chunks(self, size: int) -> AsyncGenerator[bytes, None]:
        while True:
            yield bytes(size)

    async def _run(self, chunks: AsyncGenerator[bytes, None]) -> None:
        async for chunk in chunks:
            self.taken += len(chunk)
            if self._rest:
                await self._clock.sleep(self._rest)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("functions.stream.bandwidth.time.monotonic", clock.monotonic)
    monkeypatch.setattr("functions.stream.bandwidth.asyncio.sleep", clock.sleep)
    return clock


@pytest.fixture
def readers(clock: Clock) -> Iterator[list[Reader]]:
    """Ended with the test."""
    opened: list[Reader] = []
    yield opened
    for reader in opened:
        reader.task.cancel()


@pytest.mark.parametrize("many", [1, 2, 20])
async def test_the_rate_is_held_and_shared(clock: Clock, readers: list[Reader], many: int) -> None:
    bandwidth = Bandwidth(RATE)
    readers += [Reader(bandwidth, clock) for _ in range(many)]
    await clock.run(60)
    taken = [reader.taken for reader in readers]
    assert 60 * RATE - QUANTUM <= sum(taken) <= 60 * RATE + 2 * QUANTUM
    assert max(taken) - min(taken) <= 2 * QUANTUM


async def test_one_who_is_slow_gets_all_it_takes_beside_many_who_are_greedy(clock: Clock, readers: list[Reader]) -> None:
    bandwidth = Bandwidth(RATE)
    slow = Reader(bandwidth, clock, size=1000, rest=1.0)
    greedy = [Reader(bandwidth, clock, size=1 << 20) for _ in range(4)]
    readers += [slow, *greedy]
    await clock.run(60)
    assert slow.taken >= 60_000 / (1 + 5 * QUANTUM / RATE) - 2000
    assert sum(reader.taken for reader in readers) >= 60 * RATE - QUANTUM
    assert max(reader.taken for reader in greedy) - min(reader.taken for reader in greedy) <= QUANTUM


async def test_time_in_which_nobody_takes_is_not_saved_up(clock: Clock, readers: list[Reader]) -> None:
    bandwidth = Bandwidth(RATE)
    await clock.run(100)
    readers.append(Reader(bandwidth, clock))
    await clock.run(10)
    assert readers[0].taken <= 10 * RATE + 2 * QUANTUM


async def test_those_who_leave_do_not_leave_their_waiting_to_others(clock: Clock, readers: list[Reader]) -> None:
    bandwidth = Bandwidth(RATE)
    crowd = [Reader(bandwidth, clock) for _ in range(500)]
    readers += crowd
    await clock.run(0)
    for reader in crowd:
        reader.task.cancel()
    await asyncio.wait({reader.task for reader in crowd})
    last = Reader(bandwidth, clock)
    readers.append(last)
    await clock.run(1)
    assert last.taken >= RATE - 2 * QUANTUM


async def test_without_a_rate_nothing_is_cut_or_waited_for(clock: Clock) -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        for size in (1, 3 * QUANTUM):
            yield bytes(size)

    assert [len(chunk) async for chunk in Bandwidth(0).paced(chunks())] == [1, 3 * QUANTUM]


async def test_nothing_is_lost_by_cutting(clock: Clock) -> None:
    sent = [bytes([number]) * size for number, size in enumerate((1, QUANTUM, QUANTUM + 1, 5 * QUANTUM - 1))]

    async def chunks() -> AsyncGenerator[bytes, None]:
        for chunk in sent:
            yield chunk

    async def take() -> list[bytes]:
        return [chunk async for chunk in Bandwidth(RATE).paced(chunks())]

    taking = asyncio.create_task(take())
    await clock.run(10)
    taken = await taking
    assert b"".join(taken) == b"".join(sent)
    assert max(len(chunk) for chunk in taken) <= QUANTUM
