"""Pieces fetched before their turn, against an upstream that does as it is told."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
from msgspec.structs import replace

from functions.stream.budget import GUARANTEED, Budget
from functions.stream.fetch import Fetch
from functions.stream.recovery import GiveUp
from functions.stream.window import FIRST_PIECE, Pace
from shared.ending import end
from shared.problems import ProblemError
from shared.sources import ByteRange, Identity, Source
from shared.upstream import RangeAnswer, Upstream, UpstreamError
from tests.streaming import until
from tests.unit.test_stream_headers import SOURCE

CONTENT = bytes(range(251)) * 40_000
CHUNK = 64 * 1024
HERE = replace(
    SOURCE,
    url="https://rr1---sn-aaaa.googlevideo.com/videoplayback",
    expires_at=4e9,
    identity=Identity(itag="137", xtags="", lmt=None, size=len(CONTENT)),
)


class Told:
    """Serves in chunks; ``fails`` is asked for the failure of a range, ``may_go_on`` before each chunk behind the first piece."""

    def __init__(self, fails: Callable[[ByteRange], UpstreamError | None] = lambda _: None) -> None:
        self.fails = fails
        self.asked: list[ByteRange] = []
        self.open = self.most_open = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    @asynccontextmanager
    async def open_range(self, source: Source, wanted: ByteRange, *, url: str | None = None) -> AsyncIterator[RangeAnswer]:
        self.asked.append(wanted)
        failure = self.fails(wanted)
        if failure is not None:
            raise failure
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield RangeAnswer(total=len(CONTENT), last_modified=None, url=url or source.url, chunks=self._chunks(wanted))
        finally:
            self.open -= 1

    async def _chunks(self, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        for at in range(wanted.start, wanted.end, CHUNK):
            if wanted.start > 0:
                await self.may_go_on.wait()
            await asyncio.sleep(0)
            yield CONTENT[at : min(at + CHUNK, wanted.end)]


async def stays(stale: Source) -> Source:
    return stale


class Reading:
    """A download over at most four connections, as many as there may be."""

    def __init__(self, told: Told, budget: Budget, renew: Callable[[Source], object] = stays) -> None:
        self.received = bytearray()
        self.steps: list[object] = []
        self._fetch = Fetch(
            cast("Upstream", told),
            HERE,
            renew=renew,  # type: ignore[arg-type]
            budget=budget,
            connections=4,
            on_trouble=lambda _, step: self.steps.append(step),
        )

    async def run(self) -> None:
        async for chunk in self._fetch.read(ByteRange(0, len(CONTENT))):
            self.received += chunk


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    def connections(_pace: Pace, *, most: int) -> int:
        return most

    monkeypatch.setattr("functions.stream.fetch.connections", connections)
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.0)


async def test_pieces_come_in_order_over_several_connections_and_leave_nothing() -> None:
    told, budget = Told(), Budget(1 << 30)
    reading = Reading(told, budget)
    await reading.run()
    assert reading.received == CONTENT
    assert told.most_open == 4
    assert (told.open, budget.taken) == (0, 0)


async def test_without_memory_there_is_one_connection() -> None:
    told, budget = Told(), Budget(0)
    reading = Reading(told, budget)
    await reading.run()
    assert reading.received == CONTENT
    assert told.most_open == 1
    assert budget.taken == 0


async def test_what_failed_before_its_turn_is_asked_for_once_more_when_its_turn_has_come() -> None:
    """As where several connections at once are refused: all that came before is delivered, and so is what comes then."""
    told = Told()
    reading = Reading(told, budget := Budget(1 << 30))
    told.fails = lambda _: UpstreamError("rate_limited", retry_after=500) if told.open else None
    await reading.run()
    assert reading.received == CONTENT
    assert any(isinstance(step, GiveUp) for step in reading.steps)
    assert told.most_open == 1
    assert budget.taken == 0


async def test_what_cannot_be_had_fails_in_its_turn_after_all_that_came_before() -> None:
    bad = 5_000_000
    told = Told(lambda part: UpstreamError("refused") if part.start <= bad < part.end else None)
    reading = Reading(told, budget := Budget(1 << 30))
    with pytest.raises(ProblemError) as caught:
        await reading.run()
    assert caught.value.code == "source_refused"
    assert reading.received == CONTENT[: len(reading.received)]
    assert bad - len(reading.received) < 2_000_000
    assert (told.open, budget.taken) == (0, 0)


async def test_a_reader_that_leaves_leaves_nothing_not_even_where_a_cancellation_is_lost() -> None:
    """Several pieces wait for a fresh URL, and the store's client does not hear that nobody wants it any more."""
    losing = 0

    async def renew(_: Source) -> Source:
        nonlocal losing
        losing += 1
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        losing -= 1
        await asyncio.Event().wait()
        raise AssertionError

    told = Told(lambda part: UpstreamError("refused") if part.start >= 3_000_000 else None)
    told.may_go_on.clear()
    reading = Reading(told, budget := Budget(1 << 30), renew)
    before = asyncio.all_tasks()
    task = asyncio.create_task(reading.run())
    await until(lambda: losing > 0)
    assert budget.taken > GUARANTEED
    await end(task)
    assert (told.open, budget.taken, asyncio.all_tasks() - before) == (0, 0, set())


@pytest.mark.parametrize("cancellations", [1, 2, 3, 4])
async def test_memory_is_given_back_however_often_a_reader_is_told_to_leave(cancellations: int) -> None:
    told = Told()
    reading = Reading(told, budget := Budget(1 << 30))
    before = asyncio.all_tasks()
    told.may_go_on.clear()
    task = asyncio.create_task(reading.run())
    await until(lambda: told.open == 4)
    for _ in range(cancellations):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait({task})
    await until(lambda: asyncio.all_tasks() == before)
    assert (told.open, budget.taken) == (0, 0)


async def test_the_first_piece_is_alone() -> None:
    told = Told()
    reading = Reading(told, Budget(1 << 30))
    told.may_go_on.clear()
    task = asyncio.create_task(reading.run())
    await until(lambda: len(told.asked) == 5)
    assert len(reading.received) == FIRST_PIECE == told.asked[0].end
    await end(task)
