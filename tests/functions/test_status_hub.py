"""Who is told what, and what a store that comes and goes does to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.exceptions import ConnectionError as StoreConnectionError

from functions.status.hub import Hub, open_hub


class Feed:
    """A subscription that a test drives; None breaks it."""

    def __init__(self, *, failures: int = 0) -> None:
        self.changes: asyncio.Queue[str | None] = asyncio.Queue()
        self.subscriptions = 0
        self._failures = failures

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[str]]:
        self.subscriptions += 1
        if self.subscriptions <= self._failures:
            raise StoreConnectionError

        async def changed() -> AsyncIterator[str]:
            while (task_id := await self.changes.get()) is not None:
                yield task_id
            raise StoreConnectionError

        yield changed()


@asynccontextmanager
async def hub_on(feed: Feed) -> AsyncIterator[Hub]:
    async with asyncio.timeout(10), open_hub(feed.subscribe, stopping=asyncio.Event()) as hub:
        yield hub


async def test_each_hears_of_its_own_tasks_only() -> None:
    feed = Feed()
    async with hub_on(feed) as hub:
        with hub.watch(["a", "b"]) as first, hub.watch(["b", "c"]) as second:
            await first.changes(seconds=5)  # the subscription begins: everybody looks
            await second.changes(seconds=5)
            for task_id in ("a", "b", "x", "a"):
                feed.changes.put_nowait(task_id)
            assert await second.changes(seconds=5) == {"b"}
            assert await first.changes(seconds=5) == {"a", "b"}


async def test_silence_means_looking_at_everything() -> None:
    with Hub(Feed().subscribe).watch(["a", "b"]) as watch:
        assert await watch.changes(seconds=0.01) == {"a", "b"}


async def test_a_thousand_changes_are_one() -> None:
    with Hub(Feed().subscribe).watch(["a"]) as watch:
        for _ in range(1000):
            watch.tell(["a"])
        assert await watch.changes(seconds=5) == {"a"}
        assert not watch._is_told.is_set()


async def test_after_a_loss_everybody_looks_again() -> None:
    feed = Feed()
    async with hub_on(feed) as hub:
        with hub.watch(["a"]) as first, hub.watch(["b"]) as second:
            await asyncio.gather(first.changes(seconds=5), second.changes(seconds=5))
            feed.changes.put_nowait(None)
            assert await first.changes(seconds=5) == {"a"}
            assert await second.changes(seconds=5) == {"b"}
            assert feed.subscriptions == 2


async def test_a_store_that_is_away_is_tried_again() -> None:
    feed = Feed(failures=3)
    async with hub_on(feed) as hub:
        with hub.watch(["a"]) as watch:
            assert await watch.changes(seconds=5) == {"a"}
    assert feed.subscriptions == 4


async def test_nothing_is_kept_of_those_who_left() -> None:
    hub = Hub(Feed().subscribe)
    with hub.watch(["a", "b"]), hub.watch(["a"]):
        assert hub.watched == 2
    assert hub.watched == 0


async def test_closing_wakes_everybody() -> None:
    hub = Hub(Feed().subscribe)
    with hub.watch(["a"]) as watch:
        hub.close()
        assert await watch.changes(seconds=5) == {"a"}
        assert hub.is_closed
