"""Wake-ups go out on a few threads of their own: neither the event loop nor anybody else's thread waits for a store that hangs."""

import asyncio
import threading
from pathlib import Path

import anyio.to_thread
import redis

from shared.queue import NAMESPACE, QUEUES, THREADS, open_queue
from shared.settings import Settings
from shared.store import WakeUp
from tests.streaming import until
from tests.valkey import Valkey

BURST = 40


async def test_a_store_that_hangs_holds_up_a_few_threads_and_nothing_else(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    try:
        async with open_queue(Settings(redis_url=server.url)) as queue, asyncio.timeout(20):
            await queue.wake([WakeUp("first", "analyze")])
            with server.paused():
                burst = [asyncio.create_task(queue.wake([WakeUp(f"task-{n}", "analyze")])) for n in range(BURST)]
                # That this goes on at all is the loop's half of the promise.
                await until(lambda: queue._limiter.statistics().tasks_waiting == BURST - THREADS)
                assert queue._limiter.borrowed_tokens == THREADS
                assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
                assert await anyio.to_thread.run_sync(threading.get_ident) != threading.get_ident()
                assert not any(task.done() for task in burst)
            await asyncio.gather(*burst)
        with redis.Redis.from_url(server.url) as client:
            assert client.llen(f"{NAMESPACE}:{QUEUES['analyze']}") == BURST + 1
    finally:
        server.stop()


async def test_each_lane_has_its_own_queue_and_messages_carry_a_task_id_alone(settings: Settings) -> None:
    async with open_queue(settings) as queue:
        await queue.wake([WakeUp("a", "analyze"), WakeUp("b", "refresh")])
    with redis.Redis.from_url(settings.redis_url, decode_responses=True) as client:
        for lane, task_id in (("analyze", "a"), ("refresh", "b")):
            (message,) = client.hvals(f"{NAMESPACE}:{lane}.msgs")
            assert f'"args":["{task_id}"]' in message
            assert '"kwargs":{}' in message
