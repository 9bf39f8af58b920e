"""1,000 people submit at once: different videos, then one video; beside a bare handler on the same machine in the same run."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tenacity import retry, stop_after_delay, wait_fixed

from bench.burst import Burst, burst, post
from tests.valkey import Valkey, free_port

PEOPLE = 1000
ROUNDS = 3


@contextmanager
def serving(module: str, redis_url: str) -> Iterator[int]:
    """A process that listens on a port of its own."""
    port = free_port()
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "RATE_LIMIT": "0",
        "SECRET_KEY": "b" * 32,
    }
    process = subprocess.Popen([sys.executable, "-m", module], env=environment, stdout=subprocess.DEVNULL)
    try:
        _answers(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


@retry(stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True)
def _answers(port: int) -> None:
    httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)


def submissions(media_ids: list[str]) -> list[bytes]:
    return [
        post("/v1/analyze", json.dumps({"url": f"https://www.youtube.com/watch?v={media_id}"}).encode()) for media_id in media_ids
    ]


def row(name: str, result: Burst) -> str:
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(result.statuses.items()))
    p50, p99 = (f"{result.percentile(share) * 1000:.0f}" for share in (0.5, 0.99))
    return (
        f"{name:<34} p50 {p50:>5} ms  p99 {p99:>5} ms  all {result.wall * 1000:5.0f} ms  {PEOPLE / result.wall:6.0f}/s  {statuses}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        try:
            with serving("functions.analyze", valkey.url) as analyze, serving("bench.bare", valkey.url) as bare:
                for number in range(ROUNDS):
                    distinct = [f"{number:03d}x{person:07d}" for person in range(PEOPLE)]
                    same = [f"{number:03d}xsame_vid"[:11]] * PEOPLE
                    print(row("bare handler, one round trip", asyncio.run(burst(bare, submissions(same)))))
                    print(row(f"submit, {PEOPLE} different videos", asyncio.run(burst(analyze, submissions(distinct)))))
                    print(row(f"submit, one video {PEOPLE} times", asyncio.run(burst(analyze, submissions(same)))))
        finally:
            valkey.stop()


if __name__ == "__main__":
    main()
