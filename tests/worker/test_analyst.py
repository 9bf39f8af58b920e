"""What follows from an attempt: the next one after a wait, a result, a poorer result, or a failure with a name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import structlog
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from functions.analyze.analyst import LEASE_MS, Analyst, Postponed, _while
from functions.analyze.extraction.outcome import Outcome
from functions.analyze.extraction.strategies import Strategy
from functions.analyze.worker_metrics import WorkerMetrics
from shared.extracted import Extracted
from shared.problems import problem
from shared.queue import Queue, open_queue
from shared.schemas import Media, Progress, Task
from shared.settings import Settings
from shared.store import Claim, Store, WakeUp, open_store
from shared.urls import Video
from tests.results import media

VIDEO = Video("dQw4w9WgXcQ")
OnProgress = Callable[[Progress], Awaitable[None]]


def counted(settings: Settings) -> WorkerMetrics:
    return WorkerMetrics(CollectorRegistry(), settings)


class Scripted:
    """An extractor whose attempts end as they are told to."""

    def __init__(self, *ends: Outcome | Exception) -> None:
        self._ends = list(ends)
        self.strategies: list[Strategy] = []
        self.known_exits: list[frozenset[str]] = []
        self.request_ids: list[str | None] = []
        self.began = asyncio.Event()

    async def attempt(
        self,
        url: str,
        media_id: str,
        strategy: Strategy,
        *,
        timeout: float,
        on_progress: OnProgress,
        refused_exits: frozenset[str],
        request_id: str | None,
    ) -> Outcome:
        assert url == VIDEO.url
        self.request_ids.append(request_id)
        self.strategies.append(strategy)
        self.known_exits.append(refused_exits)
        await on_progress(Progress(percent=10, phase="page", message="Reading the page"))
        self.began.set()
        if not self._ends:
            await asyncio.Event().wait()
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def complete(**changes: Any) -> Outcome:
    return Outcome(verdict="complete", facts=found(replace(media(VIDEO), **changes)))


def found(result: Media) -> Extracted:
    return Extracted(media=result, sources={}, assets={})


POOR = Outcome(
    verdict="degraded",
    facts=found(replace(media(VIDEO), is_degraded=True)),
    problem=problem("formats_incomplete"),
    is_degraded=True,
)
BOT = Outcome(verdict="retry", problem=problem("bot_check"))
PRIVATE = Outcome(verdict="final", problem=problem("video_private"))


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings(redis_url=redis_url, secret_key="s" * 32, analysis_attempts=2)


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[Queue]:
    async with open_queue(settings) as opened:
        yield opened


@pytest.fixture
def analyst(store: Store, queue: Queue, settings: Settings) -> Callable[..., Analyst]:
    return lambda *ends: Analyst(store, queue, Scripted(*ends), settings, counted(settings))


async def submitted(store: Store) -> str:
    submission = await store.submit(VIDEO, task_id="t1", refresh=False, lane="analyze")
    assert submission is not None
    return submission.task.task_id


async def task(store: Store) -> Task:
    found = await store.task("t1")
    assert found is not None
    return found


async def due(store: Store) -> None:
    """Returns when the wait between attempts is over."""
    async with asyncio.timeout(10):
        while not await store.sweep():
            pass


async def told(store: Store, queue: Queue, settings: Settings, *ends: Outcome) -> Callable[..., float]:
    """The metrics of a worker that has worked on a task until its end."""
    registry = CollectorRegistry()
    analyst = Analyst(store, queue, Scripted(*ends), settings, WorkerMetrics(registry, settings))
    task_id = await submitted(store)
    while (await task(store)).state not in {"completed", "failed"}:
        with suppress(Postponed):
            await analyst.run(task_id)
    return lambda name, **labels: registry.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("ends", "outcome", "failure", "code"),
    [
        ((complete(),), "completed", "none", "none"),
        ((POOR, POOR), "degraded", "none", "none"),
        ((BOT, BOT), "failed", "refused", "bot_check"),
        ((PRIVATE,), "failed", "video", "video_private"),
    ],
)
async def test_every_end_is_counted_with_its_class(
    store: Store, queue: Queue, settings: Settings, ends: tuple[Outcome, ...], outcome: str, failure: str, code: str
) -> None:
    value = await told(store, queue, settings, *ends)
    assert value("sluice_analyses_total", outcome=outcome, failure=failure, code=code) == 1
    assert value("sluice_analysis_duration_seconds_count", outcome=outcome) == 1
    assert value("sluice_analysis_wait_seconds_count", lane="analyze") == 1
    attempts = value("sluice_analysis_attempt_duration_seconds_count", verdict=ends[0].verdict)
    assert attempts == len(ends)
    waited = value("sluice_analysis_duration_seconds_sum", outcome=outcome)
    assert waited >= value("sluice_analysis_wait_seconds_sum", lane="analyze") > 0


async def test_a_task_whose_every_attempt_was_killed_is_counted_once(store: Store, queue: Queue, settings: Settings) -> None:
    task_id = await submitted(store)
    for run in ("r1", "r2"):
        assert isinstance(await store.claim(task_id, run_id=run, lease_ms=1), Claim)
        await due(store)
    registry = CollectorRegistry()
    await Analyst(store, queue, Scripted(), settings, WorkerMetrics(registry, settings)).run(task_id)
    labels = {"outcome": "abandoned", "failure": "internal", "code": "internal_error"}
    assert registry.get_sample_value("sluice_analyses_total", labels) == 1


async def test_attempts_know_which_request_they_are_for(store: Store, queue: Queue, settings: Settings) -> None:
    await store.submit(VIDEO, task_id="t1", refresh=False, lane="analyze", request_id="one")
    await store.submit(VIDEO, task_id="t2", refresh=False, lane="analyze", request_id="two")
    extractor = Scripted(complete())
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await Analyst(store, queue, extractor, settings, counted(settings)).run("t1")
    assert extractor.request_ids == ["one"]
    assert {line["event"] for line in lines} == {"analysis started", "analysis attempted"}
    assert all((line["task_id"], line["request_ids"]) == ("t1", ("one", "two")) for line in lines)


async def test_a_result_is_stored_for_as_long_as_it_is_fresh(store: Store, analyst: Callable[..., Analyst]) -> None:
    await analyst(complete()).run(await submitted(store))
    final = await task(store)
    assert final.result is not None
    assert (final.state, final.problem) == ("completed", None)
    assert (final.result.fresh_until - final.result.analyzed_at).total_seconds() == 3600


async def test_a_result_that_is_not_proved_is_fresh_for_a_moment_only(store: Store, analyst: Callable[..., Analyst]) -> None:
    unproved = replace(found(media(VIDEO)), is_proved=False)
    await analyst(Outcome(verdict="complete", facts=unproved)).run(await submitted(store))
    final = await task(store)
    assert final.result is not None
    assert (final.state, final.result.is_degraded) == ("completed", False)
    assert (final.result.fresh_until - final.result.analyzed_at).total_seconds() == 60


async def test_what_no_retry_can_cure_fails_at_once(store: Store, analyst: Callable[..., Analyst]) -> None:
    await analyst(PRIVATE).run(await submitted(store))
    final = await task(store)
    assert final.problem is not None
    assert (final.state, final.problem.code, final.attempt) == ("failed", "video_private", 1)


async def test_a_failure_that_may_pass_is_tried_again_after_a_wait(store: Store, analyst: Callable[..., Analyst]) -> None:
    works = analyst(BOT, complete())
    task_id = await submitted(store)
    with pytest.raises(Postponed) as postponed:
        await works.run(task_id)
    assert str(postponed.value) == "bot_check"
    assert 750 <= postponed.value.wait_ms <= 1250
    waiting = await task(store)
    assert waiting.problem is not None
    assert (waiting.state, waiting.progress.phase, waiting.problem.code) == ("processing", "waiting", "bot_check")
    await works.run(task_id)  # not due yet: nothing
    assert (await task(store)).attempt == 1
    await due(store)
    await works.run(task_id)
    assert ((await task(store)).state, (await task(store)).attempt) == ("completed", 2)


async def test_half_a_result_is_tried_again_and_then_better_than_nothing(store: Store, analyst: Callable[..., Analyst]) -> None:
    works = analyst(POOR, POOR)
    task_id = await submitted(store)
    with pytest.raises(Postponed):
        await works.run(task_id)
    assert (await task(store)).result is None
    await due(store)
    await works.run(task_id)
    final = await task(store)
    assert final.result is not None
    assert final.state == "completed"
    assert final.result.is_degraded
    assert (final.result.fresh_until - final.result.analyzed_at).total_seconds() == 60


@pytest.mark.parametrize("last", [BOT, PRIVATE, KeyError("x")], ids=["retry", "final", "crash"])
async def test_what_one_worker_found_another_one_offers(store: Store, analyst: Callable[..., Analyst], last: Any) -> None:
    task_id = await submitted(store)
    with pytest.raises(Postponed):
        await analyst(POOR).run(task_id)
    await due(store)
    await analyst(last).run(task_id)
    final = await task(store)
    assert final.result is not None
    assert (final.state, final.attempt, final.result.is_degraded, final.problem) == ("completed", 2, True, None)
    assert (final.result.fresh_until - final.result.analyzed_at).total_seconds() == 60


async def test_another_worker_goes_on_up_the_ladder(store: Store, queue: Queue, settings: Settings) -> None:
    tried = []
    task_id = await submitted(store)
    more = replace(settings, pot_provider_url="http://127.0.0.1:9")
    await store._redis.hset(f"task:{task_id}", "max_attempts", 4)
    for end in (BOT, BOT, BOT, complete()):
        extractor = Scripted(end)
        try:
            await Analyst(store, queue, extractor, more, counted(more)).run(task_id)
        except Postponed:
            await due(store)
        tried += [strategy.name for strategy in extractor.strategies]
    assert tried == ["plain", "proven", "anew", "proven"]


async def test_another_worker_knows_where_files_were_refused(store: Store, queue: Queue, settings: Settings) -> None:
    task_id = await submitted(store)
    await store._redis.hset(f"task:{task_id}", "max_attempts", 3)
    known = []
    for here in ({"a"}, {"b"}, {"c"}):
        extractor = Scripted(replace(BOT, refused_exits=frozenset(here)))
        try:
            await Analyst(store, queue, extractor, settings, counted(settings)).run(task_id)
        except Postponed:
            await due(store)
        known += extractor.known_exits
    assert known == [frozenset(), frozenset("a"), frozenset("ab")]


async def test_a_worker_killed_in_its_last_attempt_leaves_what_was_found(
    store: Store, analyst: Callable[..., Analyst], queue: Queue, settings: Settings
) -> None:
    task_id = await submitted(store)
    with pytest.raises(Postponed):
        await analyst(POOR).run(task_id)
    await due(store)
    assert isinstance(await store.claim(task_id, run_id="killed", lease_ms=1), Claim)
    await due(store)
    heir = Scripted()
    await Analyst(store, queue, heir, settings, counted(settings)).run(task_id)
    final = await task(store)
    assert final.result is not None
    assert (final.state, final.attempt, final.result.is_degraded, heir.strategies) == ("completed", 2, True, [])


async def test_after_the_last_attempt_the_last_problem_stands(store: Store, analyst: Callable[..., Analyst]) -> None:
    works = analyst(BOT, BOT)
    task_id = await submitted(store)
    with pytest.raises(Postponed):
        await works.run(task_id)
    await due(store)
    await works.run(task_id)
    final = await task(store)
    assert final.problem is not None
    assert (final.state, final.problem.code, final.attempt) == ("failed", "bot_check", 2)


async def test_a_mistake_of_ours_counts_as_an_attempt_and_strands_nothing(store: Store, analyst: Callable[..., Analyst]) -> None:
    works = analyst(KeyError("x"), complete())
    task_id = await submitted(store)
    with pytest.raises(Postponed, match="internal_error"):
        await works.run(task_id)
    await due(store)
    await works.run(task_id)
    assert (await task(store)).state == "completed"


async def test_a_stop_gives_the_task_back_and_claims_nothing_more(store: Store, queue: Queue, settings: Settings) -> None:
    extractor = Scripted()
    works = Analyst(store, queue, extractor, settings, counted(settings))
    running = asyncio.create_task(works.run(await submitted(store)))
    await extractor.began.wait()
    await works.stop()
    await running
    assert await store.sweep() == [("t1", "analyze")]
    with pytest.raises(Postponed, match="worker_stopping"):  # the wake-up is another worker's
        await works.run("t1")
    assert await store.sweep() == [("t1", "analyze")]
    heir = await store.claim("t1", run_id="heir", lease_ms=LEASE_MS)
    assert isinstance(heir, Claim)
    assert heir.attempt == 1


async def test_a_run_whose_task_was_taken_stops_and_changes_nothing(store: Store, queue: Queue, settings: Settings) -> None:
    class Robbed(Scripted):
        async def attempt(self, *args: Any, **more: Any) -> Outcome:
            async with open_store(settings) as other:
                await other._redis.hset("task:t1", "run_id", "thief")
            return await super().attempt(*args, **more)

    await Analyst(store, queue, Robbed(complete()), settings, counted(settings)).run(await submitted(store))
    assert (await task(store)).state == "processing"


async def test_a_stop_during_a_claim_gives_the_task_back(store: Store, queue: Queue, settings: Settings) -> None:
    class Overtaken(Store):
        async def claim(self, task_id: str, *, run_id: str, lease_ms: int) -> Claim | str:
            claimed = await super().claim(task_id, run_id=run_id, lease_ms=lease_ms)
            await works.stop()
            return claimed

    extractor = Scripted(complete())
    works = Analyst(Overtaken(store._redis, store._listener, settings), queue, extractor, settings, counted(settings))
    await works.run(await submitted(store))
    assert extractor.strategies == []
    assert await store.sweep() == [("t1", "analyze")]


async def test_a_mistake_of_ours_in_a_run_that_was_taken_ends_quietly(store: Store, queue: Queue, settings: Settings) -> None:
    class Robbed(Scripted):
        async def attempt(self, *args: Any, **more: Any) -> Outcome:
            await store._redis.hset("task:t1", "run_id", "thief")
            raise KeyError("x")

    await Analyst(store, queue, Robbed(), settings, counted(settings)).run(await submitted(store))
    assert (await task(store)).state == "processing"


async def test_a_store_that_stays_away_is_a_claim_lost(store: Store, queue: Queue, settings: Settings) -> None:
    class Away(Store):
        async def complete(self, claim: Claim, media: Media, **_: Any) -> list[WakeUp] | None:
            raise TimeoutError  # what a wait that took too long ends with

    works = Analyst(Away(store._redis, store._listener, settings), queue, Scripted(complete()), settings, counted(settings))
    await works.run(await submitted(store))
    assert (await task(store)).state == "processing"


async def test_a_heartbeat_that_loses_its_cancellation_holds_up_nothing() -> None:
    """As Python 3.11's ``wait_for`` does, by which the store's client sends, when the send is just done."""

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(600)
        await asyncio.sleep(600)

    async def work() -> str:
        await asyncio.sleep(0.01)
        return "done"

    async with asyncio.timeout(10):
        assert await _while(work(), stubborn()) == "done"
