"""``python -m functions.stream`` as a process, and what the system says of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.settings import Settings
from tests.valkey import free_port

ROOT: Final = Path(__file__).parent.parent


class Process:
    """One of them; it leaves by a proxy, and writes its log to a file.

    :param prefix: a command that ends by running what follows it
    """

    def __init__(self, settings: Settings, log: Path, *, prefix: Sequence[str] = (), **environment: str) -> None:
        self.log = log
        self._store_port = urlsplit(settings.redis_url).port
        self.base = f"http://127.0.0.1:{free_port()}"
        known = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PORT": str(urlsplit(self.base).port),
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key,
            "GLOBAL_PROXY": settings.global_proxy or "",
            "SSL_CERT_FILE": str(settings.ssl_cert_file),
            "LOG_LEVEL": "debug",
        }
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "functions.stream"],
                cwd=log.parent,
                env=known | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    async def ready(self) -> None:
        """Returns once it answers."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True
        ):
            with attempt:
                async with httpx.AsyncClient(trust_env=False) as http:
                    assert (await http.get(f"{self.base}/readyz")).status_code == 200

    def end(self, how: signal.Signals) -> int:
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=20)

    @property
    def memory(self) -> float:
        """MiB that are resident."""
        return self._figure("VmRSS")

    @property
    def peak(self) -> float:
        """MiB that ever were."""
        return self._figure("VmHWM")

    @property
    def descriptors(self) -> list[str]:
        """What it has open, but for connections to the store, of which its client keeps as many as were ever needed."""
        opened = []
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                opened.append(str(entry.readlink()))
        return sorted(set(opened) - self._to_the_store())

    def _to_the_store(self) -> set[str]:
        """As ``/proc`` names sockets; of its table, the third column is the other end and the tenth the socket (proc(5))."""
        lines = Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]
        columns = [line.split() for line in lines]
        return {f"socket:[{row[9]}]" for row in columns if int(row[2].partition(":")[2], 16) == self._store_port}

    def _figure(self, name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024
