"""Which videos have just been analysed because a URL was refused: where the fresh one is refused too, a third is no better."""

import math
import time


class Renewals:
    """What one process remembers for a few seconds. Other replicas have their own memory, and clients their rate limit."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[str, float] = {}

    def may_help(self, media_id: str) -> bool:
        """Whether another analysis of this video may bring a URL that is not refused."""
        return time.monotonic() >= self._ends.get(media_id, -math.inf)

    def note(self, media_id: str) -> None:
        """The video has been analysed for the sake of a refused URL."""
        now = time.monotonic()
        self._ends = {known: end for known, end in self._ends.items() if end > now} | {media_id: now + self._seconds}
