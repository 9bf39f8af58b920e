"""A slot is given back however the wait for it, or what it was for, ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from redis.exceptions import ConnectionError as StoreConnectionError

from functions.stream.leases import Leases
from shared.problems import ProblemError
from shared.store import Store
from tests.streaming import until


class Counter:
    """A store that only counts, and may be slow or away."""

    def __init__(self, answer: str = "ok") -> None:
        self.answer = answer
        self.held: set[str] = set()
        self.renewals = 0
        self.is_slow = False
        self.is_away = False
        self.was_asked = asyncio.Event()

    async def acquire_download(self, download_id: str, connection_id: str, **_: object) -> str:
        if self.answer == "ok":
            self.held.add(connection_id)
        self.was_asked.set()
        if self.is_slow:
            await asyncio.Event().wait()
        return self.answer

    async def renew_download(self, download_id: str, connection_id: str, lease_seconds: float) -> None:
        self.renewals += 1
        if self.is_away:
            raise StoreConnectionError("gone")

    async def release_download(self, download_id: str, connection_id: str) -> None:
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreConnectionError("gone")
        self.held.discard(connection_id)


@pytest.fixture
def store() -> Counter:
    return Counter()


@pytest.fixture
async def leases(store: Counter, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Leases]:
    monkeypatch.setattr("functions.stream.leases.HEARTBEAT", 0.001)
    yield Leases(cast("Store", store), capacity=1)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def hold(leases: Leases, ended: asyncio.Event) -> None:
    async with leases.hold("client", "media", "137"):
        await ended.wait()


async def ticks(store: Counter, count: int) -> None:
    await until(lambda: store.renewals >= count)


async def test_it_is_renewed_until_the_end_and_then_free(store: Counter, leases: Leases) -> None:
    ended = asyncio.Event()
    holding = asyncio.create_task(hold(leases, ended))
    await ticks(store, 3)
    assert len(store.held) == 1
    ended.set()
    await holding
    assert not store.held


async def test_who_is_cancelled_while_holding_it_gives_it_back(store: Counter, leases: Leases) -> None:
    holding = asyncio.create_task(hold(leases, asyncio.Event()))
    await ticks(store, 1)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert not store.held


async def test_who_is_cancelled_before_the_store_answers_gives_back_what_may_have_been_granted(
    store: Counter, leases: Leases
) -> None:
    store.is_slow = True
    holding = asyncio.create_task(hold(leases, asyncio.Event()))
    await store.was_asked.wait()
    assert store.held
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert not store.held


async def test_a_store_that_is_away_ends_nothing(store: Counter, leases: Leases) -> None:
    ended = asyncio.Event()
    holding = asyncio.create_task(hold(leases, ended))
    await ticks(store, 1)
    store.is_away = True
    await ticks(store, 3)
    assert not holding.done()
    ended.set()
    await holding


@pytest.mark.parametrize("answer", ["too_many_downloads", "too_many_connections"])
async def test_what_is_refused_is_not_held(store: Counter, leases: Leases, answer: str) -> None:
    store.answer = answer
    with pytest.raises(ProblemError) as caught:
        await hold(leases, asyncio.Event())
    assert (caught.value.code, caught.value.status) == (answer, 429)
    assert caught.value.retry_after
    assert store.renewals == 0
