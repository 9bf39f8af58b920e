"""A task from its submission to its end, and what it asked of YouTube on the way."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from functions.analyze.analyst import Analyst, Postponed
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.outcome import Outcome
from functions.analyze.extraction.strategies import Strategy
from functions.analyze.worker_metrics import WorkerMetrics
from shared.queue import open_queue
from shared.schemas import Media, Problem, Task
from shared.settings import Settings
from shared.store import Store
from shared.urls import Video
from tests.worker.extraction_attempts import TokenService, extracting
from tests.youtube import YouTube

PROMPT = 15.0
"""Seconds for one attempt on a busy machine: far below its time limit, and below one time-out of the token service's."""
HUNG = 40.0
"""Seconds for one that waits for a time-out of the token service's."""
QUICK_FILES = ["137", "140", "18", "248", "251"]


@dataclass
class Journey:
    """A task from its submission to its end: the way each attempt went, what stopped it, and what was waited for."""

    task: Task | None = None
    ways: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def result(self) -> Media:
        assert self.task is not None
        assert self.task.result is not None, self
        return self.task.result

    @property
    def problem(self) -> Problem:
        assert self.task is not None
        assert self.task.problem is not None, self
        return self.task.problem


class Watched:
    """The extractor, with a note of each attempt."""

    def __init__(self, extractor: Extractor, journey: Journey) -> None:
        self._extractor = extractor
        self._journey = journey

    async def attempt(self, url: str, media_id: str, strategy: Strategy, **more: Any) -> Outcome:
        self._journey.ways.append(strategy.name)
        began = time.monotonic()
        try:
            return await self._extractor.attempt(url, media_id, strategy, **more)
        finally:
            self._journey.seconds.append(time.monotonic() - began)


async def travel(
    store: Store,
    settings: Settings,
    video_id: str,
    after: dict[int, Callable[[], object]] | None = None,
    *,
    limit: float = PROMPT,
) -> Journey:
    """Analyse until the end.

    :param after: what happens in the world after an attempt
    :param limit: seconds that no attempt may take
    """
    journey = Journey()
    await store.submit(Video(video_id), task_id="t1", refresh=False, lane="analyze")
    async with open_queue(settings) as queue, extracting(settings) as extractor:
        analyst = Analyst(store, queue, Watched(extractor, journey), settings, WorkerMetrics(CollectorRegistry(), settings))
        while journey.task is None:
            try:
                await analyst.run("t1")
                journey.task = await store.task("t1")
            except Postponed as postponed:
                journey.codes.append(str(postponed))
                journey.waits.append(postponed.wait_ms)
                (after or {}).get(len(journey.ways), lambda: None)()
                await due(store)
    assert max(journey.seconds) < limit, journey
    return journey


async def due(store: Store) -> None:
    """Returns when the wait between attempts is over."""
    async with asyncio.timeout(10):
        while not await store.sweep():
            pass


def files(media: Media) -> list[str]:
    formats = media.formats
    return sorted(item.format_id for item in [*formats.combined, *formats.video_only, *formats.audio_only])


def reached(youtube: YouTube) -> Counter[str]:
    """What YouTube was asked for, and how often."""
    return Counter(request.kind for request in youtube.requests)


def with_tokens(plain: Settings, service: TokenService) -> Settings:
    return replace(plain, pot_provider_url=service.url)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
