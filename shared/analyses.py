"""Asking for an analysis: what the analyze function does for people, and the stream function for a download.

One place, so that limit, bound, cache and single flight are the same whoever asks.
"""

import asyncio
import secrets
from typing import Final

import structlog
from redis.exceptions import RedisError

from shared.problems import ProblemError
from shared.queue import Queue
from shared.request_ids import current_id
from shared.schemas import FINAL_STATES, Task
from shared.settings import RateLimit, Settings
from shared.store import Lane, Rate, Store, Submission, WakeUp
from shared.urls import Video

RETRY_QUEUE_FULL: Final = 30
RETRY_PENDING: Final = 5
_POLL_SECONDS: Final = (0.05, 0.1, 0.2, 0.4)

_log = structlog.stdlib.get_logger(__name__)


class Analyses:
    """Submits videos to the workers and waits for them."""

    def __init__(self, store: Store, queue: Queue, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._queue = queue

    async def limit(self, client: str) -> Rate | None:
        """Count one submission of this client; None where the limit is off.

        :raises ProblemError: ``rate_limited``
        """
        limit = self.settings.rate_limit
        if limit.count == 0:
            return None
        rate = await self.store.take(f"analyze:{client}", limit)
        if not rate.allowed:
            raise ProblemError("rate_limited", _sentence(limit), retry_after=rate.reset, headers=rate_limit_headers(rate))
        return rate

    async def submit(self, video: Video, *, refresh: bool, lane: Lane = "analyze") -> Submission:
        """Answer from the cache, join the analysis under way, or start one.

        :raises ProblemError: ``queue_full``
        """
        submission = await self.store.submit(
            video, task_id=secrets.token_hex(16), refresh=refresh, lane=lane, request_id=current_id()
        )
        if submission is None:
            raise ProblemError("queue_full", retry_after=RETRY_QUEUE_FULL)
        if submission.outcome in {"created", "promoted"}:
            await self._wake(WakeUp(submission.task.task_id, lane))
        return submission

    async def _wake(self, wake_up: WakeUp) -> None:
        try:
            await self._queue.wake([wake_up])
        except RedisError as error:
            _log.warning("wake-up not sent", error=type(error).__name__)  # the task is stored, and the worker's sweeper sends it

    async def ensure(self, media_id: str, *, client: str, lane: Lane, wait: float) -> None:
        """Return once the sources of a video have been found anew. A cached result does not count: its sources end before it does.

        :param lane: ``analyze`` is counted against the client and bounded by the queue, as if the client had submitted the video;
            ``refresh`` is for downloads that are running, which are bounded themselves
        :param wait: seconds
        :raises ProblemError: ``analysis_pending`` after ``wait``, ``rate_limited``, ``queue_full``, or as the analysis failed
        """
        if lane == "analyze":
            await self.limit(client)
        submission = await self.submit(Video(media_id), refresh=True, lane=lane)
        task = await self._final(submission.task.task_id, wait)
        if task is None:
            raise ProblemError("analysis_pending", retry_after=RETRY_PENDING)
        if task.problem is not None:
            raise ProblemError(task.problem.code, task.problem.detail, retry_after=task.problem.retry_after)

    async def _final(self, task_id: str, wait: float) -> Task | None:
        """The task in its final state, or None if that takes longer."""
        polls = iter(_POLL_SECONDS)
        pause = next(polls)
        try:
            async with asyncio.timeout(wait):
                while True:
                    task = await self.store.task(task_id)
                    if task is None or task.state in FINAL_STATES:
                        return task
                    await asyncio.sleep(pause)
                    pause = next(polls, pause)
        except TimeoutError:
            return None


def rate_limit_headers(rate: Rate | None) -> dict[str, str]:
    """``RateLimit-*``: what is left of the client's limit and seconds until it is whole again."""
    if rate is None:
        return {}
    return {"RateLimit-Limit": str(rate.limit), "RateLimit-Remaining": str(rate.remaining), "RateLimit-Reset": str(rate.reset)}


def _sentence(limit: RateLimit) -> str:
    return f"At most {limit.count} submissions in {limit.seconds} seconds."
