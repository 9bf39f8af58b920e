"""How much later a first byte comes through a stream function than directly, with everything warm: connections and source."""

import random
import ssl
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPSConnection
from statistics import median
from typing import Final

from bench.figures import Figure, Target
from bench.scale import MIB, Scale
from bench.site import site

SIZE: Final = 64 * MIB
LENGTH: Final = 64 * 1024
WARM_UP: Final = 5
TARGET: Final = Target("≤", 8)

Ask = Callable[[int], float]


def measure(scale: Scale) -> list[Figure]:
    with site() as here, here.function() as function:
        (path,) = here.files("https", SIZE)
        context = ssl.create_default_context(cafile=here.upstream.ca_file)
        upstream = HTTPSConnection("127.0.0.1", here.upstream.ports["https"], context=context, timeout=30)
        relay = HTTPConnection("127.0.0.1", function.port, timeout=30)
        straight, through = _side_by_side(asking(upstream, f"/{SIZE}"), asking(relay, path), scale.requests)
        upstream.close()
        relay.close()
    added = [longer - shorter for longer, shorter in zip(through, straight, strict=True)]
    return [
        Figure(name="directly, median", value=median(straight), unit="ms"),
        Figure(name="through sluice, median", value=median(through), unit="ms"),
        Figure(name="through sluice, 95 of 100 within", value=sorted(through)[len(through) * 95 // 100], unit="ms"),
        Figure(name="added, median", value=median(added), unit="ms", target=TARGET),
    ]


def _side_by_side(straight: Ask, through: Ask, requests: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each, asked in turn for the same offsets."""
    chance = random.Random(1)  # noqa: S311 - where in a file is no secret
    offsets = [chance.randrange(SIZE - LENGTH) for _ in range(WARM_UP + requests)]
    pairs = [(straight(offset), through(offset)) for offset in offsets][WARM_UP:]
    return [first for first, _ in pairs], [second for _, second in pairs]


def asking(connection: HTTPConnection, path: str) -> Ask:
    """Milliseconds from a request to the first byte of its body, on one connection for all of them."""

    def ask(offset: int) -> float:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Range": f"bytes={offset}-{offset + LENGTH - 1}"})
        answer = connection.getresponse()
        first = answer.read(1)
        seconds = time.perf_counter() - began
        assert answer.status == 206
        assert len(first + answer.read()) == LENGTH
        return seconds * 1000

    return ask
