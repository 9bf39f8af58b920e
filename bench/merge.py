"""A merged download beside a single one and beside ffmpeg, with the same stand-in and proxy, in turn."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Final

from bench import merge_ffmpeg, merge_reader
from bench.cpu import Cost, Relay, cost
from bench.figures import Figure, Target
from bench.first_byte import asking
from bench.known import know
from bench.processes import Process, serving
from bench.scale import MIB, Scale
from bench.stand_in import StandIn, stand_in
from shared.settings import Settings
from tests.valkey import Valkey
from tests.youtube import HUGE, QUICK

SINGLE: Final = "single"
MERGED: Final = "merged"
TARGET: Final = Target("≤", 1.3)

FIRST_BYTES: Final = {
    "first byte, single": "137",
    "first byte, merged MP4 without fragments": "137+140",
    "first byte, the same with its layout known": "137+140",
    "first byte, merged WebM": "248+251",
}
"""In this order, by a function that has asked for nothing but one single file."""


def measure(scale: Scale) -> list[Figure]:
    with stand_in(film_size=scale.body) as youtube:
        figures = _first_bytes(youtube, scale.rounds)
        with _function(youtube) as function:
            figures += _relays(function, scale)
            figures += merge_ffmpeg.measure(function, youtube, scale)
    return figures + merge_reader.measure(scale)


@contextmanager
def _function(youtube: StandIn) -> Iterator[Process]:
    """A stream function as it is, with a store that knows the files and no layout of them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        store = Valkey(Path(name))
        store.start()
        try:
            for media_id, sources in youtube.sources.items():
                know(Settings(redis_url=store.url, secret_key=youtube.secret_key), media_id, sources)
            with serving("functions.stream", store.url, folder=Path(name), **youtube.settings) as function:
                yield function
        finally:
            store.stop()


def _relays(function: Process, scale: Scale) -> list[Figure]:
    """The same bytes of video with and without the sound."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    relays = [
        Relay(name=SINGLE, process=function, path=f"/v1/stream/{HUGE}/401"),
        Relay(name=MERGED, process=function, path=f"/v1/stream/{HUGE}/401+140"),
    ]
    for relay in relays:
        cost(relay, MIB)  # so that nothing is done for the first time
    for _ in range(scale.rounds):
        for relay in relays:
            costs[relay.name].append(cost(relay, scale.body))
    cpu = {name: median(one.cpu for one in of_one) for name, of_one in costs.items()}
    figures = []
    for name, of_one in costs.items():
        figures.append(Figure(name=name, value=cpu[name], unit="CPU-s/GiB"))
        figures.append(Figure(name="  its speed", value=median(one.speed for one in of_one), unit="GiB/s"))
    return [*figures, Figure(name=f"{MERGED} / {SINGLE}", value=cpu[MERGED] / cpu[SINGLE], unit="x", target=TARGET)]


def _first_bytes(youtube: StandIn, rounds: int) -> list[Figure]:
    """Every round has a function and a store of its own: a layout is found only once."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        with _function(youtube) as function, closing(HTTPConnection("127.0.0.1", function.port, timeout=30)) as relay:
            asking(relay, f"/v1/stream/{QUICK}/137")(0)
            for name, format_id in FIRST_BYTES.items():
                found[name].append(asking(relay, f"/v1/stream/{QUICK}/{format_id}")(0))
    return [Figure(name=name, value=median(times), unit="ms") for name, times in found.items()]
