"""What passes through Caddy and nginx is what the functions say: every range, every resume, every event at once."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.edges import EDGES, NAMES, Edge, page_in
from tests.stack import Stack
from tests.youtube import YouTube, catalogue

FORMAT: Final = "137"
CUT_AFTER: Final = 3_000_000


@pytest.fixture(scope="module", params=EDGES)
def edge(request: pytest.FixtureRequest, _shared_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    functions = {name: _shared_stack.part(name).base for name in NAMES}
    with EDGES[request.param](page_in(tmp_path_factory.mktemp("edge")), functions) as running:
        yield running


@pytest.fixture
def client(edge: Edge) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge.url, trust_env=False, timeout=30) as opened:
        yield opened


def link(task: dict[str, Any]) -> str:
    groups = task["result"]["formats"].values()
    url: str = next(item["stream_url"] for group in groups for item in group if item["format_id"] == FORMAT)
    return url


def test_ranges_and_conditions(stack: Stack, youtube: YouTube, client: httpx.Client) -> None:
    url = link(stack.analyzed(catalogue.LARGE))
    file = youtube.media(catalogue.LARGE, FORMAT)
    head = client.head(url)
    etag, modified = head.headers["etag"], head.headers["last-modified"]
    assert head.headers["content-length"] == str(file.size)
    assert etag == stack.http.head(stack.stream_url(url)).headers["etag"]
    assert "content-encoding" not in client.head(url, headers={"Accept-Encoding": "gzip, br, zstd"}).headers
    for span, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=1000-1999", 1000, 2000),
        ("bytes=-500", file.size - 500, file.size),
        (f"bytes={file.size - 7}-", file.size - 7, file.size),
    ):
        for condition in ({}, {"If-Range": etag}, {"If-Range": modified}):
            answer = client.get(url, headers={"Range": span, **condition})
            assert answer.status_code == 206
            assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{file.size}"
            assert answer.content == file.read(start, end)
    with client.stream("GET", url, headers={"Range": "bytes=10-19", "If-Range": '"0000000000000000"'}) as whole:
        assert (whole.status_code, whole.headers["content-length"]) == (200, str(file.size))
    refused = client.get(url, headers={"Range": f"bytes={file.size}-"})
    assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{file.size}")
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(url, headers={"If-Match": '"0000000000000000"'}).status_code == 412


def test_a_cut_download_resumes_to_the_identical_file(stack: Stack, youtube: YouTube, edge: Edge, tmp_path: Path) -> None:
    url, path = edge.url + link(stack.analyzed(catalogue.LARGE)), tmp_path / "video.mp4"
    curl = ["curl", "-sS", "--fail", "--noproxy", "*", "-C", "-", "-o", str(path), url]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    first = subprocess.Popen([*curl, "--limit-rate", "8M"], env=environment)
    stack.until(lambda: path.stat().st_size if path.exists() else 0, lambda size: size > CUT_AFTER)
    first.kill()
    first.wait(timeout=20)
    assert subprocess.run(curl, env=environment, timeout=60, check=False).returncode == 0
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == youtube.media(catalogue.LARGE, FORMAT).sha256()


def test_a_client_that_leaves_is_noticed_behind_the_edge(stack: Stack, client: httpx.Client) -> None:
    url = link(stack.analyzed(catalogue.LARGE))
    with client.stream("GET", url) as answer:
        chunks = answer.iter_raw()
        assert next(chunks)
        stack.until(lambda: running(stack), lambda count: count == 1)
    stack.until(lambda: running(stack), lambda count: count == 0)


def running(stack: Stack) -> int:
    text = stack.http.get(stack.stream_url("/metrics")).text
    return int(float(next(line for line in text.splitlines() if line.startswith("sluice_stream_connections ")).split()[1]))


def test_an_event_arrives_when_it_happens(stack: Stack, client: httpx.Client) -> None:
    with ExitStack() as frozen:
        frozen.enter_context(stack.part("worker").frozen())
        task_id = client.post("/v1/analyze", json={"url": catalogue.ORDINARY}).json()["task_id"]
        with client.stream("GET", "/v1/status/events", params={"task_id": task_id}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("data:")), "the answer has not ended, and is here"
            frozen.close()
            assert any('"state":"completed"' in line for line in lines)


def test_the_whole_way_in_chinese_and_english(stack: Stack, client: httpx.Client) -> None:
    """A title of another script survives both headers and bodies."""
    task = stack.analyzed(catalogue.UNICODE)
    assert client.get(f"/v1/status/{task['task_id']}").json()["result"]["title"] == task["result"]["title"]
    path = task["result"]["formats"]["audio_only"][0]["stream_url"]
    direct = stack.http.head(stack.stream_url(path)).headers["content-disposition"]
    assert client.head(path).headers["content-disposition"] == direct
