"""A merged download beside a single one and beside ffmpeg, through the same proxy, from the same stand-in, in the same run.

What counts is CPU time of the relaying process per GiB; the stand-in has a process of its own. Then the time to the first byte, and
what the reader of a layout adds by itself, for files of usual bitrates.
"""

import asyncio
import multiprocessing
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import httpx
import imageio_ffmpeg

from bench.submit import _answers
from bench.usage import group_cpu
from functions.stream.merge import ebml
from functions.stream.merge.layout import AUDIO, BLOCKS, CLUSTER, VIDEO, Layout, Origin, Span
from functions.stream.merge.reader import read
from shared.settings import Settings
from shared.sources import ByteRange
from shared.store import open_store
from tests.streaming import Analyst
from tests.valkey import Valkey, free_port
from tests.youtube import HUGE, LARGE, ORDINARY, YouTube

GIB = 1 << 30
ROUNDS = 3
SPEEDS = {"1080p, 4 Mb/s": 500_000, "2160p, 20 Mb/s": 2_500_000}
"""Bytes per second of video; the sound has 16,000."""

TARGET = 1.3


class StandIn(NamedTuple):
    proxy: str
    ca_file: Path
    urls: dict[str, str]


def _stand_in(address: Connection, redis_url: str) -> None:
    with YouTube.running() as youtube:
        settings = Settings(
            redis_url=redis_url, secret_key="b" * 32, global_proxy=youtube.http_proxy, ssl_cert_file=youtube.ca_file
        )

        async def analyze() -> None:
            async with open_store(settings) as store:
                for video_id in (HUGE, LARGE, ORDINARY):
                    await Analyst(store, youtube, settings).analyze(video_id)

        asyncio.run(analyze())
        urls = {itag: youtube.url(LARGE, itag) for itag in ("137", "140")}
        address.send(StandIn(youtube.http_proxy, youtube.ca_file, urls))
        address.recv()


@contextmanager
def stand_in(redis_url: str) -> Iterator[StandIn]:
    """In a process of its own, with its videos analysed."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_stand_in, args=(theirs, redis_url))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(20)


@contextmanager
def gateway(redis_url: str, youtube: StandIn) -> Iterator[tuple[str, int]]:
    """The stream function: its address and its process group."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "SECRET_KEY": "b" * 32,
        "GLOBAL_PROXY": youtube.proxy,
        "SSL_CERT_FILE": str(youtube.ca_file),
        "LOG_LEVEL": "error",
    }
    command = [str(Path(".venv/bin/python").absolute()), "-m", "functions.stream"]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        _answers(port)
        yield f"http://127.0.0.1:{port}/v1/stream", process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def curl(url: str, *more: str) -> tuple[float, float]:
    """Seconds until the first byte, and in all."""
    said = subprocess.run(
        ["curl", "-sS", "--fail", "--noproxy", "*", "-o", os.devnull, "-w", "%{time_starttransfer} %{time_total}", *more, url],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    first, total = map(float, said.split())
    return first, total


def relays(base: str, group: int) -> None:
    costs: dict[str, float] = {}
    for number in range(ROUNDS):
        for name, path in (("single 401", f"{HUGE}/401"), ("merged 401+140", f"{HUGE}/401+140")):
            before = group_cpu(group)
            _, seconds = curl(f"{base}/{path}", "-r", f"0-{GIB - 1}")
            used = group_cpu(group) - before
            costs[name] = min(used, costs.get(name, used))
            print(f"{number + 1}. {name:<16} {used:5.2f} CPU-s/GiB  {GIB / seconds / 1e6:5.0f} MB/s")
    ratio = costs["merged 401+140"] / costs["single 401"]
    print(f"best of {ROUNDS}: merged takes {ratio:.2f} times as much as single (target {TARGET})")


def first_bytes(base: str) -> None:
    for name, path in (
        ("single", f"{ORDINARY}/137"),
        ("merged, ten fragments read before", f"{ORDINARY}/137+140"),
        ("merged, the same again", f"{ORDINARY}/137+140"),
        ("merged WebM", f"{ORDINARY}/248+251"),
    ):
        first, _ = curl(f"{base}/{path}")
        print(f"{name:<36} first byte after {first * 1000:4.0f} ms")


def beside_ffmpeg(base: str, group: int, youtube: StandIn) -> None:
    """The same two files of 64 and 8 MiB, most of which is filling that ffmpeg leaves out."""
    before = group_cpu(group)
    first, seconds = curl(f"{base}/{LARGE}/137+140")
    length = httpx.head(f"{base}/{LARGE}/137+140", trust_env=False).headers["content-length"]
    used = group_cpu(group) - before
    print(f"merged  first byte {first * 1000:4.0f} ms, all {seconds:.2f} s, {used:.2f} CPU-s; length {length}, ranges, ETag")
    inputs = [part for url in youtube.urls.values() for part in ("-ca_file", str(youtube.ca_file), "-i", url)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *inputs]
    command += ["-c", "copy", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "pipe:1"]
    spent, began = _children(), time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "http_proxy": youtube.proxy}) as process:
        assert process.stdout
        process.stdout.read(1)
        first = time.monotonic() - began
        size = 1
        while chunk := process.stdout.read(1 << 20):
            size += len(chunk)
    seconds = time.monotonic() - began
    used = _children() - spent
    told = f"first byte {first * 1000:4.0f} ms, all {seconds:.2f} s, {used:.2f} CPU-s"
    print(f"ffmpeg  {told}; {size} bytes, which it did not know before; no ranges")


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cluster(size: int) -> bytes:
    """Ten seconds of sound: five hundred blocks."""
    blocks = (ebml.make(ebml.SIMPLE_BLOCK, b"\x81\0\0\x80" + bytes(size // 500 - 7)) for _ in range(500))
    return ebml.make(ebml.CLUSTER, ebml.make_number(ebml.TIMESTAMP, 0, 4) + b"".join(blocks))


def readers() -> None:
    """Nothing but the reader: what comes from the sources is in memory, in pieces of 256 KiB."""
    sound = cluster(160_000)
    picture = ebml.head(ebml.CLUSTER, 0, size_length=8)
    for name, speed in SPEEDS.items():
        progressive = [Span(track, 0, size) for track, size in ((VIDEO, speed), (AUDIO, 16_000))] * 10  # type: ignore[arg-type]
        webm = [Span(VIDEO, 0, 5 * speed, CLUSTER)] * 2 + [Span(AUDIO, 0, len(sound), BLOCKS, 1 << 8 | 2)]
        for form, spans in (("progressive", progressive), ("webm", webm)):
            spent = time.process_time()
            total = asyncio.run(_drained(form, spans, {VIDEO: picture, AUDIO: sound if form == "webm" else b""}))
            print(f"{form:<12} {name:<16} {(time.process_time() - spent) * GIB / total:.3f} CPU-s/GiB")


async def _drained(form: str, spans: list[Span], beginnings: dict[int, bytes]) -> int:
    """Ten minutes of it, span after span."""
    piece = bytes(1 << 18)
    total = 0

    async def open_source(_origin: Origin, part: ByteRange) -> AsyncGenerator[bytes, None]:
        rest = part.length
        while rest > 0:
            yield piece[:rest]
            rest -= len(piece)

    async def clusters(origin: Origin, part: ByteRange) -> AsyncGenerator[bytes, None]:
        yield beginnings[origin]
        async for chunk in open_source(origin, ByteRange(part.start + len(beginnings[origin]), part.end)):
            yield chunk

    for _ in range(60):
        if form == "progressive":
            layout = Layout(form="progressive", own=b"", spans=tuple(_in_a_row(spans)))
            async for chunk in read(layout, ByteRange(0, layout.size), open_source):
                total += len(chunk)
            continue
        for span in spans:
            layout = Layout(form="webm", own=b"", spans=(span,))
            async for chunk in read(layout, ByteRange(0, layout.size), clusters):
                total += len(chunk)
    return total


def _in_a_row(spans: list[Span]) -> Iterator[Span]:
    at = {VIDEO: 0, AUDIO: 0}
    for span in spans:
        yield Span(span.origin, at[span.origin], span.size)
        at[span.origin] += span.size


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        try:
            with stand_in(valkey.url) as youtube, gateway(valkey.url, youtube) as (base, group):
                first_bytes(base)
                relays(base, group)
                beside_ffmpeg(base, group, youtube)
        finally:
            valkey.stop()
    readers()


if __name__ == "__main__":
    main()
