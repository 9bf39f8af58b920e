"""CPU seconds of the relaying process for each GiB it relays, beside nginx and mediaflow-proxy, in turn."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Final

from msgspec import Struct

from bench.download import download
from bench.figures import Figure, Target
from bench.peers import DEFAULT_BUFFERS, LARGE_BUFFERS, mediaflow, mediaflow_path, nginx_proxy
from bench.processes import Process
from bench.scale import GIB, Scale
from bench.site import Site, site
from bench.upstream import NAMES, SCHEMES, Scheme

OURS: Final = "sluice"
LIMIT: Final = "nginx"
STRICT_LIMIT: Final = "nginx, 256k buffers"
MEDIAFLOW: Final = "mediaflow-proxy"
TARGETS: Final[dict[Scheme, Target]] = {"http": Target("≤", 1.5), "https": Target("≤", 1.8)}


class Relay(Struct, frozen=True, kw_only=True):
    """One contestant."""

    name: str
    process: Process
    path: str


class Cost(Struct, frozen=True):
    """Of one download: CPU seconds per GiB, and GiB per second."""

    cpu: float
    speed: float


def measure(scale: Scale) -> list[Figure]:
    with site() as here:
        return [figure for scheme in SCHEMES for figure in _of(here, scheme, scale)]


def _of(here: Site, scheme: Scheme, scale: Scale) -> list[Figure]:
    costs: dict[str, list[Cost]] = defaultdict(list)
    with _relays(here, scheme, scale) as relays:
        for relay in relays:
            cost(relay, min(scale.body, GIB // 16))  # so that nothing is done for the first time
        for _ in range(scale.rounds):
            for relay in relays:
                costs[relay.name].append(cost(relay, scale.body))
    cpu = {name: median(one.cpu for one in of_one) for name, of_one in costs.items()}
    figures = []
    for name, of_one in costs.items():
        figures.append(Figure(name=f"{name}, {NAMES[scheme]}", value=cpu[name], unit="CPU-s/GiB"))
        figures.append(Figure(name="  its speed", value=median(one.speed for one in of_one), unit="GiB/s"))
    for limit in (LIMIT, STRICT_LIMIT):
        ratio = cpu[OURS] / cpu[limit]
        figures.append(Figure(name=f"{OURS} / {limit}, {NAMES[scheme]}", value=ratio, unit="x", target=TARGETS[scheme]))
    if scale.has_mediaflow:
        ratio = cpu[OURS] / cpu[MEDIAFLOW]
        figures.append(Figure(name=f"{OURS} / {MEDIAFLOW}, {NAMES[scheme]}", value=ratio, unit="x", target=Target("<", 1)))
    return figures


@contextmanager
def _relays(here: Site, scheme: Scheme, scale: Scale) -> Iterator[Sequence[Relay]]:
    size = scale.body
    url = here.upstream.url(scheme, size)
    (path,) = here.files(scheme, size)
    with ExitStack() as stack:
        default = stack.enter_context(nginx_proxy("default", here.upstream, scheme, buffers=DEFAULT_BUFFERS))
        large = stack.enter_context(nginx_proxy("large", here.upstream, scheme, buffers=LARGE_BUFFERS))
        relays = [
            Relay(name=LIMIT, process=default, path=f"/{size}"),
            Relay(name=STRICT_LIMIT, process=large, path=f"/{size}"),
            Relay(name=OURS, process=stack.enter_context(here.function()), path=path),
        ]
        if scale.has_mediaflow:
            peer = stack.enter_context(mediaflow(here.upstream))
            relays.append(Relay(name=MEDIAFLOW, process=peer, path=mediaflow_path(url)))
        yield relays


def cost(relay: Relay, size: int) -> Cost:
    """Of one download of so many bytes."""
    used = relay.process.cpu
    taken = download(relay.process.base + relay.path, size)
    return Cost((relay.process.cpu - used) / (size / GIB), size / GIB / taken.seconds)
