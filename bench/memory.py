"""Whether memory follows the size of what is relayed: a fresh process for each, a fast client, TLS."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Final

from msgspec import Struct

from bench.download import download
from bench.figures import Figure, Target
from bench.scale import GIB, MIB, Scale
from bench.site import Site, site

EVERY: Final = 0.02
"""Seconds between two looks."""

WARM_UP: Final = 16 * MIB
TARGET: Final = Target("≤", 8)


class Resident(Struct, frozen=True):
    """MiB."""

    median: float
    peak: float


def measure(scale: Scale) -> list[Figure]:
    with site() as here:
        short, long = _resident(here, scale.body), _resident(here, scale.long_body)
    return [
        *_figures(scale.body, short),
        *_figures(scale.long_body, long),
        Figure(name="difference of the medians", value=abs(long.median - short.median), unit="MiB", target=TARGET),
        Figure(name="difference of the peaks", value=abs(long.peak - short.peak), unit="MiB", target=TARGET),
    ]


def _figures(size: int, resident: Resident) -> list[Figure]:
    return [
        Figure(name=f"in memory during {size / GIB:g} GiB, median", value=resident.median, unit="MiB"),
        Figure(name=f"in memory during {size / GIB:g} GiB, peak", value=resident.peak, unit="MiB"),
    ]


def _resident(here: Site, size: int) -> Resident:
    (path,) = here.files("https", size)
    with here.function() as function, ThreadPoolExecutor(1) as pool:
        download(function.base + path, min(size, WARM_UP))
        under_way = pool.submit(download, function.base + path, size)
        seen = []
        while not under_way.done():
            seen.append(function.resident / MIB)
            time.sleep(EVERY)
        under_way.result()
        return Resident(median(seen), function.peak_resident / MIB)
