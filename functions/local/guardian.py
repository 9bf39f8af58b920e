"""What happens if the launcher itself is killed: one small process ends the children it can no longer end.

The guardian reads a pipe that only the launcher holds: ``+pid`` and ``-pid`` per child. The pipe's end is the launcher's end,
however it came about, on Linux and macOS alike; what is still on the list then is stopped in the launcher's order.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Self

GRACE = 15.0


class Guardian:
    """The launcher's end of the pipe."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[Self]:
        """Start it; it ends by itself when this process does."""
        command = (sys.executable, "-m", "functions.local.guardian")
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: ASYNC220, S603 - ours
        try:
            yield cls(process)
        finally:
            with process:
                pass  # closes the pipe, then waits

    def watch(self, pid: int) -> None:
        """From now on, end this child if the launcher ends."""
        self._write(b"+%d\n" % pid)

    def forget(self, pid: int) -> None:
        """The child has ended: its number may soon be another's."""
        self._write(b"-%d\n" % pid)

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        with suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()


def survivors(lines: Iterable[bytes]) -> list[int]:
    """The children on the list when the pipe ends, the latest first."""
    pids: list[int] = []
    for line in lines:
        pid = int(line[1:])
        if line.startswith(b"+"):
            pids.insert(0, pid)
        else:
            pids.remove(pid)
    return pids


def end(pid: int) -> None:
    """Ask the child to end; after the grace period, or once it has, end what is left of its group."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    """Wait for the launcher's end."""
    for pid in survivors(sys.stdin.buffer):
        end(pid)


if __name__ == "__main__":
    main()
