"""Whether a job may ask the token service once more. Pure.

yt-dlp remembers no failure: it would ask again for every format, and wait 20 s each time. Here a failing service is asked once per
client and purpose; and once failures have cost as much as a person would notice, no more at all.
"""

from typing import Final

PATIENCE: Final = 4.0
"""Seconds all failures of one job may take before nothing more is asked; one time-out takes more."""


class Breaker:
    """Belongs to one job. A key stands for a client and a purpose."""

    def __init__(self) -> None:
        self._failed: set[object] = set()
        self._spent = 0.0

    def allows(self, key: object) -> bool:
        """Whether asking is worth a try."""
        return key not in self._failed and self._spent < PATIENCE

    def failed(self, key: object, *, seconds: float) -> None:
        """No token came, after so long."""
        self._failed.add(key)
        self._spent += seconds
