"""Wakes the worker: a Dramatiq message that names a task.

The message is only a wake-up. What is to be done, and whether it still is, stands in the task; a message that is lost costs
seconds (the worker's sweeper sends another one), and one too many does nothing. Actors are named, never imported, so that no
function carries the worker's packages.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.to_thread
from dramatiq import Message, Middleware
from dramatiq.brokers.redis import RedisBroker
from redis import Redis

from shared.settings import Settings
from shared.store import Lane, WakeUp, connect_blocking

QUEUES: Final[dict[Lane, str]] = {"analyze": "analyze", "refresh": "refresh"}
ACTORS: Final[dict[Lane, str]] = {"analyze": "analyze", "refresh": "refresh"}
NAMESPACE: Final = "dramatiq"

THREADS: Final = 4
"""Enqueueing is socket I/O of well under a millisecond; a burst waits here, never on the event loop or in a general pool."""


class Queue:
    """Sends wake-ups without blocking the event loop."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._limiter = anyio.CapacityLimiter(THREADS)

    async def wake(self, wake_ups: Iterable[WakeUp]) -> None:
        """One message for each."""
        for wake_up in wake_ups:
            await anyio.to_thread.run_sync(self._broker.enqueue, message(wake_up), limiter=self._limiter)


def message(wake_up: WakeUp) -> "Message[None]":
    """The wake-up of a task; its only argument is the task id."""
    return Message(
        queue_name=QUEUES[wake_up.lane],
        actor_name=ACTORS[wake_up.lane],
        args=(wake_up.task_id,),
        kwargs={},
        options={},
    )


def redis_broker(client: Redis, *, middleware: list[Middleware]) -> RedisBroker:
    """The broker that both ends agree on."""
    untyped: Any = RedisBroker  # Dramatiq leaves this constructor untyped
    broker: RedisBroker = untyped(client=client, middleware=middleware, namespace=NAMESPACE)
    return broker


@asynccontextmanager
async def open_queue(settings: Settings) -> AsyncIterator[Queue]:
    """The queue, for as long as a process needs it."""
    client = connect_blocking(settings.redis_url)
    try:
        yield Queue(redis_broker(client, middleware=[]))
    finally:
        client.close()
