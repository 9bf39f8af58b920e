"""What every kind of test needs: a clean environment, a real store, and no test left out unnoticed."""

import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from typing import TypeVar

import pytest

from shared.settings import Settings
from shared.store import Store, open_store
from tests.valkey import Valkey

_OURS = frozenset(Settings.__struct_fields__)
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _never_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _never_skipped((yield))


def _never_skipped(report: Report) -> Report:
    """With CI=true whatever a test needs has to be there. (Off Linux a test may be for another platform.)"""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true" and sys.platform == "linux":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"With CI=true nothing is skipped. {reason}"
    return report


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine is taken for a setting."""
    for name in list(os.environ):
        if name.lower() in _OURS or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """One server for all tests that do not stop it."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """An empty store."""
    valkey.flush()
    return valkey.url


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """The defaults, on an empty store."""
    return Settings(redis_url=redis_url, secret_key="s" * 32)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """A store with nothing in it."""
    async with open_store(settings) as opened:
        yield opened
