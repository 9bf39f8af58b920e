"""What the store answers with."""

from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from shared.schemas import Problem, Task
from shared.store.trail import Trail

Lane: TypeAlias = Literal["analyze", "refresh"]
"""A refresh serves a download that is already running and has a slot of its own, so that it never stands behind the queue."""

LANES: Final[tuple[Lane, ...]] = ("analyze", "refresh")


class Submission(Struct, frozen=True):
    """What became of a submitted video; its task as it is now, its links unrendered."""

    outcome: Literal["cached", "joined", "promoted", "created"]
    task: Task


class Claim(Struct, frozen=True, kw_only=True):
    """A task that is now this run's to work on."""

    task_id: str
    run_id: str
    media_id: str
    attempt: int  # 1 for the first
    max_attempts: int
    lane: Lane
    last_problem: Problem | None  # of the attempt before
    trail: Trail = Trail()  # what it left
    request_ids: tuple[str, ...] = ()  # of whoever asked for it, the first ones
    submitted: float = 0.0  # when, on the monotonic clock of this process


class Rate(Struct, frozen=True):
    """What is left of a limit; ``reset`` is in seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int


class WakeUp(NamedTuple):
    """A task that could run now."""

    task_id: str
    lane: Lane


class Waiting(Struct, frozen=True, kw_only=True):
    """One lane of the queue."""

    length: int  # tasks that no attempt has begun
    oldest: float  # seconds the first of them has waited
    due: int  # tasks whose wait between attempts has ended, or whose worker has died: the next attempt has not begun
    scheduled: int  # tasks that run, or wait for their next attempt


class Overview(Struct, frozen=True, kw_only=True):
    """How the whole stands: what all replicas and workers do together."""

    extractors: list[str]  # the version of yt-dlp of each worker that is alive
    downloads: int  # running
    ordinary_slots: int  # taken by attempts
    reserved_slots: int  # for refreshes, taken by attempts
    lanes: dict[Lane, Waiting]
