"""Tasks as this function shows them: now, or as soon as they change."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from litestar.types import Receive
from msgspec import Struct
from msgspec.structs import replace
from redis.exceptions import RedisError

from functions.status.hub import Hub, Watch
from shared.links import Links
from shared.problems import ProblemError
from shared.schemas import FINAL_STATES, Task
from shared.store import Store

PING_SECONDS: Final = 15.0
"""After this much silence a client is sent a sign of life, and its tasks are looked at again."""

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

        :raises ProblemError: ``unknown_task``
        """
        end = time.monotonic() + seconds
        with self.hub.watch([task_id]) as watch, departure(receive, watch) as gone:
            first = task = await self.read(task_id)
            while task == first and not is_final(task) and self.is_worth_waiting(gone) and (left := end - time.monotonic()) > 0:
                await watch.changes(seconds=min(left, self.ping_seconds))
                try:
                    task = await self.read(task_id)
                except RedisError:  # what was read last still holds
                    watch.tell_soon([task_id])
            return task


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
