"""The stand-in plays YouTube and, for the real token service, Google; nobody waits without being asked to."""

from collections.abc import Iterator

import pytest

from functions.analyze import backoff
from shared.settings import Settings
from tests.token_service import google
from tests.worker.extraction_attempts import settings_for
from tests.youtube import YouTube
from tests.youtube.site import Handler


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    extras: dict[str, Handler] = {"www.google.com": google, "jnn-pa.googleapis.com": google}
    with YouTube.running(extras=extras) as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> YouTube:
    running.clear()
    return running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody asked to wait for is not waited for."""
    monkeypatch.setattr(backoff, "FIRST_MS", 1)


@pytest.fixture
def plain(youtube: YouTube, redis_url: str) -> Settings:
    return settings_for(youtube, redis_url=redis_url)
