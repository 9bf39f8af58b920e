"""What this worker knows of a task's earlier attempts: which way the last one went, and the best that could have been offered.

It is memory, not the store: a task that changes workers loses it, and then merely walks its ladder by number and offers what its
last attempt found.
"""

from collections import OrderedDict
from typing import Final

from msgspec import Struct

from functions.analyze.extraction.labels import lines
from functions.analyze.extraction.media import Extracted
from functions.analyze.extraction.strategies import Strategy
from shared.schemas import Format

MAX_TRAILS: Final = 64
"""Tasks between two attempts of which a worker remembers results of perhaps 0.3 MB each."""


class Trail(Struct, frozen=True, kw_only=True):
    """Both are None before the first attempt, and where another worker made the earlier ones."""

    strategy: Strategy | None = None
    best: Extracted | None = None

    @property
    def was_detour(self) -> bool:
        """Whether the last attempt went around what had failed."""
        return self.strategy is not None and self.strategy.is_detour


class Trails:
    """The trails of the tasks used last."""

    def __init__(self) -> None:
        self._trails: OrderedDict[str, Trail] = OrderedDict()

    def of(self, task_id: str) -> Trail:
        """What is known, if anything."""
        return self._trails.get(task_id) or Trail()

    def keep(self, task_id: str, trail: Trail) -> None:
        """Know this from now on."""
        self._trails[task_id] = trail
        self._trails.move_to_end(task_id)
        if len(self._trails) > MAX_TRAILS:
            self._trails.popitem(last=False)

    def forget(self, task_id: str) -> None:
        """The task is over."""
        self._trails.pop(task_id, None)


def richer(earlier: Extracted | None, later: Extracted | None) -> Extracted | None:
    """Of two results the one that offers more; of equal ones the later, whose addresses live longer."""
    if earlier is None or later is None:
        return later or earlier
    return earlier if _worth(earlier) > _worth(later) else later


def _worth(facts: Extracted) -> tuple[bool, int, bool, int]:
    formats = facts.media.formats
    videos: list[Format] = [*formats.combined, *formats.video_only]
    best = max((lines(item.resolution) for item in videos), default=0)
    has_sound = bool(formats.combined or formats.audio_only)
    return not facts.media.is_degraded, best, has_sound, len(videos) + len(formats.audio_only)
