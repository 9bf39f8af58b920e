"""Who asked to stop, and how urgently."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(Exception):
    """Someone asked to stop: not a failure, but the way out of every wait."""


class StopRequests:
    """The first signal asks to stop, a second one to hurry."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def add(self) -> None:
        """Count one signal."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()

    @classmethod
    @contextmanager
    def from_signals(cls) -> Iterator[Self]:
        """Those of this process: Ctrl-C, a service manager's SIGTERM, the terminal's end."""
        requests = cls()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, requests.add)
        try:
            yield requests
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
