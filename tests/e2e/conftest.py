"""The whole system on real sockets, with the stand-in for YouTube behind its proxy."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browsing import opened, running_browser, running_page
from tests.stack import Stack, running_stack
from tests.valkey import Valkey
from tests.youtube import YouTube


@pytest.fixture(scope="session")
def _youtube() -> Iterator[YouTube]:
    with YouTube.running(username="user", password="proxy-password") as youtube:
        yield youtube


@pytest.fixture
def youtube(_youtube: YouTube) -> YouTube:
    """The stand-in as it was at first: no faults, nothing logged, every video untouched."""
    _youtube.clear()
    return _youtube


def environment(youtube: YouTube) -> dict[str, str]:
    """What makes a part of the system leave by the stand-in's proxy, and trust what answers there."""
    return {"GLOBAL_PROXY": youtube.http_proxy, "SSL_CERT_FILE": str(youtube.ca_file), "ANALYSIS_ATTEMPTS": "2"}


@pytest.fixture(scope="session")
def _shared_stack(_youtube: YouTube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    store = Valkey(tmp_path_factory.mktemp("stack-store"))
    store.start()
    with running_stack(store, folder, environment(_youtube)) as stack:
        stack.start("worker", "analyze", "status", "stream")
        yield stack
    store.stop()


@pytest.fixture
def stack(youtube: YouTube, _shared_stack: Stack) -> Stack:
    """One of every part, with an empty store. For tests that end nothing."""
    _shared_stack.store.flush()
    return _shared_stack


@pytest.fixture
def new_stack(youtube: YouTube, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes a stack of one's own, with a store of its own; settings by name. For tests that end things."""
    with ExitStack() as cleanup:

        def make(**settings: str) -> Stack:
            folder = tmp_path / "store"
            folder.mkdir()
            store = Valkey(folder)
            store.start()
            cleanup.callback(store.stop)
            return cleanup.enter_context(running_stack(store, tmp_path, environment(youtube) | settings))

        yield make


@pytest.fixture(scope="session")
def address(_youtube: YouTube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The one command on the real tree."""
    with running_page(tmp_path_factory.mktemp("one-command"), environment(_youtube)) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: as long as Playwright's blocking half is open, no event loop can run in this thread."""
    with running_browser() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The start page in English."""
    with opened(browser, address) as start:
        yield start
