"""``python -m functions.stream`` as a process: what it needs, what it writes, what it leaves behind."""

import asyncio
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from redis.asyncio import Redis
from tenacity import AsyncRetrying, stop_after_delay, wait_fixed

from shared.settings import Settings
from shared.store import Store
from shared.upstream.wire.pool import KEPT_FOR
from tests.stream_process import Process
from tests.streaming import Analyst, settings_behind, until
from tests.youtube import HUGE, LARGE, Effect, Fault, Request, Slow, Stall, Status, YouTube

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
    analyst = Analyst(store, youtube, settings)
    for video_id in (HUGE, LARGE):
        await analyst.analyze(video_id)
    return settings


Start = Callable[..., Any]


@pytest.fixture
def start(known: Settings, tmp_path: Path) -> Start:
    """Makes a process that ends with its block."""
    count = iter(range(100))

    @asynccontextmanager
    async def start(*, prefix: Sequence[str] = (), **environment: str) -> AsyncIterator[Process]:
        process = Process(known, tmp_path / f"stream-{next(count)}.log", prefix=prefix, **environment)
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


LEAVERS: Final = 500
AT_ONCE: Final = 24
MOMENTS: Final[Mapping[str, Effect]] = {
    "137": Slow(4_000_000),  # in the middle of several connections
    "315": Status(503),  # while it is tried again
    "401": Stall(100_000),  # while YouTube is silent
    "140": Status(403),  # while a fresh URL is waited for, that nobody finds
}


async def leave(process: Process, chance: random.Random) -> int:
    """Ask, take whatever comes for a while or nothing, and be gone; how much came."""
    loop, taken = asyncio.get_running_loop(), 0
    parts = urlsplit(process.base)
    path = f"/v1/stream/{HUGE}/{chance.choice(sorted(MOMENTS))}"
    is_reset, takes = chance.random() < 0.5, chance.random() < 0.8
    end = loop.time() + chance.choice((0.0, 0.05, 0.5, 2.5)) * chance.random()
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, (parts.hostname, parts.port))
        first = chance.randrange(1 << 30)
        await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: sluice\r\nRange: bytes={first}-\r\n\r\n".encode())
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                while takes and (chunk := await loop.sock_recv(client, 65_536)):
                    taken += len(chunk)
                await asyncio.Event().wait()
        if is_reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    return taken


def read_ahead(requests: Sequence[Request]) -> int:
    """How many pieces were asked for well before the one in front of them had come."""
    before = {request.range[1] + 1: request for request in requests if request.range and request.range[1]}
    follow = ((request, before.get(request.range[0])) for request in requests if request.range)
    return sum(first is not None and first.ended is not None and second.started < first.ended - 0.05 for second, first in follow)


async def gauges(process: Process) -> dict[str, float]:
    """What is under way, the question itself left out."""
    async with httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"{process.base}/metrics")).text.splitlines()
    names = ("sluice_stream_connections", "sluice_stream_buffer_bytes", "sluice_http_requests_in_flight")
    values = {name: float(line.rpartition(" ")[2]) for line in lines for name in names if line.startswith(f"{name} ")}
    return values | {"sluice_http_requests_in_flight": values["sluice_http_requests_in_flight"] - 1}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_clients_that_leave_at_any_moment_leave_nothing(start: Start, youtube: YouTube, redis_url: str) -> None:
    """Each is gone before it knows what it will get, while it waits, or while it reads."""
    chance = random.Random(7)
    async with start(MAX_CONCURRENT_DOWNLOADS="100") as process, Redis.from_url(redis_url) as redis:
        await take(process, MIB)
        before = len(process.descriptors)
        for format_id, effect in MOMENTS.items():
            youtube.fault(Fault("media", effect, itag=int(format_id)))
        taken: list[int] = []

        async def some(count: int) -> None:
            taken.extend([await leave(process, chance) for _ in range(count)])

        sizes = [LEAVERS // AT_ONCE + (number < LEAVERS % AT_ONCE) for number in range(AT_ONCE)]
        await asyncio.gather(*(some(size) for size in sizes))
        await until(lambda: all(request.ended for request in youtube.requests.media), within=1)
        async for attempt in AsyncRetrying(stop=stop_after_delay(1), wait=wait_fixed(0.01), reraise=True):
            with attempt:
                assert await redis.keys("leases:*") == []
                assert set((await gauges(process)).values()) == {0}
        assert len(taken) == LEAVERS
        assert sum(size > 2 * MIB for size in taken) > LEAVERS // 50
        assert read_ahead(youtube.requests.media) > LEAVERS // 25
        # Those to YouTube are kept for the next request, but not for long.
        await until(lambda: len(process.descriptors) <= before, within=KEPT_FOR + 5)
    for line in process.log.read_text().splitlines():
        assert json.loads(line)["level"] in {"debug", "info"}, line


READ_ONLY: Final = """
set -eu
mount --make-rprivate /
while read -r _ target kind _; do
    case "$kind" in proc | sysfs | cgroup* | devpts | mqueue) ;; *) mount -o remount,ro,bind "$target" ;; esac
done < /proc/self/mounts
for folder in / /tmp /var/tmp /dev/shm "$PWD" "$HOME"; do
    if touch "$folder/written" 2> /dev/null; then exit 99; fi
done
exec "$@"
"""
"""Of every file system there is, in a mount namespace of one's own."""


def may_unshare() -> bool:
    """Whether this system lets us; in CI it has to."""
    found = shutil.which("unshare")
    is_possible = found is not None and subprocess.run([found, "-m", "true"], capture_output=True, check=False).returncode == 0
    return is_possible or os.environ.get("CI") == "true"


@pytest.mark.skipif(not may_unshare(), reason="needs a mount namespace")
async def test_it_needs_no_disk(start: Start, youtube: YouTube, tmp_path: Path) -> None:
    """A file as a download manager takes it, in many ranges at once, by a process that cannot write anywhere."""
    file, ranges = youtube.media(LARGE, "137"), 12
    step = -(-file.size // ranges)
    async with (
        start(prefix=("unshare", "-m", "sh", "-c", READ_ONLY, "sh"), HOME=str(tmp_path)) as process,
        httpx.AsyncClient(base_url=process.base, trust_env=False, timeout=60) as http,
    ):
        path = f"/v1/stream/{LARGE}/137"
        headers = [{"Range": f"bytes={at}-{min(at + step, file.size) - 1}"} for at in range(0, file.size, step)]
        parts = await asyncio.gather(*(http.get(path, headers=asked) for asked in headers))
        assert {part.status_code for part in parts} == {206}
        assert hashlib.sha256(b"".join(part.content for part in parts)).hexdigest() == file.sha256()
        assert hashlib.sha256((await http.get(path)).content).hexdigest() == file.sha256()
        files = [name for name in process.descriptors if name.startswith("/") and not name.startswith("/dev/")]
        assert files == [str(process.log)]
        assert (await http.get(f"/v1/stream/{LARGE}/thumbnail")).status_code == 200
        assert process.end(signal.SIGTERM) == 0
