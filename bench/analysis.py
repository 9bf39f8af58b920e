"""An analysis in a warm worker beside `yt-dlp -J` as a fresh process: the same video, player and stand-in in the same run."""

import asyncio
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple

import structlog

from bench.usage import group_cpu, group_resident
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.strategies import PLAIN
from shared.schemas import Progress
from shared.settings import Settings
from tests import youtube as videos
from tests.youtube import YouTube

ROUNDS = 7
PLAYER_SIZE = 2_600_000  # as large as a real one
URL = f"https://www.youtube.com/watch?v={videos.ORDINARY}"
TARGET = 0.2


class Cost(NamedTuple):
    wall: float
    cpu: float


def _stand_in(address: Connection) -> None:
    with YouTube.running() as youtube:
        youtube._services.site.player_size = PLAYER_SIZE  # noqa: SLF001
        address.send((youtube.http_proxy, youtube.ca_file))
        address.recv()


@contextmanager
def stand_in() -> Iterator[tuple[str, Path]]:
    """In a process of its own, so that what it costs is nobody's: its proxy's URL and its certificate."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_stand_in, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(20)


def command(proxy: str, home: str) -> Cost:
    """`yt-dlp -J` with its default options, Deno among them."""
    environment = {"HOME": home, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    arguments = [sys.executable, "-m", "yt_dlp", "-J", "--proxy", proxy, "--no-check-certificates", URL]
    started = time.monotonic()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Cost(time.monotonic() - started, usage.ru_utime + usage.ru_stime)


async def warm(extractor: Extractor, child: int) -> Cost:
    """One attempt, as the worker makes it, the probe of the best files included."""
    started, used = time.monotonic(), time.process_time() + group_cpu(child)
    outcome = await extractor.attempt(URL, videos.ORDINARY, PLAIN, timeout=60, on_progress=_nobody_watches)
    assert outcome.verdict == "complete"
    return Cost(time.monotonic() - started, time.process_time() + group_cpu(child) - used)


async def _nobody_watches(progress: Progress) -> None: ...


def row(name: str, costs: list[Cost]) -> str:
    walls = [cost.wall for cost in costs]
    spread = f"({min(walls) * 1000:.0f} to {max(walls) * 1000:.0f})"
    return f"{name:<34} wall {median(walls) * 1000:>5.0f} ms {spread:<15} CPU {median(cost.cpu for cost in costs):5.2f} s"


async def measure(proxy: str, certificate: Path, home: str) -> None:
    settings = Settings(global_proxy=proxy, ssl_cert_file=certificate, secret_key="b" * 32)
    commands, analyses = [], []
    async with Extractor.open(settings, children=1) as extractor:
        (starting,) = extractor._pool._all  # noqa: SLF001
        child = (await starting).pid
        first = await warm(extractor, child)
        for _ in range(ROUNDS):
            commands.append(await asyncio.to_thread(command, proxy, home))
            analyses.append(await warm(extractor, child))
        resident = group_resident(child)
    ratio = median(cost.wall for cost in analyses) / median(cost.wall for cost in commands)
    print(row("yt-dlp -J", commands))
    print(row("first analysis with a player", [first]))
    print(row("warm analysis", analyses) + f"  {ratio:.2f} x yt-dlp -J (target {TARGET})")
    print("memory between analyses            " + ", ".join(f"{name} {size >> 20} MiB" for name, size in resident.items()))


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with stand_in() as (proxy, certificate), tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(proxy, certificate, home))


if __name__ == "__main__":
    main()
