"""One download through an upstream that gives each connection 2 MB/s: what several connections at once gain."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.download import Taken, downloads
from bench.figures import Figure, Target
from bench.known import know
from bench.processes import serving
from bench.scale import Scale
from bench.stand_in import StandIn, stand_in
from shared.settings import Settings
from tests.valkey import Valkey
from tests.youtube import LARGE

RATE: Final = 2_000_000
CONNECTIONS: Final = (1, 2, 4)
TARGET: Final = Target("≥", 3.5)


def measure(scale: Scale) -> list[Figure]:
    with stand_in(media_rate=RATE) as youtube, tempfile.TemporaryDirectory(prefix="bench-") as name:
        store = Valkey(Path(name))
        store.start()
        try:
            taken = _taken(youtube, store.url, Path(name), scale.throttled)
        finally:
            store.stop()
    speeds = [one.size / one.seconds / 1e6 for one in taken]
    names = [f"STREAM_CONNECTIONS={count}" for count in CONNECTIONS]
    figures = [Figure(name=name, value=speed, unit="MB/s") for name, speed in zip(names, speeds, strict=True)]
    figures += [
        Figure(name="2 connections / 1", value=speeds[1] / speeds[0], unit="x"),
        Figure(name="4 connections / 1", value=speeds[2] / speeds[0], unit="x", target=TARGET),
    ]
    return figures


def _taken(youtube: StandIn, redis_url: str, folder: Path, size: int) -> list[Taken]:
    """The same file by functions that differ in one setting, at the same time: they wait rather than work."""
    know(Settings(redis_url=redis_url, secret_key=youtube.secret_key), LARGE, youtube.sources[LARGE])
    with ExitStack() as stack:
        functions = [
            stack.enter_context(
                serving("functions.stream", redis_url, folder=folder, STREAM_CONNECTIONS=str(count), **youtube.settings)
            )
            for count in CONNECTIONS
        ]
        return list(downloads([f"{function.base}/v1/stream/{LARGE}/137" for function in functions], size))
