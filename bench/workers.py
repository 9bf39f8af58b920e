"""What a second process of the function adds: the same four downloads by one, then spread over two."""

import time
from contextlib import ExitStack
from typing import Final

from msgspec import Struct

from bench.download import downloads
from bench.figures import Figure
from bench.scale import GIB, Scale
from bench.site import Site, site

CLIENTS: Final = 4
WORKERS: Final = (1, 2)


class Throughput(Struct, frozen=True):
    """GiB per second of all downloads together, and CPU seconds per GiB of all workers."""

    speed: float
    cpu: float


def measure(scale: Scale) -> list[Figure]:
    with site() as here:
        found = {workers: max((_throughput(here, workers, scale.body) for _ in range(2)), key=_speed) for workers in WORKERS}
    figures = []
    for workers, throughput in found.items():
        figures.append(Figure(name=f"{CLIENTS} downloads by {workers}", value=throughput.speed, unit="GiB/s"))
        figures.append(Figure(name="  its CPU time", value=throughput.cpu, unit="CPU-s/GiB"))
    return [*figures, Figure(name="2 workers / 1", value=found[2].speed / found[1].speed, unit="x")]


def _speed(throughput: Throughput) -> float:
    return throughput.speed


def _throughput(here: Site, workers: int, size: int) -> Throughput:
    paths = here.files("https", size, count=CLIENTS)
    with ExitStack() as stack:
        functions = [stack.enter_context(here.function()) for _ in range(workers)]
        urls = [functions[number % workers].base + path for number, path in enumerate(paths)]
        used, began = sum(function.cpu for function in functions), time.monotonic()
        downloads(urls, size)
        seconds = time.monotonic() - began
        used = sum(function.cpu for function in functions) - used
    return Throughput(CLIENTS * size / GIB / seconds, used / (CLIENTS * size / GIB))
