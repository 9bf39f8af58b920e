"""Tasks as this function shows them: now, or as soon as they change."""

import asyncio
import re
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from litestar.types import Receive
from msgspec import Struct
from msgspec.structs import replace
from redis.exceptions import RedisError

from functions.status.hub import Hub, Watch
from shared.links import Links
from shared.problems import ProblemError
from shared.schemas import FINAL_STATES, Task
from shared.store import Store
from shared.web.errors import RETRY_STORE

PING_SECONDS: Final = 15.0
"""After this much silence a client is sent a sign of life, and its tasks are looked at again."""

FIRST_LOOK: Final = 5.0
LAST_LOOK: Final = 0.5
"""Seconds a client who waits is kept waiting for a store that does not answer: at first, and at the end."""

T = TypeVar("T")
_TASK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tasks(Struct, frozen=True, kw_only=True):
    """Reads tasks and waits for them."""

    store: Store
    hub: Hub
    links: Links
    ping_seconds: float = PING_SECONDS

    async def read(self, task_id: str) -> Task:
        """The task as clients see it.

        :raises ProblemError: ``unknown_task``
        """
        task = await self.store.task(task_id) if _TASK_ID.fullmatch(task_id) else None
        if task is None:
            raise ProblemError("unknown_task")
        return self.links.task(task if is_final(task) else replace(task, result=None))

    def is_worth_waiting(self, gone: "asyncio.Task[None]") -> bool:
        """Whether the client and this process are still there."""
        return not (gone.done() or self.hub.is_closed)

    async def changed(self, task_id: str, *, seconds: int, receive: Receive) -> Task:
        """The task once it has changed, or unchanged after ``seconds`` or when the client has gone.

        :raises ProblemError: ``unknown_task``, ``store_unavailable``
        """
        end = time.monotonic() + seconds
        with self.hub.watch([task_id]) as watch, departure(receive, watch) as gone:
            first = task = await within(max(seconds, FIRST_LOOK), self.read(task_id))
            if task is None:
                raise ProblemError("store_unavailable", retry_after=RETRY_STORE)
            while task == first and not is_final(task) and self.is_worth_waiting(gone) and (left := end - time.monotonic()) > 0:
                await watch.changes(seconds=min(left, self.ping_seconds))
                try:
                    # What was read last still holds where the store does not answer.
                    task = await within(max(end - time.monotonic(), LAST_LOOK), self.read(task_id)) or task
                except RedisError:
                    watch.tell_soon([task_id])
            return task


async def within(seconds: float, reading: Coroutine[Any, Any, T]) -> T | None:
    """What is read, or None if that takes longer. It is not waited for then, since the store's client may lose a cancellation."""
    task = asyncio.create_task(reading)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody may be left to be told
    try:
        await asyncio.wait([task], timeout=seconds)
        return task.result() if task.done() else None
    finally:
        task.cancel()


def is_final(task: Task) -> bool:
    """Whether it will never change again."""
    return task.state in FINAL_STATES


@contextmanager
def departure(receive: Receive, watch: Watch) -> Iterator[asyncio.Task[None]]:
    """Done once the client has gone, which also ends a wait. The server does not cancel a handler by itself."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        watch.tell(watch.task_ids)

    waiting = asyncio.create_task(until_gone())
    try:
        yield waiting
    finally:
        waiting.cancel()
