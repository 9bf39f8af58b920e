"""The worker as a process with its defaults: what it holds between analyses and while all its slots are at work, what it uses."""

import asyncio
import logging
import secrets
import tempfile
from pathlib import Path

import structlog

from bench.figures import Figure
from bench.processes import worker
from bench.scale import MIB, Scale
from bench.stand_in import stand_in
from bench.usage import tree_cpu, tree_memory
from shared.queue import open_queue
from shared.settings import Settings
from shared.store import Store, WakeUp, open_store
from shared.urls import Video
from tests.valkey import Valkey
from tests.youtube import CHAPTERS, LARGE, ORDINARY, QUICK

PLAYER_SIZE = 2_600_000  # as large as a real one
VIDEOS = (ORDINARY, CHAPTERS, LARGE, QUICK)
LOOK_EVERY = 0.1


def measure(scale: Scale) -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="bench-") as name, stand_in(player_size=PLAYER_SIZE) as youtube:
        server = Valkey(Path(name))
        server.start()
        try:
            settings = Settings(redis_url=server.url, secret_key="b" * 32)
            environment = {"GLOBAL_PROXY": youtube.proxy, "SSL_CERT_FILE": str(youtube.ca_file)}
            with worker(server.url, folder=Path(name), **environment) as pid:
                return asyncio.run(_measure(settings, pid, scale.analyses * len(VIDEOS)))
        finally:
            server.stop()


async def _measure(settings: Settings, pid: int, count: int) -> list[Figure]:
    async with open_store(settings) as store, open_queue(settings) as queue:
        peak = 0

        async def round_(videos: int) -> None:
            nonlocal peak
            tasks = [await _submit(store, VIDEOS[number % len(VIDEOS)]) for number in range(videos)]
            await queue.wake([WakeUp(task_id, "analyze") for task_id in tasks])
            while not all([await _is_done(store, task_id) for task_id in tasks]):
                peak = max(peak, tree_memory(pid))
                await asyncio.sleep(LOOK_EVERY)

        await round_(len(VIDEOS))  # each child meets the player for the first time
        used = tree_cpu(pid)
        for _ in range(count // len(VIDEOS)):
            await round_(len(VIDEOS))
        cpu = tree_cpu(pid) - used
    return [
        Figure(name="memory between analyses", value=tree_memory(pid) / MIB, unit="MiB"),
        Figure(name="memory at its peak, 4 analyses at once", value=peak / MIB, unit="MiB"),
        Figure(name="CPU time of one analysis, all told", value=cpu / count, unit="CPU-s"),
    ]


async def _submit(store: Store, video_id: str) -> str:
    task_id = secrets.token_hex(16)
    submission = await store.submit(Video(video_id), task_id=task_id, refresh=True, lane="analyze")
    assert submission is not None
    assert submission.outcome == "created"
    return task_id


async def _is_done(store: Store, task_id: str) -> bool:
    task = await store.task(task_id)
    assert task is not None
    assert task.state != "failed", task.problem
    return task.state == "completed"
