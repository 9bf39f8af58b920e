"""One subscription per process, whatever the number of clients; each client hears of its own tasks only.

Whoever watches is told *that* a task changed, never how: it reads the task itself. So changes that come faster than a client
takes them are one change (the latest wins), nothing queues up for a slow client, and a lost message costs no more than the time
until the next look.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Final, TypeAlias

import structlog

from shared.ending import end

Subscribe: TypeAlias = Callable[[], AbstractAsyncContextManager[AsyncIterator[str]]]

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
"""Seconds between two attempts to reach a store that is away; replicas spread out."""

LOOK_AGAIN: Final = (0.2, 1.0)
"""Seconds after which a client whose look at the store failed looks again; clients spread out."""

_log = structlog.stdlib.get_logger(__name__)


class Watch:
    """What one client waits for. A set of names is all it ever holds."""

    def __init__(self, task_ids: Iterable[str]) -> None:
        self.task_ids = frozenset(task_ids)
        self._changed: set[str] = set()
        self._is_told = asyncio.Event()

    def tell(self, task_ids: Iterable[str]) -> None:
        """These have changed, or may have."""
        self._changed.update(task_ids)
        self._is_told.set()

    def tell_soon(self, task_ids: Iterable[str]) -> None:
        """These could not be looked at: the store is away, or was and its old connections fail once each."""
        asyncio.get_running_loop().call_later(random.uniform(*LOOK_AGAIN), self.tell, frozenset(task_ids))  # noqa: S311 - jitter

    async def changes(self, *, seconds: float) -> frozenset[str]:
        """Tasks to look at: those that changed, or after this many seconds of silence all of them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_told.wait()
        changed = frozenset(self._changed) if self._is_told.is_set() else self.task_ids
        self._changed.clear()
        self._is_told.clear()
        return changed


class Hub:
    """Owns the subscription and knows who watches what."""

    def __init__(self, subscribe: Subscribe) -> None:
        self._subscribe = subscribe
        self._watches: dict[str, set[Watch]] = defaultdict(set)
        self.is_closed = False

    @property
    def watched(self) -> int:
        """Number of tasks that somebody watches."""
        return len(self._watches)

    @contextmanager
    def watch(self, task_ids: Iterable[str]) -> Iterator[Watch]:
        """From now on nothing is missed; read the tasks after this, not before."""
        watch = Watch(task_ids)
        for task_id in watch.task_ids:
            self._watches[task_id].add(watch)
        try:
            yield watch
        finally:
            for task_id in watch.task_ids:
                self._watches[task_id].discard(watch)
                if not self._watches[task_id]:
                    del self._watches[task_id]

    def close(self) -> None:
        """Nobody is to wait any longer: the process stops, and clients find another."""
        self.is_closed = True
        self._tell_everybody()

    async def listen(self) -> None:
        """For ever. Whatever happened while the store was away, everybody looks again once it is back."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._subscribe() as changes:
                    self._tell_everybody()
                    pause = FIRST_PAUSE
                    async for task_id in changes:
                        self._tell(task_id)
            except Exception as error:  # noqa: BLE001 - if this ended, everybody would wait in vain
                _log.warning("subscription lost", error=repr(error), pause=pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
            pause = min(LONGEST_PAUSE, pause * 2)

    def _tell(self, task_id: str) -> None:
        for watch in self._watches.get(task_id, ()):
            watch.tell([task_id])

    def _tell_everybody(self) -> None:
        for watch in {watch for watches in self._watches.values() for watch in watches}:
            watch.tell(watch.task_ids)


@asynccontextmanager
async def open_hub(subscribe: Subscribe, *, stopping: asyncio.Event) -> AsyncIterator[Hub]:
    """A hub that listens for as long as the process needs it, and closes when the process begins to stop."""
    hub = Hub(subscribe)

    async def close_in_time() -> None:
        await stopping.wait()
        hub.close()

    running = [asyncio.create_task(hub.listen()), asyncio.create_task(close_in_time())]
    try:
        yield hub
    finally:
        await end(*running)
