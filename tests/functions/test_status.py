"""A task on demand, as soon as it changes, and as a stream of events; through everything a store and a client can do."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as StoreConnectionError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from functions.status.app import create_app
from functions.status.tasks import Tasks
from shared.problems import problem
from shared.schemas import Formats, Media, Progress
from shared.settings import Settings
from shared.store import Claim, Store, open_store
from shared.store.store import EVENTS
from shared.urls import Video
from tests.results import media, sound
from tests.serving import serving
from tests.valkey import Valkey

LEASE = 60_000
IDS = [f"{number:011d}" for number in range(50)]


def with_sound(video: Video) -> Media:
    return replace(media(video), formats=Formats(combined=[], video_only=[], audio_only=[sound()]))


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[Litestar, httpx.AsyncClient]]:
    app = create_app(settings)
    async with serving(app, settings) as base, httpx.AsyncClient(base_url=base, timeout=60) as client:
        yield app, client


@pytest.fixture
def wide(settings: Settings) -> Settings:
    return replace(settings, max_concurrent_analyses=100)


@pytest.fixture
async def served(wide: Settings) -> AsyncIterator[tuple[Litestar, httpx.AsyncClient]]:
    async with running(wide) as both:
        yield both


@pytest.fixture
async def store(wide: Settings) -> AsyncIterator[Store]:
    async with open_store(wide) as opened:
        yield opened


def tasks_of(app: Litestar) -> Tasks:
    tasks: Tasks = app.state.tasks
    return tasks


async def submit(store: Store, media_id: str = IDS[0]) -> str:
    submission = await store.submit(Video(media_id), task_id=f"task{media_id}", refresh=False, lane="analyze")
    assert submission is not None
    return submission.task.task_id


async def claim(store: Store, task_id: str) -> Claim:
    found = await store.claim(task_id, run_id=f"run-{task_id}", lease_ms=LEASE)
    assert isinstance(found, Claim)
    return found


@retry(retry=retry_if_exception_type(StoreConnectionError), stop=stop_after_delay(10), wait=wait_fixed(0.01), reraise=True)
async def claim_after_restart(store: Store, task_id: str) -> Claim:
    return await claim(store, task_id)


async def complete(store: Store, found: Claim) -> None:
    result = with_sound(Video(found.media_id))
    assert await store.complete(found, result, fresh_seconds=60, sources={}, assets={}) is not None


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the other side is a server that tells nobody
            await asyncio.sleep(0.005)


async def start_waiting(app: Litestar, client: httpx.AsyncClient, task_id: str) -> asyncio.Task[httpx.Response]:
    """Returns once the server has read the task and waits for a change."""
    waiting = asyncio.create_task(client.get(f"/v1/status/{task_id}?wait=30"))
    await until(lambda: tasks_of(app).hub.watched == 1)
    await client.get(f"/v1/status/{task_id}")
    return waiting


async def events_of(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            assert name == "task"
            yield json.loads(line.removeprefix("data: "))
        elif line.startswith(": "):
            yield {"comment": line.removeprefix(": ")}


async def test_a_task_now(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    _, client = served
    task_id = await submit(store)
    response = await client.get(f"/v1/status/{task_id}")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    task = response.json()
    assert (task["state"], task["queue_position"], task["result"], task["problem"]) == ("pending", 1, None, None)
    await complete(store, await claim(store, task_id))
    task = (await client.get(f"/v1/status/{task_id}?wait=30")).json()  # final: no reason to wait
    assert task["state"] == "completed"
    (sound,) = task["result"]["formats"]["audio_only"]
    assert sound["stream_url"].startswith(f"/v1/stream/{IDS[0]}/140?version=0123456789abcdef")


@pytest.mark.parametrize("path", ["nobody", "nobody?wait=5", "events?task_id=nobody", "x" * 5000, "%00", "a%20b", "..%2Fx"])
async def test_an_unknown_task(served: tuple[Litestar, httpx.AsyncClient], path: str) -> None:
    response = await served[1].get(f"/v1/status/{path}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "x?wait=31",
        "x?wait=-1",
        "x?wait=soon",
        "x?wait=1.5",
        "events",
        "events?" + "&".join(f"task_id={number}" for number in range(51)),
    ],
)
async def test_an_invalid_request(served: tuple[Litestar, httpx.AsyncClient], path: str) -> None:
    response = await served[1].get(f"/v1/status/{path}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_a_wait_ends_with_the_change(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    app, client = served
    task_id = await submit(store)
    async with asyncio.timeout(5):
        waiting = await start_waiting(app, client, task_id)
        found = await claim(store, task_id)
        assert (await waiting).json()["state"] == "processing"
        waiting = await start_waiting(app, client, task_id)
        await store.fail(found, problem("video_private"))
        assert (await waiting).json()["problem"]["code"] == "video_private"
    assert tasks_of(app).hub.watched == 0


async def test_a_wait_ends_unchanged(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    task_id = await submit(store)
    began = asyncio.get_running_loop().time()
    response = await served[1].get(f"/v1/status/{task_id}?wait=1")
    assert response.json()["state"] == "pending"
    assert 0.9 < asyncio.get_running_loop().time() - began < 5


async def test_a_client_that_leaves_a_wait_frees_it(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    app, client = served
    task_id = await submit(store)
    waiting = asyncio.create_task(client.get(f"/v1/status/{task_id}?wait=30"))
    await until(lambda: tasks_of(app).hub.watched == 1)
    waiting.cancel()
    await until(lambda: tasks_of(app).hub.watched == 0)


async def test_events_of_fifty_tasks(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    _, client = served
    ids = [await submit(store, media_id) for media_id in IDS]
    seen: dict[str, list[dict[str, Any]]] = {task_id: [] for task_id in ids}

    async def work(task_id: str) -> None:
        found = await claim(store, task_id)
        for percent in range(10, 100, 10):
            await store.progress(found, Progress(percent=percent, phase="formats", message="…"))
        await complete(store, found)

    query = "&".join(f"task_id={task_id}" for task_id in ids)
    async with asyncio.timeout(30), client.stream("GET", f"/v1/status/events?{query}") as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        working: asyncio.Future[Any] | None = None
        async for task in events_of(response):
            seen[task["task_id"]].append(task)
            if working is None and all(seen.values()):
                working = asyncio.gather(*map(work, ids))
    assert working is not None
    await working
    for tasks in seen.values():
        assert [task["result"] is None for task in tasks] == [True] * (len(tasks) - 1) + [False]
        percents = [task["progress"]["percent"] for task in tasks]
        assert percents == sorted(percents)
        assert tasks[-1]["result"]["formats"]["audio_only"][0]["stream_url"].startswith("/v1/stream/")


async def test_events_of_final_tasks_end_at_once(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    task_id = await submit(store)
    await complete(store, await claim(store, task_id))
    response = await served[1].get(f"/v1/status/events?task_id={task_id}&task_id={task_id}")
    assert response.text.count("event: task") == 1


async def test_silence_is_broken_by_pings(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    app, client = served
    app.state.tasks = replace(tasks_of(app), ping_seconds=0.05)
    task_id = await submit(store)
    async with asyncio.timeout(10), client.stream("GET", f"/v1/status/events?task_id={task_id}") as response:
        events = events_of(response)
        assert (await anext(events))["task_id"] == task_id
        assert await anext(events) == {"comment": "ping"}
        assert await anext(events) == {"comment": "ping"}


async def test_pings_go_on_while_the_store_is_away_or_hangs(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    settings = Settings(redis_url=server.url, secret_key="s" * 32)
    try:
        async with running(settings) as (app, client), open_store(settings) as store, asyncio.timeout(30):
            app.state.tasks = replace(tasks_of(app), ping_seconds=0.05)
            task_id = await submit(store)
            async with client.stream("GET", f"/v1/status/events?task_id={task_id}") as response:
                events = events_of(response)
                assert (await anext(events))["task_id"] == task_id
                with server.paused():
                    for _ in range(20):
                        assert await anext(events) == {"comment": "ping"}
                await asyncio.to_thread(server.stop)
                for _ in range(20):
                    assert await anext(events) == {"comment": "ping"}
    finally:
        server.stop()


async def test_a_wait_is_no_longer_than_asked_for_where_the_store_hangs(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    settings = Settings(redis_url=server.url, secret_key="s" * 32)
    try:
        async with running(settings) as (app, client), open_store(settings) as store:
            task_id = await submit(store)
            began = asyncio.get_running_loop().time()
            waiting = asyncio.create_task(client.get(f"/v1/status/{task_id}?wait=2"))
            await until(lambda: tasks_of(app).hub.watched == 1)
            await client.get(f"/v1/status/{task_id}")
            with server.paused():
                assert (await waiting).json()["state"] == "pending"
                assert asyncio.get_running_loop().time() - began < 4
    finally:
        server.stop()


async def test_a_wait_for_a_store_that_hangs_from_the_start(
    settings: Settings, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.status.tasks.FIRST_LOOK", 0.1)
    async with running(settings) as (_, client), asyncio.timeout(4):
        with valkey.paused():
            answer = await client.get("/v1/status/somebody?wait=1")
            assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")


async def test_many_clients_share_one_subscription(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    app, client = served
    ids = [await submit(store, media_id) for media_id in IDS[:3]]
    async with AsyncExitStack() as streams, Redis.from_url(app.state.settings.redis_url) as redis, asyncio.timeout(20):
        for number in range(9):
            path = f"/v1/status/events?task_id={ids[number % 3]}&task_id={ids[0]}"
            response = await streams.enter_async_context(client.stream("GET", path))
            assert response.status_code == 200
        waiting = asyncio.create_task(client.get(f"/v1/status/{ids[0]}?wait=30"))
        await until(lambda: len(tasks_of(app).hub._watches[ids[0]]) == 10)
        assert await redis.pubsub_numsub(EVENTS) == [(EVENTS.encode(), 1)]
        await claim(store, ids[0])
        await waiting


async def test_a_lost_message_costs_a_ping(settings: Settings, store: Store) -> None:
    async with running(settings) as (app, client):
        deaf = type(tasks_of(app).hub)(store.events)  # nobody listens
        app.state.tasks = replace(tasks_of(app), hub=deaf, ping_seconds=0.05)
        task_id = await submit(store)
        async with asyncio.timeout(10):
            waiting = await start_waiting(app, client, task_id)
            await claim(store, task_id)
            assert (await waiting).json()["state"] == "processing"


async def test_clients_that_leave_free_everything(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    app, client = served
    task_id = await submit(store)
    before = len(asyncio.all_tasks())

    async def look_and_leave() -> None:
        async with client.stream("GET", f"/v1/status/events?task_id={task_id}") as response:
            await anext(events_of(response))

    await asyncio.gather(*(look_and_leave() for _ in range(20)))
    await until(lambda: tasks_of(app).hub.watched == 0)
    await until(lambda: len(asyncio.all_tasks()) <= before)
    gc.collect()


async def test_a_slow_client_gets_the_latest_only(served: tuple[Litestar, httpx.AsyncClient], store: Store) -> None:
    """What nobody takes does not queue up: one name per task is all that is kept."""
    app, _ = served
    task_id = await submit(store)
    found = await claim(store, task_id)
    with tasks_of(app).hub.watch([task_id]) as watch:
        for percent in range(1, 100):
            await store.progress(found, Progress(percent=percent, phase="page", message=str(percent)))
        await until(watch._is_told.is_set)
        assert await watch.changes(seconds=5) == {task_id}
        assert len(watch._changed) <= 1


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_the_store_restarts_in_the_middle_of_a_wait(tmp_path: Path, how: str) -> None:
    server = Valkey(tmp_path)
    server.start()
    settings = Settings(redis_url=server.url, secret_key="s" * 32)
    try:
        async with running(settings) as (app, client), open_store(settings) as store, asyncio.timeout(10):
            task_id = await submit(store)
            waiting = await start_waiting(app, client, task_id)
            async with client.stream("GET", f"/v1/status/events?task_id={task_id}") as response:
                events = events_of(response)
                assert (await anext(events))["state"] == "pending"
                await until(lambda: len(tasks_of(app).hub._watches[task_id]) == 2)
                await asyncio.to_thread(server.stop if how == "restart" else server.kill)
                await asyncio.to_thread(server.start)
                found = await claim_after_restart(store, task_id)
                assert (await waiting).json()["state"] == "processing"
                await complete(store, found)
                async for task in events:
                    last = task
                assert last["state"] == "completed"
    finally:
        server.stop()


async def test_a_stop_ends_waits_and_streams_at_once(settings: Settings, store: Store) -> None:
    task_id = await submit(store)
    async with asyncio.timeout(10):
        async with running(settings) as (app, client):
            waiting = await start_waiting(app, client, task_id)
            async with client.stream("GET", f"/v1/status/events?task_id={task_id}") as response:
                events = events_of(response)
                await anext(events)
                app.state.stopping.set()
                assert not [event async for event in events if "task_id" in event]
            assert (await waiting).json()["state"] == "pending"


async def test_without_a_store(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    settings = Settings(redis_url=server.url, secret_key="s" * 32)
    async with running(settings) as (_, client), asyncio.timeout(60):
        assert (await client.get("/readyz")).status_code == 200
        await asyncio.to_thread(server.stop)
        response = await client.get("/v1/status/somebody")
        assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_a_key_is_needed(settings: Settings) -> None:
    async with running(replace(settings, access_key="the access key of ours")) as (_, client):
        assert (await client.get("/v1/status/x")).status_code == 401
        assert (await client.get("/v1/status/events?task_id=x")).status_code == 401
        assert (await client.get("/v1/status/openapi.json")).status_code == 200


async def test_the_document(served: tuple[Litestar, httpx.AsyncClient]) -> None:
    document = (await served[1].get("/v1/status/openapi.json")).json()
    assert set(document["paths"]) == {"/v1/status/{task_id}", "/v1/status/events"}
    one = document["paths"]["/v1/status/{task_id}"]["get"]
    wait = next(parameter for parameter in one["parameters"] if parameter["name"] == "wait")
    assert (wait["schema"]["minimum"], wait["schema"]["maximum"], wait["required"]) == (0, 30, False)
    assert one["responses"]["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Task"}
    assert set(one["responses"]) == {"200", "401", "404", "422", "429", "500", "503"}
    many = document["paths"]["/v1/status/events"]["get"]
    assert list(many["responses"]["200"]["content"]) == ["text/event-stream"]
    assert len(document["components"]["schemas"]["Media"]["required"]) == 18


async def test_its_metrics_tell_how_old_the_workers_yt_dlp_is(settings: Settings, store: Store) -> None:
    day = datetime.now(UTC).date() - timedelta(days=3)
    for worker, (extractor, seconds) in enumerate([("gone", 0), (f"{day:%Y.%m.%d}", 60), ("master", 60), ("master", 60)]):
        await store.beat(f"w{worker}", extractor=extractor, seconds=seconds)
    async with running(settings) as (_, client):
        lines = [line for line in (await client.get("/metrics")).text.splitlines() if line.startswith("sluice_ytdlp")]
    assert lines == [
        f'sluice_ytdlp_age_seconds{{version="{day:%Y.%m.%d}"}} {3 * 86_400.0}',
        'sluice_ytdlp_age_seconds{version="master"} NaN',
    ]
