"""How the whole stands, as the status function tells it."""

import asyncio
from pathlib import Path

from litestar.testing import AsyncTestClient
from prometheus_client.parser import text_string_to_metric_families

from functions.status.app import create_app
from shared.settings import Settings
from shared.store import Store
from shared.urls import Video
from tests.valkey import Valkey

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """By name and labels, those of the whole alone."""
    return {
        f"{sample.name}{','.join(sample.labels.values()) and '/' + ','.join(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(("sluice_queue", "sluice_workers", "sluice_downloads", "sluice_analyses", "sluice_store_up"))
    }


async def submit(store: Store, number: int) -> str:
    task_id = f"t{number}"
    assert await store.submit(Video(f"{number:011d}"), task_id=task_id, refresh=False, lane="analyze") is not None
    return task_id


async def test_the_queue_the_slots_the_downloads_and_the_workers(settings: Settings, store: Store) -> None:
    async with AsyncTestClient(create_app(settings)) as client:

        async def told() -> Samples:
            return samples((await client.get("/metrics")).text)

        nothing = await told()
        assert nothing.pop("sluice_store_up") == 1
        assert set(nothing.values()) == {0}
        for number in range(4):
            await submit(store, number)
        await store.claim("t0", run_id="r0", lease_ms=30_000)
        await store.claim("t1", run_id="r1", lease_ms=1)
        await store.beat("w1", extractor="master", seconds=10)
        for connection in ("c1", "c2"):
            await store.acquire_download("d1", connection, capacity=9, connections=9, lease_seconds=9)
        async with asyncio.timeout(10):
            while (seen := await told())["sluice_queue_due/analyze"] != 1 or seen["sluice_queue_oldest_seconds/analyze"] <= 0:
                pass
        del seen["sluice_queue_oldest_seconds/analyze"]
        assert {name: value for name, value in seen.items() if value} == {
            "sluice_store_up": 1,
            "sluice_workers": 1,
            "sluice_downloads_running": 1,
            "sluice_analyses_running/ordinary": 1,
            "sluice_queue_length/analyze": 2,
            "sluice_queue_due/analyze": 1,
            "sluice_queue_scheduled/analyze": 1,
        }


async def test_while_the_store_is_away_nothing_old_is_told(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    async with AsyncTestClient(create_app(Settings(redis_url=server.url, secret_key="s" * 32))) as client:
        assert "sluice_workers" in samples((await client.get("/metrics")).text)
        server.stop()
        text = (await client.get("/metrics")).text
        assert samples(text) == {"sluice_store_up": 0}
        assert 'sluice_store_errors_total{kind="connection"} 1.0' in text
