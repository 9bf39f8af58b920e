"""Every kind of store address: over TLS, and a master that Sentinel finds, under load and after it has moved."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace
from redis.exceptions import RedisError

from shared.queue import open_queue
from shared.settings import Settings
from shared.store import Store, WakeUp, connect_blocking, open_store
from shared.store.connection import CONNECTIONS
from shared.urls import Video
from tests.streaming import until
from tests.tls import tls_door
from tests.valkey import Sentinel, Valkey

CROWD = 1000


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("master"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def sentinel(master: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinel]:
    with Sentinel(tmp_path_factory.mktemp("sentinel"), master).running() as running:
        yield running


@pytest.fixture
def found(sentinel: Sentinel, master: Valkey, settings: Settings) -> Settings:
    master.flush()
    return replace(settings, redis_url=sentinel.url)


async def submit(store: Store, number: int = 0) -> str:
    submission = await store.submit(Video(f"{number:011d}"), task_id=f"task-{number}", refresh=False, lane="analyze")
    assert submission is not None
    return submission.outcome


def clients(port: int) -> int:
    with redis.Redis(port=port) as client:
        return len(client.client_list()) - 1


async def test_a_crowd_shares_a_few_connections_to_the_master(found: Settings, master: Valkey) -> None:
    before = clients(master.port)
    async with open_store(found) as store:
        outcomes = await asyncio.gather(*(submit(store, number) for number in range(CROWD)))
        assert outcomes == ["created"] * CROWD
        assert clients(master.port) - before <= CONNECTIONS


async def test_a_store_that_is_closed_leaves_nothing_open(found: Settings, sentinel: Sentinel, master: Valkey) -> None:
    before = [clients(port) for port in (sentinel.port, master.port)]
    async with open_store(found) as store, open_queue(found) as queue, store.events():
        await submit(store)
        await queue.wake([WakeUp("task-0", "analyze")])
        assert clients(sentinel.port) > before[0]
    await until(lambda: [clients(port) for port in (sentinel.port, master.port)] == before)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Valkey, Valkey]]:
    """A master and its replica."""
    servers = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        servers.append(Valkey(tmp_path / name))
        servers[-1].start()
    first, second = servers
    with redis.Redis(port=second.port) as client:
        client.replicaof("127.0.0.1", first.port)
    yield first, second
    for server in servers:
        server.stop()


async def test_the_master_is_followed_when_it_moves(settings: Settings, pair: tuple[Valkey, Valkey], tmp_path: Path) -> None:
    first, second = pair
    with Sentinel(tmp_path, first).running() as sentinel, redis.Redis(port=second.port) as replica:
        sentinel.ask("SENTINEL", "SET", "main", "down-after-milliseconds", "500")
        async with open_store(replace(settings, redis_url=sentinel.url)) as store:
            await submit(store)
            await until(lambda: has_copied(sentinel) and bool(replica.exists("task:task-0")), within=30)
            first.kill()
            async with asyncio.timeout(60):
                while not replica.exists("task:task-1"):
                    with suppress(RedisError):
                        await submit(store, 1)


def has_copied(sentinel: Sentinel) -> bool:
    """Whether Sentinel knows of a replica that could take over."""
    return any(one["master-link-status"] == "ok" for one in sentinel.ask("SENTINEL", "REPLICAS", "main"))


async def test_a_store_over_tls(settings: Settings, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_door(valkey.port, tmp_path) as door:
        monkeypatch.setenv("SSL_CERT_FILE", str(door.ca_file))
        encrypted = replace(settings, redis_url=f"rediss://localhost:{door.port}/0")
        async with open_store(encrypted) as store, open_queue(encrypted) as queue, store.events() as events:
            outcomes = await asyncio.gather(*(submit(store, number) for number in range(100)))
            assert outcomes == ["created"] * 100
            assert await anext(events)
            await queue.wake([WakeUp("task-0", "analyze")])
        with connect_blocking(encrypted.redis_url) as client:
            assert client.llen("dramatiq:analyze") == 1


async def test_a_certificate_of_nobody_is_not_trusted(settings: Settings, valkey: Valkey, tmp_path: Path) -> None:
    with tls_door(valkey.port, tmp_path) as door:
        encrypted = replace(settings, redis_url=f"rediss://localhost:{door.port}/0")
        async with open_store(encrypted) as store:
            with pytest.raises((RedisError, ssl.SSLError)):
                await store.ping()
