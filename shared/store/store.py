"""Every transition of a task, every limit and every source, each one script in the store.

All deadlines use the store's clock, and every write of a run carries its ``run_id``: whoever has lost a task cannot change
it any more (fencing). Scripts may be sent twice when an answer is lost; the second run of each does no harm: it gives the same
answer, or says that the run is over (postpone, release), or counts once more (take).
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, cast

from redis import asyncio as aio
from redis.client import NEVER_DECODE
from redis.commands.core import AsyncScript
from redis.exceptions import TimeoutError as StoreTimeoutError

from shared.problems import problem
from shared.schemas import Media, Problem, Progress, Task
from shared.settings import RateLimit, Settings
from shared.sources import Asset, Source
from shared.store import records, scripts
from shared.store import trail as trails
from shared.store.answers import LANES, Claim, Lane, Overview, Rate, Submission, Waiting, WakeUp
from shared.store.connection import OnError, connect
from shared.store.trail import Trail
from shared.tags import Tags, tags_of
from shared.urls import Video

RESERVED_REFRESHES: Final = 1

EVENTS: Final = "events"
EVENTS_HEARTBEAT: Final = 4.0
"""Seconds of silence after which the connection that listens is checked; it has as long to answer."""


class Store:
    """The shared state of all functions and workers."""

    def __init__(self, client: aio.Redis, listener: aio.Redis, settings: Settings) -> None:
        self._redis = client
        self._listener = listener
        self._slots = (settings.max_concurrent_analyses, RESERVED_REFRESHES)
        self._max_queue_length = settings.max_queue_length
        self._attempts = settings.analysis_attempts
        self._scripts: dict[str, AsyncScript] = {}

    async def ping(self) -> None:
        """Whether the store answers."""
        await self._redis.ping()

    # -- tasks -------------------------------------------------------------------------------------------------------

    async def submit(
        self, video: Video, *, task_id: str, refresh: bool, lane: Lane, request_id: str | None = None
    ) -> Submission | None:
        """Answer from the cache, join the analysis under way, or create a task: cache → join → bound → create.

        None where the queue is full.

        :param request_id: the request this is for; the task remembers it, if it has not been analysed already
        """
        answer = await self._run(
            "submit",
            *(task_id, video.media_id, video.url, video.url_hash, lane),
            *(int(refresh), self._max_queue_length, self._attempts, request_id or ""),
        )
        if answer[0] == "full":
            return None
        outcome, found, snapshot = answer
        return Submission(outcome, records.task(found, *snapshot))

    async def task(self, task_id: str) -> Task | None:
        """The task as it is now, its links unrendered."""
        found = await self._run("read", task_id)
        return None if found is None else records.task(task_id, *found)

    async def claim(self, task_id: str, *, run_id: str, lease_ms: int) -> Claim | str:
        """Take a task, or the reason why not: unknown, final, held, not_due, no_slot, not_next, exhausted."""
        crashed = problem("internal_error", "The analysis ended abruptly too many times.")
        answer = await self._run("claim", task_id, run_id, lease_ms, *self._slots, records.encode(crashed))
        if answer[0] != "claimed":
            return cast("str", answer[0])
        _, media_id, attempt, max_attempts, lane, last_problem, trail, request_ids, age_ms = answer
        return Claim(
            task_id=task_id,
            run_id=run_id,
            media_id=media_id,
            attempt=int(attempt),
            max_attempts=int(max_attempts),
            lane=lane,
            last_problem=records.PROBLEM.decode(last_problem) if last_problem else None,
            trail=trails.read(records.pairs(trail)),
            request_ids=tuple(request_ids.split()),
            submitted=time.monotonic() - age_ms / 1000,
        )

    async def renew(self, claim: Claim, *, lease_ms: int) -> bool:
        """Heartbeat; false when the task is no longer this run's."""
        return bool(await self._run("renew", claim.task_id, claim.run_id, lease_ms))

    async def progress(self, claim: Claim, progress: Progress) -> bool:
        """Show how far the run is; false when the task is no longer this run's."""
        return bool(
            await self._run("progress", claim.task_id, claim.run_id, progress.percent, progress.phase, progress.message),
        )

    async def postpone(
        self, claim: Claim, *, wait_ms: int, why: Problem, message: str, trail: Trail, fresh_seconds: int
    ) -> list[WakeUp] | None:
        """The attempt failed and another follows after ``wait_ms``; what could run now, or None when no longer this run's.

        :param trail: left to the next attempt; its best result, fresh for so long, is the task's if no attempt gets to its end
        """
        return _wake_ups(
            await self._run(
                "postpone",
                *(claim.task_id, claim.run_id, wait_ms, records.encode(why), message, *self._slots),
                *trails.fields(trail, fresh_seconds=fresh_seconds),
            ),
        )

    async def complete(
        self,
        claim: Claim,
        media: Media,
        *,
        fresh_seconds: int,
        sources: Mapping[str, Source],
        assets: Mapping[str, Asset],
    ) -> list[WakeUp] | None:
        """The result is there; what could run now, or None when no longer this run's."""
        return _wake_ups(
            await self._run(
                "finish",
                *(claim.task_id, claim.run_id, "completed", *self._slots),
                *(records.encode(media), fresh_seconds, records.end(sources), int(media.is_degraded)),
                records.encode(tags_of(media)),
                *records.source_fields(sources, assets),
            ),
        )

    async def fail(self, claim: Claim, why: Problem) -> list[WakeUp] | None:
        """The task failed for good; what could run now, or None when no longer this run's."""
        return _wake_ups(await self._run("finish", claim.task_id, claim.run_id, "failed", *self._slots, records.encode(why)))

    async def release(self, claim: Claim) -> WakeUp | None:
        """An orderly shutdown gives the task back at once."""
        lane = await self._run("release", claim.task_id, claim.run_id)
        return WakeUp(claim.task_id, lane) if lane else None

    async def sweep(self) -> list[WakeUp]:
        """What could run now and may have lost its message."""
        return _wake_ups([1, *await self._run("sweep", *self._slots)]) or []

    # -- sources -----------------------------------------------------------------------------------------------------

    async def media(self, video: Video) -> Media | None:
        """The newest result of a video, fresh or not, its links unrendered."""
        return records.media(*await self._run("media", video.url_hash, video.media_id))

    async def source(self, media_id: str, format_id: str) -> Source | None:
        """Where one format's bytes are."""
        found = await self._redis.hget(f"sources:{media_id}", f"format:{format_id}")
        return None if found is None else records.SOURCE.decode(found)

    async def pair(self, media_id: str, video: str, audio: str) -> tuple[Source | None, Source | None, Sequence[Tags]]:
        """Where the bytes of two formats are, and what files of both say of themselves, the newest first, in one round trip."""
        *found, tagged = await self._run("pair", media_id, video, audio)
        first, second = (None if one is None else records.SOURCE.decode(one) for one in found)
        return first, second, records.tags(tagged)

    async def asset(self, media_id: str, asset_id: str) -> Asset | None:
        """Where the cover or a subtitle track is."""
        found = await self._redis.hget(f"sources:{media_id}", f"asset:{asset_id}")
        return None if found is None else records.ASSET.decode(found)

    async def has_sources(self, media_id: str) -> bool:
        """Whether anything is known of where this video's files are."""
        return bool(await self._redis.exists(f"sources:{media_id}"))

    async def layout(self, version: str, *, seconds: int) -> bytes | None:
        """A merged file's layout that took long to find, as the stream function wrote it; from now on it is kept for so long."""
        async with self._redis.pipeline(transaction=False) as asking:
            asking.execute_command("GET", f"layout:{version}", **{NEVER_DECODE: True})
            asking.pexpire(f"layout:{version}", seconds * 1000)
            found, _ = await asking.execute()
        return cast("bytes | None", found)

    async def keep_layout(self, version: str, data: bytes, *, seconds: int) -> None:
        """It follows from the file that the version names, so that whoever writes it writes the same."""
        await self._redis.set(f"layout:{version}", data, ex=seconds)

    # -- limits ------------------------------------------------------------------------------------------------------

    async def take(self, name: str, limit: RateLimit) -> Rate:
        """Count one use of a limit; whole windows, atomic across replicas."""
        count, rest_ms = await self._run("take", name, limit.count, limit.seconds * 1000)
        return Rate(
            allowed=count <= limit.count,
            limit=limit.count,
            remaining=max(0, limit.count - count),
            reset=max(1, -(-rest_ms // 1000)),
        )

    async def acquire_download(
        self,
        download_id: str,
        connection_id: str,
        *,
        capacity: int,
        connections: int,
        lease_seconds: float,
    ) -> Literal["ok", "too_many_downloads", "too_many_connections"]:
        """One more connection of a download; the download itself counts once."""
        answer = await self._run("acquire_download", download_id, connection_id, capacity, connections, int(lease_seconds * 1000))
        return cast("Literal['ok', 'too_many_downloads', 'too_many_connections']", answer)

    async def renew_download(self, download_id: str, connection_id: str, lease_seconds: float) -> None:
        """Heartbeat of one connection."""
        await self._run("renew_download", download_id, connection_id, int(lease_seconds * 1000))

    async def release_download(self, download_id: str, connection_id: str) -> None:
        """The connection has ended; with its last one the download has."""
        await self._run("release_download", download_id, connection_id)

    # -- the whole ---------------------------------------------------------------------------------------------------

    async def beat(self, worker_id: str, *, extractor: str, seconds: float) -> None:
        """A worker with this version of yt-dlp lives, and counts for so long; with 0 it leaves."""
        await self._run("beat", f"{worker_id} {extractor}", int(seconds * 1000))

    async def overview(self) -> Overview:
        """What all replicas and workers do together."""
        workers, downloads, ordinary, reserved, *rest = await self._run("overview")
        waiting = [
            Waiting(length=length, oldest=oldest_ms / 1000, due=due, scheduled=scheduled)
            for length, oldest_ms, due, scheduled in zip(*(rest[part::4] for part in range(4)), strict=True)
        ]
        return Overview(
            extractors=[worker.partition(" ")[2] for worker in workers],
            downloads=downloads,
            ordinary_slots=ordinary,
            reserved_slots=reserved,
            lanes=dict(zip(LANES, waiting, strict=True)),
        )

    # -- events ------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def events(self, *, heartbeat: float = EVENTS_HEARTBEAT) -> AsyncIterator[AsyncIterator[str]]:
        """Ids of tasks as they change, from now on; ends with a Redis error when the connection is lost."""
        # Without ignore_subscribe_messages: redis-py takes a decoded "PONG" for one, answers None at once, and the heartbeat spins.
        async with self._listener.pubsub() as channel:
            await channel.subscribe(EVENTS)

            async def changed() -> AsyncIterator[str]:
                is_asked = False
                while True:
                    # A wait without end would not notice a store that went away without a word.
                    message = await channel.get_message(timeout=heartbeat)
                    if message is None and is_asked:
                        raise StoreTimeoutError("The store does not answer.")
                    is_asked = message is None
                    if message is None:
                        await channel.ping()
                    elif message["type"] == "message":
                        yield message["data"].partition(" ")[0]

            yield changed()

    async def _run(self, name: str, *arguments: str | float) -> Any:  # noqa: ANN401 - a script answers with whatever it returns
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts[name] = self._redis.register_script(scripts.source(name))
        return await script(args=arguments)


def _wake_ups(answer: list[Any]) -> list[WakeUp] | None:
    if not answer[0]:
        return None
    return [WakeUp(task_id, lane) for task_id, lane in zip(answer[1::2], answer[2::2], strict=True)]


@asynccontextmanager
async def open_store(settings: Settings, *, on_error: OnError | None = None) -> AsyncIterator[Store]:
    """The store, for as long as a process needs it; ``on_error`` is told of every command that failed."""
    # A listener that reconnected by itself would not tell that events were lost in between.
    async with (
        connect(settings.redis_url, on_error=on_error) as client,
        connect(settings.redis_url, retries=0) as listener,
    ):
        yield Store(client, listener, settings)
