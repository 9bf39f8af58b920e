"""A short merged download beside `ffmpeg -c copy` on the same two files, in turn.

They are nothing but media: what fills the stand-in's large files ffmpeg would leave out.
"""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from statistics import mean, median
from typing import Final

import imageio_ffmpeg
from msgspec import Struct

from bench.figures import Figure
from bench.processes import Process
from bench.scale import Scale
from bench.stand_in import StandIn
from tests.youtube import QUICK

OURS: Final = "a short MP4 by sluice"
THEIRS: Final = "a short MP4 by ffmpeg -c copy"
FILES: Final = 10
"""In each round: CPU time is counted in steps of 10 ms, which is more than one of them takes."""


class Taken(Struct, frozen=True):
    """Milliseconds to the first byte of a whole file and to its end."""

    first: float
    last: float


def measure(function: Process, youtube: StandIn, scale: Scale) -> list[Figure]:
    count = FILES * scale.rounds
    used = function.cpu
    ours, theirs, costs = [], [], []
    for _ in range(count):
        ours.append(_by_sluice(function))
        taken, cost = _by_ffmpeg(youtube)
        theirs.append(taken)
        costs.append(cost)
    # It did nothing while ffmpeg did.
    return [*_figures(OURS, ours, (function.cpu - used) * 1000 / count), *_figures(THEIRS, theirs, mean(costs))]


def _by_sluice(function: Process) -> Taken:
    began = time.monotonic()
    with closing(HTTPConnection("127.0.0.1", function.port, timeout=30)) as connection:
        connection.request("GET", f"/v1/stream/{QUICK}/137+140")
        answer = connection.getresponse()
        assert answer.status == 200
        return _taken(answer.read, began)


def _by_ffmpeg(youtube: StandIn) -> tuple[Taken, float]:
    """Also its milliseconds of CPU time. It writes to a pipe, as for a client: in fragments, and no length is known."""
    sources = youtube.sources[QUICK]
    inputs = [part for name in ("137", "140") for part in ("-ca_file", str(youtube.ca_file), "-i", sources[name].url)]
    output = ["-c", "copy", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "pipe:1"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs, *output]
    began = time.monotonic()
    process = subprocess.Popen(command, env={"http_proxy": youtube.proxy}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        taken = _taken(process.stdout.read, began)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return taken, (usage.ru_utime + usage.ru_stime) * 1000


def _taken(read: Callable[[int], bytes], began: float) -> Taken:
    assert read(1)
    first = time.monotonic()
    while read(1 << 16):
        pass
    return Taken((first - began) * 1000, (time.monotonic() - began) * 1000)


def _figures(name: str, taken: list[Taken], cpu: float) -> list[Figure]:
    return [
        Figure(name=f"{name}, CPU time", value=cpu, unit="CPU-ms"),
        Figure(name="  its first byte", value=median(one.first for one in taken), unit="ms"),
        Figure(name="  its last", value=median(one.last for one in taken), unit="ms"),
    ]
