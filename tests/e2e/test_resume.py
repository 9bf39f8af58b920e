"""A download interrupted anywhere resumes to the identical file, or to a clear refusal; never to a mixture."""

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from shared.schemas import Media
from shared.tags import tags_of
from tests.merging import whole
from tests.stack import Stack
from tests.youtube import YouTube, catalogue

FORMAT: Final = "137"
CUT_AFTER: Final = 3_000_000
ARIA2: Final = (
    *("--no-conf", "-c", "-x8", "-s8", "-k1M", "--file-allocation=none", "--max-tries=1", "--all-proxy="),
    *("--show-console-readout=false", "--summary-interval=0", "--console-log-level=error", "--download-result=hide"),
)
BLOCK: Final = 4096
REFUSED: Final = {"curl": (22, b"412"), "wget": (8, b"ERROR 412"), "aria2c": (22, b"status=412")}
"""How each client ends that is told 412, and what it says of it."""

CLIENTS: Final = ("curl", "wget", "aria2c")


def command(client: str, url: str, path: Path, *, is_slow: bool = False) -> list[str]:
    """How each client downloads so that it can go on later."""
    rate = "8M" if is_slow else "0"
    return {
        "curl": ["curl", "-sS", "--fail", "--noproxy", "*", "-C", "-", "--limit-rate", rate, "-o", str(path), url],
        "wget": ["wget", "-nv", "--no-proxy", "-c", "--tries=1", "--limit-rate", rate, "-O", str(path), url],
        "aria2c": ["aria2c", *ARIA2, "--max-overall-download-limit", rate, "-d", str(path.parent), "-o", path.name, url],
    }[client]


def run(arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.run(arguments, env=environment, capture_output=True, timeout=120, check=False)


def interrupted(stack: Stack, client: str, url: str, path: Path) -> None:
    """A download that is killed once it has a few MB."""
    process = subprocess.Popen(command(client, url, path, is_slow=True), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.until(lambda: path.stat().st_blocks * 512 if path.exists() else 0, lambda size: size > CUT_AFTER)
    # aria2c writes down what it has when it is asked to end.
    process.terminate() if client == "aria2c" else process.kill()
    process.wait(timeout=20)


def link(task: dict[str, Any], format_id: str = FORMAT) -> str:
    groups = task["result"]["formats"]
    url: str = next(item["stream_url"] for group in groups.values() for item in group if item["format_id"] == format_id)
    return url


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture
def url(stack: Stack) -> str:
    return stack.stream_url(link(stack.analyzed(catalogue.LARGE)))


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_resumes_to_the_identical_file(stack: Stack, youtube: YouTube, url: str, tmp_path: Path, client: str) -> None:
    path = tmp_path / "video.mp4"
    interrupted(stack, client, url, path)
    done = run(command(client, url, path))
    assert done.returncode == 0, done.stderr
    assert file_hash(path) == youtube.media(catalogue.LARGE, FORMAT).sha256()


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_resumes_a_merged_file(stack: Stack, youtube: YouTube, tmp_path: Path, client: str) -> None:
    result = stack.analyzed(catalogue.LARGE)["result"]
    url = stack.stream_url(next(merge["stream_url"] for merge in result["merges"] if merge["format_id"] == "137+140"))
    path = tmp_path / "merged.mp4"
    interrupted(stack, client, url, path)
    done = run(command(client, url, path))
    assert done.returncode == 0, done.stderr
    video, audio = (youtube.media(catalogue.LARGE, itag) for itag in (137, 140))
    expected = asyncio.run(
        whole(video.read(0, video.size), audio.read(0, audio.size), "mp4", tags_of(msgspec.convert(result, Media)))
    )
    assert file_hash(path) == hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_source_that_changed_in_between_is_412_and_never_mixed(
    stack: Stack, youtube: YouTube, url: str, tmp_path: Path, client: str
) -> None:
    path = tmp_path / "video.mp4"
    original = youtube.media(catalogue.LARGE, FORMAT)
    interrupted(stack, client, url, path)
    before = path.read_bytes()
    assert len(before) > CUT_AFTER
    youtube.edit(catalogue.LARGE, revision=1)
    stack.store.flush()
    done = run(command(client, url, path))
    code, said = REFUSED[client]
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), (done.stdout, done.stderr)
    assert path.read_bytes() == before
    assert_only_of(original.read(0, original.size), before)
    assert youtube.media(catalogue.LARGE, FORMAT).sha256() != original.sha256()


def assert_only_of(original: bytes, found: bytes) -> None:
    """Every byte is the original's, or part of a hole that a client with several connections has left."""
    for start in range(0, len(found), BLOCK):
        block = found[start : start + BLOCK]
        wanted = original[start : start + len(block)]
        is_whole = block in (wanted, bytes(len(block)))
        assert is_whole or all(byte in (0, right) for byte, right in zip(block, wanted, strict=True)), start


def test_after_the_media_url_expired(stack: Stack, youtube: YouTube, tmp_path: Path) -> None:
    youtube.edit(catalogue.LARGE, expires_in=8)
    url = stack.stream_url(link(stack.analyzed(catalogue.LARGE)))
    path = tmp_path / "video.mp4"
    interrupted(stack, "curl", url, path)
    youtube.edit(catalogue.LARGE, expires_in=3600)
    first_url = youtube.requests.media[-1].query["expire"]
    stack.until(time.time, lambda now: now > int(first_url))
    done = run(command("curl", url, path))
    assert done.returncode == 0, done.stderr
    assert file_hash(path) == youtube.media(catalogue.LARGE, FORMAT).sha256()
    assert youtube.requests.media[-1].query["expire"] > first_url


def test_after_the_cache_was_emptied(stack: Stack, youtube: YouTube, url: str, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    interrupted(stack, "wget", url, path)
    stack.store.flush()
    done = run(command("wget", url, path))
    assert done.returncode == 0, done.stderr
    assert file_hash(path) == youtube.media(catalogue.LARGE, FORMAT).sha256()


def test_after_the_stream_function_was_restarted(new_stack: Callable[..., Stack], youtube: YouTube, tmp_path: Path) -> None:
    stack = new_stack()
    stack.start("worker", "analyze", "status", "stream")
    url = stack.stream_url(link(stack.analyzed(catalogue.LARGE)))
    path = tmp_path / "video.mp4"
    interrupted(stack, "curl", url, path)
    stack.part("stream").restart()
    done = run(command("curl", url, path))
    assert done.returncode == 0, done.stderr
    assert file_hash(path) == youtube.media(catalogue.LARGE, FORMAT).sha256()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_function_killed_in_mid_download_leaves_a_file_that_resumes(
    new_stack: Callable[..., Stack], youtube: YouTube, tmp_path: Path, client: str
) -> None:
    stack = new_stack()
    stack.start("worker", "analyze", "status", "stream")
    url = stack.stream_url(link(stack.analyzed(catalogue.LARGE)))
    path = tmp_path / "video.mp4"
    process = subprocess.Popen(command(client, url, path, is_slow=True), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.until(lambda: path.stat().st_blocks * 512 if path.exists() else 0, lambda size: size > CUT_AFTER)
    stack.part("stream").kill()
    assert process.wait(timeout=30) != 0, "a cut download must not look complete"
    stack.part("stream").start()
    done = run(command(client, url, path))
    assert done.returncode == 0, done.stderr
    assert file_hash(path) == youtube.media(catalogue.LARGE, FORMAT).sha256()


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_a_store_that_goes_away_in_mid_download_does_not_end_it(
    new_stack: Callable[..., Stack], youtube: YouTube, tmp_path: Path, end: str
) -> None:
    stack = new_stack()
    stack.start("worker", "analyze", "status", "stream")
    url = stack.stream_url(link(stack.analyzed(catalogue.LARGE)))
    path = tmp_path / "video.mp4"
    process = subprocess.Popen(command("curl", url, path, is_slow=True))
    stack.until(lambda: path.stat().st_size if path.exists() else 0, lambda size: size > CUT_AFTER)
    stack.store.stop() if end == "restart" else stack.store.kill()
    stack.until(lambda: path.stat().st_size, lambda size: size > 10 * CUT_AFTER)
    stack.store.start()
    assert process.wait(timeout=60) == 0
    assert file_hash(path) == youtube.media(catalogue.LARGE, FORMAT).sha256()
