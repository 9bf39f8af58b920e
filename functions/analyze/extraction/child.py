"""The child process: yt-dlp, warm, one job after the other. ``python -m functions.analyze.extraction.child``.

Jobs come as lines on stdin, messages leave as lines on what was stdout. It lives in a process group of its own, together with the
JavaScript runtime it starts, and ends with its worker: when stdin ends, it kills the group. A signal on the worker's death covers
the case that another process still holds the pipe.
"""

import contextlib
import ctypes
import os
import queue
import signal
import sys
import threading
from typing import BinaryIO, Final, NoReturn

from functions.analyze.extraction import wire
from functions.analyze.extraction.wire import Job, Message, Ready

PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGTERM, lambda *_: _end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides, not the terminal
    _die_with_parent()
    channel = _claim_stdout()
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, jobs), daemon=True).start()

    from functions.analyze.extraction.extract import extract, warm_up
    from functions.analyze.extraction.solver.warm import IDLE, SOLVER

    def send(message: Message) -> None:
        channel.write(wire.encode(message) + b"\n")
        channel.flush()

    warm_up()
    send(Ready())
    while True:
        try:
            job = jobs.get(timeout=IDLE)
        except queue.Empty:
            SOLVER.end()
            continue
        send(extract(job, send))
        SOLVER.prepare()


def _read(source: BinaryIO, jobs: "queue.SimpleQueue[Job]") -> NoReturn:
    """Pass jobs on; the end of stdin is the end of the worker."""
    for line in source:
        jobs.put(wire.decode_job(line))
    _end()


def _claim_stdout() -> BinaryIO:
    """The protocol gets stdout for itself; whatever prints to it from now on prints to stderr."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def _die_with_parent() -> None:
    """Ask Linux for SIGTERM when the worker dies. SIGKILL would end this process alone and leave its JavaScript runtime behind."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _end() -> NoReturn:
    """End this process and what it started; only itself if it was not given a group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
