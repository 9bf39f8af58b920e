"""One download to nowhere, by curl."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

_ARGUMENTS: Final = ("curl", "-sS", "--fail", "--max-time", "600", "-o", os.devnull, "-w", "%{size_download} %{time_total}")


class Taken(Struct, frozen=True):
    """Bytes, and seconds from the connection to the last of them."""

    size: int
    seconds: float


class IncompleteError(Exception):
    """A relay that does not relay."""


def download(url: str, size: int, *options: str) -> Taken:
    """The first bytes of what is there; all of it has to come."""
    return downloads([url], size, *options)[0]


def downloads(urls: Iterable[str], size: int, *options: str) -> Sequence[Taken]:
    """Several at the same time, each by a process of its own."""
    ranged = ("-r", f"0-{size - 1}")
    running = [
        subprocess.Popen([*_ARGUMENTS, *ranged, *(options or ("--noproxy", "*")), url], stdout=subprocess.PIPE, text=True)
        for url in urls
    ]
    said = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise IncompleteError([process.returncode for process in running])
    taken = [Taken(int(bytes_), float(seconds)) for bytes_, seconds in (line.split() for line in said)]
    if any(one.size != size for one in taken):
        raise IncompleteError([one.size for one in taken])
    return taken
