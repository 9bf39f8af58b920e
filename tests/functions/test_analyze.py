"""What a submission is answered with; the work itself is nobody's here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec.structs import replace

from functions.analyze.app import create_app
from shared.analyses import Analyses
from shared.queue import Queue, redis_broker
from shared.settings import RateLimit, Settings
from shared.store import Claim, Store, connect_blocking
from shared.urls import Video
from tests.results import media
from tests.serving import serving
from tests.valkey import free_port

VIDEO = Video("dQw4w9WgXcQ")
BODY = {"url": VIDEO.url}


@asynccontextmanager
async def client_for(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(settings), settings) as base, httpx.AsyncClient(base_url=base, trust_env=False) as client:
        yield client


async def completed(store: Store, task_id: str) -> None:
    claim = await store.claim(task_id, run_id="run", lease_ms=10_000)
    assert isinstance(claim, Claim)
    assert await store.complete(claim, media(VIDEO), fresh_seconds=60, sources={}, assets={}) is not None


async def test_accepted_joined_and_answered_from_the_cache(settings: Settings, store: Store) -> None:
    async with client_for(settings) as client:
        first = await client.post("/v1/analyze", json=BODY)
        task_id = first.json()["task_id"]
        assert (first.status_code, first.json()["state"], first.json()["queue_position"]) == (202, "pending", 1)
        joined = await client.post("/v1/analyze", json={"url": f"https://youtu.be/{VIDEO.media_id}?si=x", "refresh": True})
        assert (joined.status_code, joined.json()["task_id"]) == (202, task_id)
        await completed(store, task_id)
        cached = await client.post("/v1/analyze", json=BODY)
        assert (cached.status_code, cached.json()["task_id"], cached.json()["state"]) == (200, task_id, "completed")
        assert cached.json()["result"]["media_id"] == VIDEO.media_id
        for answer in (first, joined, cached):
            assert answer.headers["location"] == f"/v1/status/{task_id}"
        anew = await client.post("/v1/analyze", json={**BODY, "refresh": True})
        assert (anew.status_code, anew.json()["task_id"] != task_id) == (202, True)


@pytest.mark.parametrize(("public_url", "base"), [(None, "/sluice"), ("https://example.org/sluice", "https://example.org/sluice")])
@pytest.mark.parametrize("prefix", ["", "/sluice"])
async def test_where_the_task_is(settings: Settings, public_url: str | None, base: str, prefix: str) -> None:
    async with client_for(replace(settings, root_path="/sluice", public_url=public_url)) as client:
        answer = await client.post(f"{prefix}/v1/analyze", json=BODY)
        assert answer.headers["location"] == f"{base}/v1/status/{answer.json()['task_id']}"


async def test_what_is_left_of_the_limit_is_told_until_nothing_is(settings: Settings) -> None:
    async with client_for(replace(settings, rate_limit=RateLimit(2, 60))) as client:
        answers = [await client.post("/v1/analyze", json=BODY) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
        for answer in answers:
            assert answer.headers["ratelimit-limit"] == "2"
            assert 1 <= int(answer.headers["ratelimit-reset"]) <= 60
        assert answers[2].json()["code"] == "rate_limited"
        assert answers[2].headers["retry-after"] == str(answers[2].json()["retry_after"])


async def test_without_a_limit_nothing_is_told_of_it(settings: Settings) -> None:
    async with client_for(replace(settings, rate_limit=RateLimit(0, 60))) as client:
        answer = await client.post("/v1/analyze", json=BODY)
        assert not [name for name in answer.headers if name.startswith("ratelimit")]


async def test_a_full_queue(settings: Settings) -> None:
    async with client_for(replace(settings, max_queue_length=1)) as client:
        assert (await client.post("/v1/analyze", json=BODY)).status_code == 202
        full = await client.post("/v1/analyze", json={"url": "aaaaaaaaaaa"})
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "queue_full", "30")
        assert (await client.post("/v1/analyze", json=BODY)).status_code == 202


async def test_a_task_is_accepted_even_if_nobody_could_be_woken(settings: Settings, store: Store) -> None:
    with connect_blocking(f"redis://127.0.0.1:{free_port()}") as away:
        analyses = Analyses(store, Queue(redis_broker(away, middleware=[])), settings)
        submission = await analyses.submit(VIDEO, refresh=False)
    assert submission.outcome == "created"
    assert await store.sweep() == [(submission.task.task_id, "analyze")]
