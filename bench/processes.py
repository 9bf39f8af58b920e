"""Processes that serve a measurement: each on a loopback port and in a process group of its own, and ended whatever happens."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from bench.usage import group_cpu, peak_resident, resident
from tests.valkey import free_port

ROOT: Final = Path(__file__).parent.parent
PATH: Final = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"


DESCRIPTORS: Final = 8192


class Process(Struct, frozen=True, kw_only=True):
    """One that listens."""

    pid: int
    port: int

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu(self) -> float:
        """CPU seconds so far, of all its processes and threads."""
        return group_cpu(self.pid)

    @property
    def resident(self) -> int:
        """Bytes in memory now."""
        return resident(self.pid)

    @property
    def peak_resident(self) -> int:
        """The most bytes that ever were."""
        return peak_resident(self.pid)


def allow_descriptors() -> None:
    """Hundreds of clients take two each in a process, which inherits what is allowed here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def listening(command: Sequence[str], *, port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[Process]:
    """A program, from when it accepts connections.

    :param folder: where it runs, so that no .env of the checkout's is read
    :param environment: all that it knows besides PATH; nothing of this machine's counts
    """
    process = subprocess.Popen(
        command, cwd=folder, env={"PATH": PATH, **environment}, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _accepts(process, port)
        yield Process(pid=process.pid, port=port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def worker(redis_url: str, *, folder: Path, **settings: str) -> Iterator[int]:
    """The worker, which listens to nobody; its process id."""
    environment = {"PATH": PATH, "HOME": str(folder), "PYTHONPATH": str(ROOT), "REDIS_URL": redis_url, "SECRET_KEY": "b" * 32}
    command = [sys.executable, "-m", "functions.analyze.worker"]
    process = subprocess.Popen(command, cwd=folder, env={**environment, **settings}, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def serving(module: str, redis_url: str, *, folder: Path, **settings: str) -> Iterator[Process]:
    """One of our modules."""
    port = free_port()
    environment = {
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "RATE_LIMIT": "0",
        "SECRET_KEY": "b" * 32,
        **settings,
    }
    with listening([sys.executable, "-m", module], port=port, folder=folder, environment=environment) as process:
        yield process


@retry(retry=retry_if_exception_type(ConnectionError), stop=stop_after_delay(30), wait=wait_fixed(0.05), reraise=True)
def _accepts(process: subprocess.Popen[bytes], port: int) -> None:
    if process.poll() is not None:
        raise RuntimeError(f"it ended with {process.returncode}")
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
