"""An analysis in a warm worker beside `yt-dlp -J` as a fresh process: the same video, player and stand-in in the same run."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import structlog

from bench.figures import Figure, Target
from bench.scale import MIB, Scale
from bench.stand_in import stand_in
from bench.usage import group_cpu, group_resident
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.strategies import PLAIN
from shared.schemas import Progress
from shared.settings import Settings
from tests import youtube as videos

PLAYER_SIZE = 2_600_000  # as large as a real one
URL = f"https://www.youtube.com/watch?v={videos.ORDINARY}"
TARGET = Target("≤", 0.2)


class Cost(NamedTuple):
    wall: float
    cpu: float


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


def measure(scale: Scale) -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with stand_in(player_size=PLAYER_SIZE) as youtube, tempfile.TemporaryDirectory() as home:
        return asyncio.run(_measure(youtube.proxy, youtube.ca_file, home, scale.analyses))


async def _measure(proxy: str, certificate: Path, home: str, rounds: int) -> list[Figure]:
    settings = Settings(global_proxy=proxy, ssl_cert_file=certificate, secret_key="b" * 32)
    commands, analyses = [], []
    async with Extractor.open(settings, children=1) as extractor:
        (starting,) = extractor._pool._all  # noqa: SLF001
        child = (await starting).pid
        first = await warm(extractor, child)
        for _ in range(rounds):
            commands.append(await asyncio.to_thread(command, proxy, home))
            analyses.append(await warm(extractor, child))
        resident = group_resident(child)
    ratio = median(cost.wall for cost in analyses) / median(cost.wall for cost in commands)
    return [
        *_figures("yt-dlp -J", commands),
        *_figures("first analysis with a player", [first]),
        *_figures("warm analysis", analyses),
        Figure(name="warm analysis / yt-dlp -J", value=ratio, unit="x", target=TARGET),
        *(Figure(name=f"memory between analyses, {name}", value=size / MIB, unit="MiB") for name, size in resident.items()),
    ]


def _figures(name: str, costs: list[Cost]) -> list[Figure]:
    return [
        Figure(name=name, value=median(cost.wall for cost in costs) * 1000, unit="ms"),
        Figure(name="  its CPU time", value=median(cost.cpu for cost in costs), unit="CPU-s"),
    ]
