"""1,000 people submit at once: different videos, then one video; beside a bare handler on the same machine in the same run."""

import asyncio
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench.burst import Burst, burst, post
from bench.figures import Figure
from bench.processes import serving
from bench.scale import Scale
from tests.valkey import Valkey


def measure(scale: Scale) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        store = Valkey(folder)
        store.start()
        try:
            with (
                serving("functions.analyze", store.url, folder=folder) as ours,
                serving("bench.bare", store.url, folder=folder) as bare,
            ):
                bursts = _bursts(ours.port, bare.port, scale)
        finally:
            store.stop()
    return [figure for name, results in bursts.items() for figure in _figures(name, results, scale.people)]


def _bursts(ours: int, bare: int, scale: Scale) -> dict[str, list[Burst]]:
    bursts: dict[str, list[Burst]] = defaultdict(list)
    for number in range(scale.submissions):
        distinct = _submissions([f"{number:03d}x{person:07d}" for person in range(scale.people)])
        same = _submissions([f"{number:03d}xsame_vid"[:11]] * scale.people)
        bursts["bare handler, one round trip"].append(asyncio.run(burst(bare, same)))
        bursts[f"submit, {scale.people} different videos"].append(asyncio.run(burst(ours, distinct)))
        bursts[f"submit, one video {scale.people} times"].append(asyncio.run(burst(ours, same)))
    return bursts


def _submissions(media_ids: list[str]) -> list[bytes]:
    return [
        post("/v1/analyze", json.dumps({"url": f"https://www.youtube.com/watch?v={media_id}"}).encode()) for media_id in media_ids
    ]


def _figures(name: str, results: list[Burst], people: int) -> list[Figure]:
    assert all(result.statuses == {202: people} for result in results)
    return [
        Figure(name=f"{name}, median", value=median(result.percentile(0.5) for result in results) * 1000, unit="ms"),
        Figure(name="  99 of 100 within", value=median(result.percentile(0.99) for result in results) * 1000, unit="ms"),
        Figure(name="  all of them", value=median(people / result.wall for result in results), unit="per second"),
    ]
