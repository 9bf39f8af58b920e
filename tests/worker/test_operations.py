"""What a worker tells about itself: its three routes, its heartbeat, and whether the token service answers it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from functions.analyze.heartbeat import LEAVING, beating
from functions.analyze.operations import serving_operations
from functions.analyze.provider_watch import answers, watch_provider
from functions.analyze.worker_metrics import WorkerMetrics
from shared.metrics import ProcessMetrics
from shared.settings import Settings
from shared.store import Store, open_store
from tests.streaming import until
from tests.valkey import Valkey, free_port


@pytest.fixture
async def base(settings: Settings, store: Store) -> AsyncIterator[str]:
    own = replace(settings, port=free_port())
    async with serving_operations(own, ProcessMetrics(), store):
        yield f"http://127.0.0.1:{own.port}"


async def test_the_three_routes(base: str) -> None:
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        metrics = await client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=")
        assert 'sluice_store_errors_total{kind="connection"} 0.0' in metrics.text
        assert (await client.head("/metrics")).content == b""
        assert (await client.get("/v1/analyze")).status_code == 404
        assert (await client.post("/healthz")).status_code == 404


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET /" + b"x" * 20_000, b"GET / HTTP/1.1\r\n", b""])
async def test_what_is_no_request_ends_the_connection_and_nothing_else(base: str, said: bytes) -> None:
    host, port = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(said)
    writer.write_eof()
    with suppress(ConnectionError):
        assert b" 200 " not in await reader.read()
    writer.close()
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_a_store_that_is_away_makes_a_worker_unready_and_is_counted(settings: Settings) -> None:
    away = replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0", port=free_port())
    metrics = ProcessMetrics()
    async with (
        open_store(away, on_error=metrics.store_failed) as store,
        serving_operations(away, metrics, store),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{away.port}", trust_env=False) as client,
    ):
        assert (await client.get("/readyz")).status_code == 503
        assert 'sluice_store_errors_total{kind="connection"} 1.0' in (await client.get("/metrics")).text


async def test_a_port_that_is_taken_does_not_keep_a_worker_from_its_work(settings: Settings, store: Store) -> None:
    own = replace(settings, port=free_port())
    async with serving_operations(own, ProcessMetrics(), store), serving_operations(own, ProcessMetrics(), store):
        pass


async def test_a_worker_counts_as_alive_until_it_ends(store: Store) -> None:
    async def are_alive(count: int) -> None:
        async with asyncio.timeout(10):
            while (await store.overview()).extractors != [version("yt-dlp")] * count:
                pass

    async with beating(store):
        await are_alive(1)
        async with beating(store):
            await are_alive(2)
        await are_alive(1)
    await are_alive(0)


async def test_an_end_does_not_wait_for_a_store_that_hangs(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    loop = asyncio.get_running_loop()
    try:
        async with open_store(Settings(redis_url=server.url)) as store, AsyncExitStack() as worker:
            await worker.enter_async_context(beating(store))
            async with asyncio.timeout(10):
                while len((await store.overview()).extractors) != 1:
                    pass
            with server.paused():
                began = loop.time()
                await worker.aclose()
                assert loop.time() - began < 3 * LEAVING
    finally:
        server.stop()


async def test_whether_the_token_service_answers(base: str) -> None:
    trust = ssl.create_default_context()
    assert not await answers(base, trust=trust)  # something answers, but with 404
    assert not await answers(f"http://127.0.0.1:{free_port()}", trust=trust)

    async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n{}")
        writer.close()

    told: list[bool] = []
    server = await asyncio.start_server(pong, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        watching = asyncio.create_task(watch_provider(url, trust=trust, tell=told.append))
        await until(lambda: told == [True])
        watching.cancel()


def test_the_token_service_is_no_metric_where_there_is_none(settings: Settings) -> None:
    for url, is_told in ((None, False), ("http://127.0.0.1:4416", True)):
        registry = CollectorRegistry()
        WorkerMetrics(registry, replace(settings, pot_provider_url=url))
        assert (registry.get_sample_value("sluice_token_service_up") is not None) is is_told
