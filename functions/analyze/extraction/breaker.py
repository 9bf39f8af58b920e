"""Whether the token service is asked once more. Pure.

yt-dlp remembers no failure: it would ask again for every format, and wait 20 s each time. Here a failing service is asked once per
client and purpose; and once failures have cost as much as a person would notice, no more at all: not by this job, and for a while
not by any other of this worker.
"""

from typing import Final

PATIENCE: Final = 4.0
"""Seconds all failures of one job may take before nothing more is asked; one time-out takes more."""

REST: Final = 60.0
"""Seconds for which a service that took so long is left alone."""


class Breaker:
    """Belongs to one job. A key stands for a client and a purpose."""

    def __init__(self) -> None:
        self._failed: set[object] = set()
        self.spent = 0.0

    def allows(self, key: object) -> bool:
        """Whether asking is worth a try."""
        return key not in self._failed and self.spent < PATIENCE

    def failed(self, key: object, *, seconds: float) -> None:
        """No token came, after so long."""
        self._failed.add(key)
        self.spent += seconds


class Rest:
    """Belongs to one worker: what all its jobs, in whichever child, know of the service. Times are of one monotonic clock."""

    def __init__(self) -> None:
        self._ends = float("-inf")

    def holds(self, *, now: float) -> bool:
        """Whether the service is left alone."""
        return now < self._ends

    def note(self, *, spent: float, now: float) -> None:
        """A job waited so many seconds in vain. A quick refusal costs nothing, and the service may be back at any moment."""
        if spent >= PATIENCE:
            self._ends = now + REST
