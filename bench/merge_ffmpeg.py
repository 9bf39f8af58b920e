"""A merged download beside `ffmpeg -c copy` on the same two files, in turn: short ones, and a long one.

They are nothing but media: what fills the stand-in's large files ffmpeg would leave out.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from statistics import median
from typing import Final

import imageio_ffmpeg
from msgspec import Struct

from bench.figures import Figure
from bench.film import AUDIO, FILM, VIDEO
from bench.processes import Process
from bench.scale import GIB, Scale
from bench.stand_in import StandIn
from tests.youtube import QUICK

OURS: Final = "by sluice"
THEIRS: Final = "by ffmpeg -c copy"
FILES: Final = 10
"""Short ones in each round: CPU time is counted in steps of 10 ms, which is more than one of them takes."""


class Pair(Struct, frozen=True):
    """Two formats of a video."""

    media_id: str
    video: str
    audio: str


class Taken(Struct, frozen=True):
    """Milliseconds to the first byte of a whole file and to its end, its bytes, and CPU seconds where they are one process's."""

    first: float
    last: float
    size: int
    cpu: float = 0


class Turns(Struct, frozen=True):
    """All that one of the two has taken."""

    taken: list[Taken]
    cpu: float

    @property
    def first(self) -> float:
        return median(one.first for one in self.taken)

    @property
    def last(self) -> float:
        return median(one.last for one in self.taken)


def measure(function: Process, youtube: StandIn, scale: Scale) -> list[Figure]:
    short = _in_turn(function, youtube, Pair(QUICK, "137", "140"), FILES * scale.rounds)
    long = _in_turn(function, youtube, Pair(FILM, str(VIDEO), str(AUDIO)), scale.rounds)
    return [*_short_figures(short), *_long_figures(long)]


def _in_turn(function: Process, youtube: StandIn, pair: Pair, count: int) -> dict[str, Turns]:
    used = function.cpu
    ours, theirs = [], []
    for _ in range(count):
        ours.append(_by_sluice(function, pair))
        theirs.append(_by_ffmpeg(youtube, pair))
    # The function did nothing while ffmpeg did.
    return {OURS: Turns(ours, function.cpu - used), THEIRS: Turns(theirs, sum(one.cpu for one in theirs))}


def _by_sluice(function: Process, pair: Pair) -> Taken:
    began = time.monotonic()
    with closing(HTTPConnection("127.0.0.1", function.port, timeout=30)) as connection:
        connection.request("GET", f"/v1/stream/{pair.media_id}/{pair.video}+{pair.audio}")
        answer = connection.getresponse()
        assert answer.status == 200
        return _taken(answer.read, began)


def _by_ffmpeg(youtube: StandIn, pair: Pair) -> Taken:
    """It writes to a pipe, as for a client: in fragments, and no length is known."""
    sources = youtube.sources[pair.media_id]
    inputs = [part for name in (pair.video, pair.audio) for part in ("-ca_file", str(youtube.ca_file), "-i", sources[name].url)]
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
    return Taken(taken.first, taken.last, taken.size, usage.ru_utime + usage.ru_stime)


def _taken(read: Callable[[int], bytes], began: float) -> Taken:
    assert read(1)
    first, size = time.monotonic(), 1
    while chunk := read(1 << 16):
        size += len(chunk)
    return Taken((first - began) * 1000, (time.monotonic() - began) * 1000, size)


def _short_figures(found: dict[str, Turns]) -> Iterator[Figure]:
    for name, turns in found.items():
        yield Figure(name=f"a short MP4 {name}, CPU time", value=turns.cpu * 1000 / len(turns.taken), unit="CPU-ms")
        yield Figure(name="  its first byte", value=turns.first, unit="ms")
        yield Figure(name="  its last", value=turns.last, unit="ms")


def _long_figures(found: dict[str, Turns]) -> Iterator[Figure]:
    for name, turns in found.items():
        size = sum(one.size for one in turns.taken) / GIB
        yield Figure(name=f"a long MP4 {name}, CPU time", value=turns.cpu / size, unit="CPU-s/GiB")
        yield Figure(name="  its first byte", value=turns.first, unit="ms")
        yield Figure(name="  its speed", value=size / len(turns.taken) / (turns.last / 1000), unit="GiB/s")
