"""``python -m functions.stream`` as a process: what it needs, what it writes, what it leaves behind."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.settings import Settings
from shared.store import Store
from tests.streaming import Analyst, settings_behind, until
from tests.valkey import free_port
from tests.youtube import HUGE, Fault, Status, YouTube

ROOT: Final = Path(__file__).parent.parent.parent
MIB: Final = 1 << 20
PATH: Final = f"/v1/stream/{HUGE}/137"
USER, PASSWORD = "somebody", "proxy-password"
SLACK: Final = 24
"""MiB that a process may grow by while it relays hundreds of them."""


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running(username=USER, password=PASSWORD) as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving
    running.clear()


@pytest.fixture
async def known(youtube: YouTube, store: Store, redis_url: str) -> Settings:
    """The video has been analysed."""
    settings = settings_behind(youtube, redis_url=redis_url)
    await Analyst(store, youtube, settings).analyze(HUGE)
    return settings


class Process:
    """The function, and what the system says of it."""

    def __init__(self, settings: Settings, log: Path, **environment: str) -> None:
        self.log = log
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
                [sys.executable, "-m", "functions.stream"],
                cwd=log.parent,
                env=known | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    async def ready(self) -> None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True
        ):
            with attempt:
                async with httpx.AsyncClient(trust_env=False) as http:
                    assert (await http.get(f"{self.base}/readyz")).status_code == 200

    def end(self, how: signal.Signals) -> int:
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

    def _figure(self, name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024


Start = Callable[..., Any]


@pytest.fixture
def start(known: Settings, tmp_path: Path) -> Start:
    """Makes a process that ends with its block."""
    count = iter(range(100))

    @asynccontextmanager
    async def start(**environment: str) -> AsyncIterator[Process]:
        process = Process(known, tmp_path / f"stream-{next(count)}.log", **environment)
        try:
            await process.ready()
            yield process
        finally:
            process.end(signal.SIGTERM)

    return start


async def take(process: Process, size: int, *, rate: int | None = None) -> None:
    """A download to nowhere, by curl."""
    limit = [] if rate is None else ["--limit-rate", str(rate)]
    arguments = ["curl", "-sS", "--fail", "--noproxy", "*", "-r", f"0-{size - 1}", *limit, "-o", os.devnull, process.base + PATH]
    assert await (await asyncio.create_subprocess_exec(*arguments)).wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_memory_does_not_depend_on_the_size_nor_on_the_speed_of_the_client(start: Start) -> None:
    async with start() as process:
        await take(process, 16 * MIB)
        before = process.memory
        await take(process, 256 * MIB)
        await take(process, 128 * MIB, rate=48 * MIB)
        assert process.peak - before < SLACK


async def test_nothing_secret_is_written(start: Start, youtube: YouTube) -> None:
    async with start() as process, httpx.AsyncClient(base_url=process.base, trust_env=False) as http:
        youtube.fault(Fault("media", Status(503), times=2))
        assert (await http.get(PATH, headers={"Range": "bytes=0-999"})).status_code == 206
        youtube.require_credentials(USER, "another password")
        youtube.stop_listening()
        youtube.start_listening()
        refused = await http.get(PATH, headers={"Range": "bytes=5-9"})
        assert refused.json()["code"] == "proxy_auth_failed"
        assert process.end(signal.SIGTERM) == 0
    written = process.log.read_text()
    events = [json.loads(line) for line in written.splitlines()]
    failed = [event for event in events if event["event"] == "piece failed"]
    assert [event["reason"] for event in failed] == ["unavailable", "unavailable", "proxy_auth_failed"]
    assert [event["status"] for event in events if event["event"] == "request" and event["route"] != "/readyz"] == [206, 502]
    for secret in ("googlevideo", "videoplayback", "sig=", PASSWORD, "198.51.100.7"):
        assert secret not in written
        assert secret not in refused.text


async def test_a_process_that_is_killed_frees_its_slots(start: Start, redis_url: str) -> None:
    one = {"MAX_CONCURRENT_DOWNLOADS": "1"}
    async with start(**one) as first, start(**one) as second, AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
        answer = await stack.enter_async_context(http.stream("GET", first.base + PATH))
        assert answer.status_code == 200
        other = f"{second.base}/v1/stream/{HUGE}/401"
        assert (await http.get(other)).json()["code"] == "too_many_downloads"
        first.end(signal.SIGKILL)
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.aread()
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            # As if the seconds that a lease lasts had passed.
            (download,) = await redis.zrange("leases:downloads", 0, -1)
            await redis.zadd("leases:downloads", {str(download): 1})
        assert (await http.get(other, headers={"Range": "bytes=0-9"})).status_code == 206


def stay(client: socket.socket, *, seconds: float) -> None:
    """Take whatever comes, for so long."""
    end = time.monotonic() + seconds
    while (rest := end - time.monotonic()) > 0:
        client.settimeout(rest)
        with suppress(TimeoutError):
            client.recv(65_536)


async def test_clients_that_leave_at_any_moment_leave_nothing(start: Start, youtube: YouTube, redis_url: str) -> None:
    """Each is gone before it knows what it will get, while it waits, or while it reads."""
    chance = random.Random(7)
    async with start() as process, Redis.from_url(redis_url) as redis:
        await take(process, MIB)
        parts = urlsplit(process.base)
        for _ in range(30):
            client = socket.create_connection((parts.hostname, parts.port))
            client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: sluice\r\n\r\n".encode())
            stay(client, seconds=chance.random() * 0.05)
            if chance.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            client.close()
            await until(lambda: all(request.ended for request in youtube.requests.media), within=1)
            async for attempt in AsyncRetrying(stop=stop_after_delay(1), wait=wait_fixed(0.01), reraise=True):
                with attempt:
                    assert await redis.keys("leases:*") == []
    for line in process.log.read_text().splitlines():
        assert json.loads(line)["level"] in {"debug", "info"}, line
