"""Hundreds of slow clients at once in one process, each with a download of its own: who fails, and what memory they take."""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Final

import httpx

from bench.download import download
from bench.figures import Figure, Target
from bench.processes import Process
from bench.scale import GIB, MIB, Scale
from bench.site import site
from bench.slow_client import Visit, take_slowly
from shared.settings import Settings

RATE: Final = 100_000
"""Bytes per second of each."""

ENOUGH: Final = 0.95
"""Of what a client wanted to take: who got less was kept waiting."""

WARM_UP: Final = 16 * MIB
PARTING: Final = 15.0
"""Seconds in which everything that was theirs should be released."""


def measure(scale: Scale) -> list[Figure]:
    with site() as here, here.function(MAX_CONCURRENT_DOWNLOADS=str(2 * scale.crowd)) as function:
        paths = here.files("https", GIB, count=scale.crowd)
        download(function.base + paths[0], WARM_UP)
        before, used = function.resident, function.cpu
        visits = asyncio.run(_visits(function.port, paths, scale.crowd_seconds))
        grown, used = function.peak_resident - before, function.cpu - used
        left = _left(function)
    received = sum(visit.received for visit in visits)
    failed = sum(visit.status != 200 or visit.has_ended for visit in visits)
    waited = sum(visit.received < ENOUGH * RATE * scale.crowd_seconds for visit in visits)
    slowest = min(visit.received / visit.seconds for visit in visits)
    budget = Target("≤", Settings().stream_memory / MIB)
    clients = f"{scale.crowd} clients at {RATE // 1000} KB/s for {scale.crowd_seconds:g} s"
    return [
        Figure(name=f"{clients}, failed", value=failed, unit="clients", target=Target("≤", 0)),
        Figure(name="  kept waiting", value=waited, unit="clients", target=Target("≤", 0)),
        Figure(name="the slowest of them", value=slowest / 1000, unit="KB/s"),
        Figure(name="memory before", value=before / MIB, unit="MiB"),
        Figure(name="memory grown by, at its peak", value=grown / MIB, unit="MiB", target=budget),
        Figure(name="  for each stream", value=grown / MIB / scale.crowd, unit="MiB", target=Target("≤", 1)),
        Figure(name="CPU time", value=used / (received / GIB), unit="CPU-s/GiB"),
        Figure(name="of STREAM_MEMORY not given back after all have left", value=left / MIB, unit="MiB", target=Target("≤", 0)),
    ]


async def _visits(port: int, paths: Sequence[str], seconds: float) -> list[Visit]:
    return await asyncio.gather(*(take_slowly(port, path, rate=RATE, seconds=seconds) for path in paths))


def _left(function: Process) -> float:
    """Bytes that the budget counts as taken, once that is nothing or nothing more can be expected."""
    deadline = time.monotonic() + PARTING
    while (taken := _taken(function)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return taken


def _taken(function: Process) -> float:
    metrics = httpx.get(f"{function.base}/metrics", trust_env=False, timeout=PARTING).text
    found = re.search(r"^sluice_stream_buffer_bytes(?:{[^}]*})? (\S+)$", metrics, re.MULTILINE)
    assert found is not None
    return float(found[1])
