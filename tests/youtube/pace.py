"""Slow bodies."""

import time
from threading import Lock


class Pace:
    """Lets through `rate` bytes per second; shared by several connections, it is their sum."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._due = 0.0
        self._lock = Lock()

    @property
    def portion(self) -> int:
        """How much to send at once, so that the body flows rather than hops."""
        return max(1, min(64 << 10, int(self._rate / 20)))

    def wait_of(self, size: int) -> float:
        """Seconds to wait before the next `size` bytes."""
        with self._lock:
            now = time.monotonic()
            due = max(self._due, now)
            self._due = due + size / self._rate
            return due - now
