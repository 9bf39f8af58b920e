"""Server-sent events: every task of one client over one connection, until all are final."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from litestar.types import Receive, Scope, Send
from redis.exceptions import RedisError

from functions.status.hub import Watch
from functions.status.tasks import Tasks, departure, is_final
from shared.problems import ProblemError
from shared.schemas import Task

HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
PING: Final = b": ping\n\n"
RECONNECT: Final = b"retry: 2000\n\n"

_ENCODER: Final = msgspec.json.Encoder()


class TaskEvents:
    """The response: an ASGI application of its own, since it must notice that its client has gone."""

    def __init__(self, tasks: Tasks, task_ids: tuple[str, ...]) -> None:
        self._tasks = tasks
        self._task_ids = task_ids

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Watch first, then look: what changes in between is told twice, never missed.

        :raises ProblemError: ``unknown_task``, before anything is sent
        """
        with self._tasks.hub.watch(self._task_ids) as watch, departure(receive, watch) as gone:
            known = {task_id: await self._tasks.read(task_id) for task_id in self._task_ids}
            await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
            line = _Line(send)
            await line.send(RECONNECT + b"".join(map(event, known.values())))
            async with line.kept_alive(self._tasks.ping_seconds):
                await self._follow(known, watch, gone, line)
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(self, known: Mapping[str, Task], watch: Watch, gone: "asyncio.Task[None]", line: "_Line") -> None:
        """Sends what changed; a task that reached its end, or was forgotten by the store, is not looked at again."""
        current = {task_id: task for task_id, task in known.items() if not is_final(task)}
        while current and self._tasks.is_worth_waiting(gone):
            changed = await watch.changes(seconds=self._tasks.ping_seconds)
            try:
                news = await self._news(current, changed)
            except RedisError:  # what was sent last still holds
                watch.tell_soon(changed)
                continue
            if news and not gone.done():
                await line.send(b"".join(map(event, news)))

    async def _news(self, current: dict[str, Task], changed: frozenset[str]) -> list[Task]:
        """What is new about the changed ones; ``current`` is kept up to date, once all of them have been read."""
        found = {task_id: await self._read(task_id) for task_id in changed & current.keys()}
        news = [task for task_id, task in found.items() if task is not None and task != current[task_id]]
        for task_id, task in found.items():
            if task is None or is_final(task):
                del current[task_id]
            else:
                current[task_id] = task
        return news

    async def _read(self, task_id: str) -> Task | None:
        """None once it has expired: the client will ask for it again, and be told."""
        try:
            return await self._tasks.read(task_id)
        except ProblemError:
            return None


class _Line:
    """What goes to one client, and the signs of life in between, whatever the store does meanwhile."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._last = time.monotonic()

    async def send(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        self._last = time.monotonic()

    @asynccontextmanager
    async def kept_alive(self, seconds: float) -> AsyncIterator[None]:
        """A ping after every ``seconds`` of silence."""
        pinging = asyncio.create_task(self._ping(seconds))
        try:
            yield
        finally:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)

    async def _ping(self, seconds: float) -> None:
        while True:
            rest = self._last + seconds - time.monotonic()
            if rest > 0:
                await asyncio.sleep(rest)
            else:
                await self.send(PING)


def event(task: Task) -> bytes:
    """One event; JSON holds no line break."""
    return b"event: task\ndata: " + _ENCODER.encode(task) + b"\n\n"
