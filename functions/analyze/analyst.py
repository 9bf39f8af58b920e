"""One wake-up: claim the task, attempt the analysis, write down what came of it.

The claim is a lease renewed by a heartbeat. Whoever loses it (stalled too long, the store failed over) stops at once, since the
task already belongs to another run; whoever is told to stop gives it back.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

import structlog
from msgspec.structs import replace
from redis.exceptions import RedisError

from functions.analyze import backoff
from functions.analyze.extraction.outcome import Outcome, more_telling
from functions.analyze.extraction.richer import richer
from functions.analyze.extraction.strategies import STRATEGIES, Strategy, next_strategy
from functions.analyze.worker_metrics import WorkerMetrics
from shared.ending import end
from shared.extracted import Extracted
from shared.problems import problem
from shared.queue import Queue
from shared.schemas import Problem, Progress
from shared.settings import Settings
from shared.store import Claim, Store, Trail, WakeUp
from shared.urls import Video

LEASE_MS: Final = 10_000
HEARTBEAT: Final = 3.0
DOUBTFUL_FRESH_SECONDS: Final = 60
STORE_PATIENCE: Final = 60.0
"""Seconds for which what came of a run waits for a store that is away."""
STORE_PAUSE: Final = 0.5
STOPPING_WAIT_MS: Final = 200
"""A wake-up that reaches a worker which stops goes back; without a wait it would come again at once."""

T = TypeVar("T")
log = structlog.get_logger()


class Attempts(Protocol):
    """What makes one attempt; in production the extractor."""

    async def attempt(
        self,
        url: str,
        media_id: str,
        strategy: Strategy,
        *,
        timeout: float,
        on_progress: Callable[[Progress], Awaitable[None]],
        refused_exits: frozenset[str],
        request_id: str | None,
    ) -> Outcome:
        """One attempt, ended by force after ``timeout`` seconds; where earlier ones' files were refused, it knows."""


class Postponed(Exception):
    """Another attempt follows after ``wait_ms``; it carries a code, because the text reaches a message."""

    def __init__(self, code: str, wait_ms: int) -> None:
        super().__init__(code)
        self.wait_ms = wait_ms


class LostClaim(Exception):
    """The task belongs to another run."""


class Analyst:
    """Works on tasks, as many at once as it is asked to."""

    def __init__(self, store: Store, queue: Queue, extractor: Attempts, settings: Settings, metrics: WorkerMetrics) -> None:
        self._store = store
        self._queue = queue
        self._extractor = extractor
        self._settings = settings
        self._metrics = metrics
        self._running: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._chance = random.SystemRandom()

    async def run(self, task_id: str) -> None:
        """Work on a task if it can be claimed; otherwise nothing.

        :raises Postponed: when another attempt follows, or when this worker stops and the wake-up is another one's
        """
        if self._is_stopping:
            raise Postponed("worker_stopping", STOPPING_WAIT_MS)
        claim = await self._store.claim(task_id, run_id=secrets.token_hex(8), lease_ms=LEASE_MS)
        if not isinstance(claim, Claim):
            log.debug("not claimed", task_id=task_id, why=claim)
            if claim == "exhausted":
                self._metrics.abandoned()
            return
        if self._is_stopping:  # while the claim was under way: stop() did not know of it
            await self._give_back(claim)
            return
        # A task of its own, so that stop() can end it without ending the caller.
        work = asyncio.create_task(self._work(claim))
        self._running.add(work)
        try:
            await work
        except asyncio.CancelledError:
            await self._give_back(claim)
        finally:
            self._running.discard(work)

    async def stop(self) -> None:
        """Claim nothing more; end what runs and give it back at once."""
        self._is_stopping = True
        await end(*self._running)

    async def _work(self, claim: Claim) -> None:
        with structlog.contextvars.bound_contextvars(
            task_id=claim.task_id, media_id=claim.media_id, attempt=claim.attempt, request_ids=claim.request_ids
        ):
            self._metrics.claimed(claim)
            log.info("analysis started", lane=claim.lane, last=claim.last_problem and claim.last_problem.code)
            try:
                await self._attempted(claim)
            except LostClaim:
                log.warning("analysis lost to another run")

    async def _attempted(self, claim: Claim) -> None:
        strategy = next_strategy(
            claim.last_problem.code if claim.last_problem else None,
            before=STRATEGIES.get(claim.trail.strategy or ""),
            has_provider=self._settings.pot_provider_url is not None,
        )
        began = time.monotonic()
        try:
            outcome = await self._attempt(claim, strategy)
            self._metrics.attempted(strategy.name, outcome.verdict, outcome.problem, seconds=time.monotonic() - began)
            await self._conclude(claim, strategy, outcome)
        except (LostClaim, Postponed):
            raise
        except Exception:
            # A mistake of ours must not strand the task: it counts as a failed attempt like any other.
            log.exception("analysis crashed")
            trail = replace(claim.trail, strategy=strategy.name)
            await self._retry_or_give_up(claim, problem("internal_error", "The analysis ended abruptly."), trail)

    async def _attempt(self, claim: Claim, strategy: Strategy) -> Outcome:
        async def show(progress: Progress) -> None:
            try:
                is_ours = await self._store.progress(claim, progress)
            except RedisError:
                return  # the heartbeat decides whether the claim still holds
            if not is_ours:
                raise LostClaim

        attempt = self._extractor.attempt(
            Video(claim.media_id).url,
            claim.media_id,
            strategy,
            timeout=self._settings.analysis_timeout,
            on_progress=show,
            refused_exits=claim.trail.refused_exits,
            request_id=next(iter(claim.request_ids), None),
        )
        return await _while(attempt, self._heartbeat(claim))

    async def _heartbeat(self, claim: Claim) -> None:
        """Ends only with :class:`LostClaim`. While the store is away the run goes on: what it finds is fenced anyway."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                is_ours = await self._store.renew(claim, lease_ms=LEASE_MS)
            except RedisError as error:
                log.warning("heartbeat failed", error=type(error).__name__)
                continue
            if not is_ours:
                raise LostClaim

    async def _conclude(self, claim: Claim, strategy: Strategy, outcome: Outcome) -> None:
        why = outcome.problem and more_telling(claim.last_problem, outcome.problem, was_detour=strategy.is_detour)
        log.info("analysis attempted", verdict=outcome.verdict, code=why and why.code)
        is_worth_another = outcome.verdict in {"retry", "degraded"} and claim.attempt < claim.max_attempts
        trail = Trail(
            strategy=strategy.name,
            refused_exits=claim.trail.refused_exits | outcome.refused_exits,
            best=richer(claim.trail.best, outcome.facts),
        )
        if outcome.facts is not None and trail.best is not None and not is_worth_another:
            await self._complete(claim, trail.best)
        elif why is not None and outcome.verdict != "final":
            await self._retry_or_give_up(claim, why, trail)
        else:
            await self._give_up(claim, why or problem("internal_error"), trail)

    async def _retry_or_give_up(self, claim: Claim, why: Problem, trail: Trail) -> None:
        if claim.attempt < claim.max_attempts:
            await self._postpone(claim, why, trail)
        else:
            await self._give_up(claim, why, trail)

    async def _give_up(self, claim: Claim, why: Problem, trail: Trail) -> None:
        """Something is better than nothing: what an earlier attempt found, else a failure with its name."""
        if trail.best is not None:
            await self._complete(claim, trail.best)
        else:
            await self._wake(await self._written(lambda: self._store.fail(claim, why)))
            self._metrics.ended("failed", claim, why)

    async def _complete(self, claim: Claim, facts: Extracted) -> None:
        await self._wake(
            await self._written(
                lambda: self._store.complete(
                    claim, facts.media, fresh_seconds=self._freshness(facts), sources=facts.sources, assets=facts.assets
                )
            )
        )
        self._metrics.ended("degraded" if facts.media.is_degraded else "completed", claim)

    async def _postpone(self, claim: Claim, why: Problem, trail: Trail) -> None:
        wait = backoff.wait_ms(claim.attempt, retry_after=why.retry_after, chance=self._chance)
        message = f"Trying again in {max(1, round(wait / 1000))} s (attempt {claim.attempt + 1} of {claim.max_attempts})"
        fresh = self._freshness(trail.best)
        await self._wake(
            await self._written(
                lambda: self._store.postpone(claim, wait_ms=wait, why=why, message=message, trail=trail, fresh_seconds=fresh)
            )
        )
        raise Postponed(why.code, wait)

    def _freshness(self, facts: Extracted | None) -> int:
        """Seconds for which a result is served from the cache: a moment only where another analysis may better or refute it."""
        ttl = self._settings.result_ttl
        is_reliable = facts is not None and facts.is_proved and not facts.media.is_degraded
        return ttl if is_reliable else min(DOUBTFUL_FRESH_SECONDS, ttl)

    async def _written(self, write: Callable[[], Awaitable[T | None]]) -> T:
        """The answer of a transition; what is known is not thrown away because the store restarts at this moment.

        :raises LostClaim: also when the store stays away: the lease has ended long ago
        """
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                while True:
                    try:
                        answer = await write()
                        break
                    except RedisError as error:
                        log.warning("waiting for the store", error=type(error).__name__)
                        await asyncio.sleep(STORE_PAUSE)
        except TimeoutError:
            raise LostClaim from None
        if answer is None:
            raise LostClaim
        return answer

    async def _wake(self, wake_ups: list[WakeUp]) -> None:
        try:
            await self._queue.wake(wake_ups)
        except RedisError as error:
            log.warning("wake-up not sent", error=type(error).__name__)  # the sweeper sends it

    async def _give_back(self, claim: Claim) -> None:
        try:
            wake_up = await self._store.release(claim)
        except RedisError as error:
            log.warning("claim not released", error=type(error).__name__)  # its lease ends in seconds
        else:
            await self._wake([wake_up] if wake_up else [])


async def _while(work: Awaitable[T], guard: Awaitable[None]) -> T:
    """The result of ``work``, ended with the guard's error if the guard fails first."""
    worker, keeper = asyncio.ensure_future(work), asyncio.ensure_future(guard)
    try:
        await asyncio.wait({worker, keeper}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            return worker.result()
        keeper.result()
        raise LostClaim
    finally:
        await end(worker, keeper)
