"""What every kind of test needs: a clean environment and a real store."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.settings import Settings
from shared.store import Store, open_store
from tests.valkey import Valkey

_OURS = frozenset(Settings.__struct_fields__)


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
