"""Work that several wait for: done once for all of them, for as long as any of them waits."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from shared.ending import end

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Joint(Generic[K, T]):
    """Pieces of work by name."""

    def __init__(self) -> None:
        self._under_way: dict[K, _Work[T]] = {}

    async def of(self, name: K, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the work of this name returns or raises, the same to all who wait for it; whoever leaves leaves the others to it.

        :param begin: called where nobody waits for such work yet
        """
        work = self._under_way.get(name)
        if work is None:
            work = self._under_way[name] = _Work(asyncio.create_task(begin()))
        work.waiting += 1
        try:
            await asyncio.wait({work.task})
        finally:
            work.waiting -= 1
            # Who comes from now on waits for neither a failure that is known nor work that is being ended.
            if self._under_way.get(name) is work and (work.task.done() or not work.waiting):
                del self._under_way[name]
            if not work.waiting:
                await end(work.task)
        return work.task.result()


class _Work(Generic[T]):
    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        task.add_done_callback(_forgiven)
        self.waiting = 0


def _forgiven(task: asyncio.Task[Any]) -> None:
    """A failure that comes when everybody has left is nobody's: without this, the loop would complain of it."""
    if not task.cancelled():
        task.exception()
