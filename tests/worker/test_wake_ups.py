"""What becomes of a message, and of the process that takes it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import Retry
from redis.exceptions import ConnectionError as StoreAway
from redis.exceptions import ResponseError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from functions.analyze.analyst import Postponed
from functions.analyze.sweeper import sweep_for_ever
from functions.analyze.worker import STOP_MS, consuming, declare_actors
from functions.local.child import Spec
from shared.queue import open_queue
from shared.settings import Settings
from shared.store import WakeUp


class Fails:
    """An analyst whose runs end as they are told to."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def run(self, task_id: str) -> None:
        raise self._error


async def carried(error: Exception) -> Any:
    """What the actor makes of it."""
    broker = StubBroker(middleware=[])
    analyst: Any = Fails(error)
    declare_actors(broker, analyst, asyncio.get_running_loop())
    actor: dramatiq.Actor[Any, Any] = broker.get_actor("analyze")
    return await asyncio.to_thread(actor.fn, "t1")


@pytest.mark.parametrize(
    ("error", "code", "delay"),
    [(Postponed("bot_check", 1234), "bot_check", 1234), (StoreAway("redis://:secret@host"), "store_unavailable", 1000)],
)
async def test_a_message_comes_again_with_a_code_and_a_delay(error: Exception, code: str, delay: int) -> None:
    with pytest.raises(Retry) as again:
        await carried(error)
    assert (str(again.value), again.value.delay) == (code, delay)


@pytest.mark.parametrize("error", [KeyError("https://a.googlevideo.com/"), ResponseError("secret"), TimeoutError()])
async def test_a_mistake_of_ours_ends_the_message_and_reaches_no_other(error: Exception) -> None:
    assert await carried(error) is None


async def test_a_message_that_comes_again_holds_a_code_and_nothing_else_of_the_failure(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url, secret_key="s" * 32)
    analyst: Any = Fails(Postponed("bot_check", 60_000))
    async with open_queue(settings) as queue, consuming(settings, analyst, threads=1):
        await queue.wake([WakeUp("t1", "analyze")])
        message = await asyncio.to_thread(delayed, redis_url)
    assert message["args"] == ["t1"]
    assert message["options"].keys() == {"retries", "requeue_timestamp", "redis_message_id", "eta"}


def delayed(redis_url: str) -> dict[str, Any]:
    """The first message that waits, as the store has it."""
    with redis.Redis.from_url(redis_url) as store:
        for attempt in patiently():
            with attempt:
                (raw,) = store.hvals("dramatiq:analyze.DQ.msgs")
    found: dict[str, Any] = json.loads(raw)
    return found


def patiently() -> Retrying:
    return Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.02), retry=retry_if_exception_type(ValueError), reraise=True)


async def test_the_sweeper_outlives_a_mistake_of_ours() -> None:
    class Broken:
        called = asyncio.Event()

        async def sweep(self) -> list[WakeUp]:
            self.called.set()
            raise KeyError("x")

    store: Any = Broken()
    queue: Any = None
    sweeper = asyncio.create_task(sweep_for_ever(store, queue))
    await store.called.wait()
    await asyncio.sleep(0)
    assert not sweeper.done()
    sweeper.cancel()
    await asyncio.gather(sweeper, return_exceptions=True)


def test_a_worker_stops_within_the_launchers_patience() -> None:
    worker = Spec(name="worker", command=("worker",), environment={}, folder=Path())
    assert worker.grace > 2 * STOP_MS / 1000
