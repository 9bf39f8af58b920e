"""What figures depend on besides the code: the machine and the programs, without a name or a path."""

import os
import platform
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from bench.peers import MEDIAFLOW_PYTHON
from bench.processes import PATH


class Machine(Struct, frozen=True, kw_only=True):
    """As it was when the measurement began."""

    date: str
    processors: int
    processor: str
    memory_gib: int
    kernel: str
    python: str
    openssl: str
    nginx: str
    curl: str
    mediaflow_proxy: str | None
    load: float  # processes that wanted to run, of the last minute: others at work make figures worse


def machine() -> Machine:
    """This one."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processors=len(os.sched_getaffinity(0)),
        processor=_processor(),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        kernel=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
        openssl=ssl.OPENSSL_VERSION,
        nginx=_first_line("nginx", "-v").rpartition("/")[2],
        curl=_first_line("curl", "--version").split()[1],
        mediaflow_proxy=_mediaflow(),
        load=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _mediaflow() -> str | None:
    if not MEDIAFLOW_PYTHON.exists():
        return None
    return _first_line(str(MEDIAFLOW_PYTHON), "-c", "from importlib.metadata import version; print(version('mediaflow-proxy'))")


def _first_line(*command: str) -> str:
    said = subprocess.run(command, env={"PATH": PATH}, capture_output=True, text=True, check=True)
    return (said.stdout or said.stderr).splitlines()[0]
