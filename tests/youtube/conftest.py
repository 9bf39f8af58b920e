import os
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yt_dlp

from tests.youtube import YouTube

Extract = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def running() -> Iterator[YouTube]:
    with YouTube.running(username="alice", password="s3cret") as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving
    running.clear()


@pytest.fixture
def trust(running: YouTube) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=running.ca_file)


@pytest.fixture
def client(youtube: YouTube, trust: ssl.SSLContext) -> Iterator[httpx.Client]:
    with httpx.Client(proxy=youtube.http_proxy, verify=trust, timeout=10) as client:
        yield client


@pytest.fixture
def extract(youtube: YouTube, monkeypatch: pytest.MonkeyPatch) -> Extract:
    """The real yt-dlp, with its solver in deno; options of the extractor by name."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def extract(video_id: str, **arguments: list[str]) -> dict[str, Any]:
        params: Any = {
            "proxy": youtube.http_proxy,
            "nocheckcertificate": True,
            "cachedir": False,
            "ignore_no_formats_error": False,
            "logger": Silent(),
            "extractor_args": {"youtube": {"fetch_pot": ["never"], **arguments}},
        }
        with yt_dlp.YoutubeDL(params) as ydl:
            url = f"https://www.youtube.com/watch?v={video_id}"
            info = ydl.extract_info(url, download=False)
            return cast("dict[str, Any]", ydl.sanitize_info(info))

    return extract


class Silent:
    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...
