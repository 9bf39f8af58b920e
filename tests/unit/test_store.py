"""The life of a task: every transition, its fence, and what is woken by it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from redis.exceptions import RedisError

from shared.extracted import Extracted
from shared.merges import merged_version
from shared.problems import problem
from shared.schemas import Media, Progress
from shared.settings import RateLimit, Settings
from shared.sources import Asset, Identity, Source
from shared.store import Claim, Store, Trail, WakeUp, open_store
from shared.tags import UNTAGGED, Chapter, Tags, tags_of
from shared.urls import Video
from tests.results import media, merge, sound
from tests.streaming import earlier
from tests.valkey import Valkey

VIDEO = Video("dQw4w9WgXcQ")
OTHER = Video("aaaaaaaaaaa")
TAGS_KEY = f"tags:{VIDEO.media_id}"
LEASE = 10_000
LAPSED = 1  # ms: over before the next call


def source(format_id: str = "137") -> Source:
    return Source(
        media_id=VIDEO.media_id,
        format_id=format_id,
        url="https://r1---sn-a.googlevideo.com/videoplayback?id=1",
        headers={"User-Agent": "x"},
        identity=Identity(itag="137", xtags="", lmt=1, size=10),
        content_type="video/mp4",
        filename="a.mp4",
        expires_at=datetime.now(UTC).timestamp() + 3600,
        available_at=None,
        init_range=None,
        index_range=None,
        exit="e",
        family="ipv4",
    )


SOURCE = source()
ASSET = Asset(
    media_id=VIDEO.media_id,
    asset_id="thumbnail",
    url="https://i.ytimg.com/a.jpg",
    headers={},
    content_type="image/jpeg",
    filename="a.jpg",
    exit="e",
    family=None,
)


async def submit(
    store: Store, task_id: str, video: Video = VIDEO, *, refresh: bool = False, lane: str = "analyze"
) -> tuple[str, str]:
    submission = await store.submit(video, task_id=task_id, refresh=refresh, lane=lane)  # type: ignore[arg-type] # a literal
    return ("full", "") if submission is None else (submission.outcome, submission.task.task_id)


async def claim(store: Store, task_id: str, run_id: str = "run", lease_ms: int = LEASE) -> Claim:
    claimed = await store.claim(task_id, run_id=run_id, lease_ms=lease_ms)
    assert isinstance(claimed, Claim), claimed
    return claimed


async def postpone(store: Store, run: Claim, trail: Trail | None = None, *, wait_ms: int = 0) -> list[WakeUp] | None:
    left = trail or Trail()
    return await store.postpone(run, wait_ms=wait_ms, why=problem("bot_check"), message="Wait", trail=left, fresh_seconds=60)


async def lapse(store: Store, task_id: str, run_id: str) -> Claim:
    """A run that dies right after its claim."""
    claimed = await claim(store, task_id, run_id, LAPSED)
    while not await store.sweep():
        pass
    return claimed


async def test_a_task_is_created_once_and_joined_by_everyone_else(store: Store) -> None:
    assert await submit(store, "t1") == ("created", "t1")
    assert await submit(store, "t2") == ("joined", "t1")
    assert await submit(store, "t3", refresh=True) == ("joined", "t1")
    assert await submit(store, "t4", OTHER) == ("created", "t4")


async def test_a_thousand_people_at_once_are_one_task(store: Store) -> None:
    outcomes = await asyncio.gather(*(submit(store, f"t{number}") for number in range(1000)))
    assert sorted(outcome for outcome, _ in outcomes).count("created") == 1
    assert len({task_id for _, task_id in outcomes}) == 1


async def test_the_queue_has_a_bound_and_positions(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_queue_length=2)) as store:
        assert await submit(store, "t1", Video("a" * 11)) == ("created", "t1")
        assert await submit(store, "t2", Video("b" * 11)) == ("created", "t2")
        assert (await submit(store, "t3", Video("c" * 11)))[0] == "full"
        assert (await submit(store, "t4", Video("b" * 11)))[0] == "joined"
        first, second = await store.task("t1"), await store.task("t2")
        assert first is not None
        assert second is not None
        assert (first.state, first.progress.phase, first.queue_position, second.queue_position) == ("pending", "queued", 1, 2)
        await claim(store, "t1")
        second = await store.task("t2")
        assert second is not None
        assert second.queue_position == 1
        assert (await submit(store, "t5", Video("c" * 11)))[0] == "created"


async def test_an_unknown_task_is_none(store: Store) -> None:
    assert await store.task("nobody") is None
    assert await store.claim("nobody", run_id="r", lease_ms=LEASE) == "unknown"


async def test_a_task_runs_to_its_result_and_answers_from_the_cache(store: Store) -> None:
    await submit(store, "t1")
    run = await claim(store, "t1")
    assert (run.media_id, run.attempt, run.lane, run.last_problem) == (VIDEO.media_id, 1, "analyze", None)
    assert await store.progress(run, Progress(percent=30, phase="page", message="Reading the page"))
    assert await store.progress(run, Progress(percent=20, phase="formats", message="Reading formats"))
    task = await store.task("t1")
    assert task is not None
    assert (task.state, task.progress.percent, task.progress.phase) == ("processing", 30, "formats")
    assert await store.complete(run, media(VIDEO), fresh_seconds=60, sources={"137": SOURCE}, assets={"thumbnail": ASSET}) == []
    task = await store.task("t1")
    assert task is not None
    assert task.result is not None
    assert (task.state, task.progress.percent, task.progress.phase, task.result.title) == ("completed", 100, "done", "标题 🎬")
    assert (task.result.fresh_until - task.result.analyzed_at).total_seconds() == 60
    assert await store.source(VIDEO.media_id, "137") == SOURCE
    assert await store.asset(VIDEO.media_id, "thumbnail") == ASSET
    assert await store.source(VIDEO.media_id, "18") is None
    assert await store.has_sources(VIDEO.media_id)
    assert not await store.has_sources(OTHER.media_id)
    assert await store.media(VIDEO) == task.result
    assert await submit(store, "t2") == ("cached", "t1")
    assert await submit(store, "t3", refresh=True) == ("created", "t3")


async def test_a_result_that_is_no_longer_fresh_is_analysed_again(store: Store) -> None:
    await submit(store, "t1")
    await store.complete(await claim(store, "t1"), media(VIDEO), fresh_seconds=0, sources={}, assets={})
    assert await submit(store, "t2") == ("created", "t2")


async def test_a_failure_is_final_and_frees_the_video(store: Store) -> None:
    await submit(store, "t1")
    run = await claim(store, "t1")
    assert await store.fail(run, problem("video_private")) == []
    task = await store.task("t1")
    assert task is not None
    assert task.problem is not None
    assert (task.state, task.problem.code, task.result) == ("failed", "video_private", None)
    assert await store.claim("t1", run_id="late", lease_ms=LEASE) == "final"
    assert await submit(store, "t2") == ("created", "t2")


async def test_the_answer_to_a_repeated_call_is_the_same(store: Store) -> None:
    await submit(store, "t1")
    first, again = await claim(store, "t1", "run"), await claim(store, "t1", "run")
    assert replace(first, submitted=again.submitted) == again  # worked out anew, by this process's clock
    assert await store.fail(first, problem("video_private")) == []
    assert await store.fail(first, problem("video_private")) == []


async def test_a_submission_sent_twice_is_one_that_was_created(store: Store) -> None:
    assert [await submit(store, "t1"), await submit(store, "t1")] == [("created", "t1")] * 2
    task = await store.task("t1")
    assert task is not None
    assert task.queue_position == 1


async def test_sources_are_forgotten_whatever_their_url_says(store: Store) -> None:
    await submit(store, "t1")
    endless = replace(SOURCE, expires_at=1e12)
    await store.complete(await claim(store, "t1"), media(VIDEO), fresh_seconds=60, sources={"137": endless}, assets={})
    assert 0 < await store._redis.ttl(f"sources:{VIDEO.media_id}") <= 86_400


async def test_a_live_lease_holds_off_everyone_else(store: Store) -> None:
    await submit(store, "t1")
    run = await claim(store, "t1", "first")
    assert await store.claim("t1", run_id="second", lease_ms=LEASE) == "held"
    assert await store.renew(run, lease_ms=LEASE)


async def test_a_run_that_lost_its_task_cannot_write(store: Store) -> None:
    await submit(store, "t1")
    dead = await lapse(store, "t1", "dead")
    heir = await claim(store, "t1", "heir")
    assert heir.attempt > dead.attempt
    assert not await store.renew(dead, lease_ms=LEASE)
    assert not await store.progress(dead, Progress(percent=99, phase="probe", message="late"))
    assert await store.complete(dead, media(VIDEO), fresh_seconds=60, sources={}, assets={}) is None
    assert await store.fail(dead, problem("internal_error")) is None
    assert await postpone(store, dead) is None
    assert await store.release(dead) is None
    assert await store.complete(heir, media(VIDEO), fresh_seconds=60, sources={}, assets={}) == []


async def test_a_task_killed_too_often_fails_with_a_name(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, analysis_attempts=2)) as store:
        await submit(store, "t1")
        await claim(store, "t1", "a", LAPSED)
        while (answer := await store.claim("t1", run_id="b", lease_ms=LAPSED)) != "exhausted":
            assert isinstance(answer, Claim) or answer == "held"
        task = await store.task("t1")
        assert task is not None
        assert task.problem is not None
        assert (task.state, task.problem.code, task.attempt) == ("failed", "internal_error", 2)
        assert await submit(store, "t2") == ("created", "t2")


async def test_an_orderly_shutdown_gives_the_task_back_without_counting(store: Store) -> None:
    await submit(store, "t1")
    run = await claim(store, "t1", "first")
    assert await store.release(run) == WakeUp("t1", "analyze")
    assert await store.sweep() == [("t1", "analyze")]
    heir = await claim(store, "t1", "second")
    assert heir.attempt == 1


async def test_a_wait_between_attempts_is_in_the_task(store: Store) -> None:
    await submit(store, "t1")
    run = await claim(store, "t1")
    assert await postpone(store, run, wait_ms=60_000) == []
    task = await store.task("t1")
    assert task is not None
    assert task.problem is not None
    assert task.next_attempt_at is not None
    assert (task.state, task.progress.phase, task.problem.code, task.attempt) == ("processing", "waiting", "bot_check", 1)
    assert (task.next_attempt_at - task.updated_at).total_seconds() == 60
    assert await store.claim("t1", run_id="early", lease_ms=LEASE) == "not_due"
    assert await store.sweep() == []


async def test_after_the_wait_the_next_attempt_knows_why(store: Store) -> None:
    await submit(store, "t1")
    assert await postpone(store, await claim(store, "t1")) == [("t1", "analyze")]
    heir = await claim(store, "t1", "second")
    assert heir.attempt == 2
    assert heir.last_problem is not None
    assert heir.last_problem.code == "bot_check"
    task = await store.task("t1")
    assert task is not None
    assert (task.state, task.attempt, task.problem) == ("processing", 2, None)  # it is told while the next attempt is awaited
    assert await store.fail(heir, problem("bot_check")) is not None
    task = await store.task("t1")
    assert task is not None
    assert task.problem is not None


def poor(**sources: Source) -> Extracted:
    return Extracted(media=replace(media(VIDEO), is_degraded=True), sources=sources, assets={"thumbnail": ASSET})


async def test_an_attempt_knows_what_the_one_before_left(store: Store) -> None:
    await submit(store, "t1")
    first = await claim(store, "t1", "first")
    assert first.trail == Trail()
    left = Trail(strategy="proven", refused_exits=frozenset({"a1", "b2"}), best=poor(**{"18": source("18")}))
    await postpone(store, first, left)
    second = await claim(store, "t1", "second")
    assert second.trail == left == (await claim(store, "t1", "second")).trail
    assert 86_000 < await store._redis.ttl("trail:t1") <= 86_400
    await postpone(store, second, Trail(strategy="anew"))
    assert (await claim(store, "t1", "third")).trail == Trail(strategy="anew")


async def test_a_run_that_lost_its_task_leaves_nothing_to_the_next(store: Store) -> None:
    await submit(store, "t1")
    dead = await lapse(store, "t1", "dead")
    await claim(store, "t1", "heir")
    await postpone(store, dead, Trail(strategy="proven"))
    assert not await store._redis.exists("trail:t1")


@pytest.mark.parametrize("end", ["completed", "failed"])
async def test_nothing_is_left_when_the_task_is_over(store: Store, end: str) -> None:
    await submit(store, "t1")
    await postpone(store, await claim(store, "t1"), Trail(strategy="proven", best=poor()))
    last = await claim(store, "t1", "last")
    if end == "completed":
        await store.complete(last, media(VIDEO), fresh_seconds=60, sources={}, assets={})
    else:
        await store.fail(last, problem("bot_check"))
    assert not await store._redis.exists("trail:t1")


async def test_a_task_killed_too_often_completes_with_what_was_found(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, analysis_attempts=2)) as store:
        await submit(store, "t1")
        await postpone(store, await claim(store, "t1", "a"), Trail(strategy="plain", best=poor(**{"137": SOURCE})))
        dead = await lapse(store, "t1", "b")
        assert await store.claim("t1", run_id="c", lease_ms=LEASE) == "exhausted"
        task = await store.task("t1")
        assert task is not None
        assert task.result is not None
        assert (task.state, task.attempt, task.problem, task.progress.phase) == ("completed", 2, None, "done")
        assert task.result.is_degraded
        assert (task.result.fresh_until - task.result.analyzed_at).total_seconds() == 60
        assert await store.source(VIDEO.media_id, "137") == SOURCE
        assert await store.asset(VIDEO.media_id, "thumbnail") == ASSET
        assert await kept(store) == (["标题 🎬"], 216)
        assert not await store._redis.exists("trail:t1")
        assert await store.sweep() == []
        assert await store.fail(dead, problem("internal_error")) is None
        assert await submit(store, "t2") == ("cached", "t1")


async def test_what_an_earlier_program_left_completes_a_task_as_well(settings: Settings) -> None:
    """It knew of no tags."""
    async with open_store(Settings(redis_url=settings.redis_url, analysis_attempts=2)) as store:
        await submit(store, "t1")
        await postpone(store, await claim(store, "t1", "a"), Trail(best=poor(**{"137": SOURCE})))
        await store._redis.hdel("trail:t1", "tags")
        await lapse(store, "t1", "b")
        assert await store.claim("t1", run_id="c", lease_ms=LEASE) == "exhausted"
        assert await store.pair(VIDEO.media_id, "137", "140") == (SOURCE, None, (UNTAGGED,))


async def test_slots_bound_the_analyses_at_once_and_the_next_is_woken(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=1)) as store:
        await submit(store, "t1", Video("a" * 11))
        await submit(store, "t2", Video("b" * 11))
        await submit(store, "t3", Video("c" * 11))
        run = await claim(store, "t1", "r1")
        assert await store.claim("t2", run_id="r2", lease_ms=LEASE) == "no_slot"
        assert await store.sweep() == []
        assert await store.fail(run, problem("video_removed")) == [("t2", "analyze")]
        await claim(store, "t2", "r2")


async def test_a_killed_worker_frees_its_slot_when_its_lease_ends(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=1)) as store:
        await submit(store, "t1", Video("a" * 11))
        await submit(store, "t2", Video("b" * 11))
        await lapse(store, "t1", "dead")
        while not isinstance(answer := await store.claim("t2", run_id="r2", lease_ms=LEASE), Claim):
            assert answer in {"no_slot", "held"}


async def test_a_refresh_does_not_stand_behind_the_queue(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=1, max_queue_length=1)) as store:
        await submit(store, "t1", Video("a" * 11))
        await claim(store, "t1", "r1")
        await submit(store, "t2", Video("b" * 11))
        assert await submit(store, "t3", Video("c" * 11), refresh=True, lane="refresh") == ("created", "t3")
        assert await store.sweep() == [("t3", "refresh")]
        assert (await claim(store, "t3", "r3")).lane == "refresh"
        # Someone waits in the ordinary queue for the video that a download now needs.
        assert await submit(store, "t4", Video("b" * 11), refresh=True, lane="refresh") == ("promoted", "t2")
        assert await store.claim("t2", run_id="r2", lease_ms=LEASE) == "no_slot"  # the one reserved slot is taken


async def test_a_killed_refresh_is_woken_where_ordinary_slots_are_full(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=2)) as store:
        for number, task_id in enumerate(("due1", "due2", "busy1", "busy2")):
            await submit(store, task_id, Video(str(number) * 11))
        for task_id in ("due1", "due2"):
            await postpone(store, await claim(store, task_id, task_id))
        for task_id in ("busy1", "busy2"):
            await claim(store, task_id, task_id)
        assert await store.claim("due1", run_id="r", lease_ms=LEASE) == "no_slot"
        assert await store.sweep() == []
        await submit(store, "refresh", Video("r" * 11), lane="refresh")
        await claim(store, "refresh", "dead", LAPSED)
        async with asyncio.timeout(5):
            while not (woken := await store.sweep()):
                pass
        assert woken == [("refresh", "refresh")]
        await claim(store, "refresh", "heir")


@pytest.mark.parametrize("state", ["running", "waiting"])
async def test_what_a_download_waits_for_is_woken_like_a_refresh(settings: Settings, state: str) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=1)) as store:
        await submit(store, "t1")
        if state == "waiting":
            await postpone(store, await claim(store, "t1", "first"))
        else:
            await claim(store, "t1", "first", LAPSED)
        assert await submit(store, "t2", lane="refresh") == ("promoted", "t1")
        await submit(store, "busy", OTHER)
        async with asyncio.timeout(5):
            while not isinstance(await store.claim("busy", run_id="busy", lease_ms=LEASE), Claim):
                pass
        assert await store.sweep() == [("t1", "refresh")]
        assert await store.renew(await claim(store, "t1", "heir"), lease_ms=LAPSED)
        async with asyncio.timeout(5):
            while await store.sweep() != [("t1", "refresh")]:
                pass


async def test_the_sweep_finds_what_lost_its_message(store: Store) -> None:
    assert await store.sweep() == []
    await submit(store, "t1")
    assert await store.sweep() == [("t1", "analyze")]
    await claim(store, "t1")
    assert await store.sweep() == []


async def test_a_poorer_analysis_leaves_known_sources_alone(store: Store) -> None:
    await submit(store, "t1")
    await store.complete(await claim(store, "t1"), media(VIDEO), fresh_seconds=0, sources={"137": source()}, assets={})
    await submit(store, "t2")
    await store.complete(await claim(store, "t2"), media(VIDEO), fresh_seconds=0, sources={"18": source("18")}, assets={})
    assert await store.source(VIDEO.media_id, "137") is not None
    assert await store.source(VIDEO.media_id, "18") is not None


async def test_a_poorer_result_does_not_replace_a_fresh_complete_one(store: Store) -> None:
    poor = replace(media(VIDEO), is_degraded=True)
    await submit(store, "t1")
    await store.complete(await claim(store, "t1"), media(VIDEO), fresh_seconds=60, sources={}, assets={})
    await submit(store, "t2", refresh=True)
    await store.complete(await claim(store, "t2"), poor, fresh_seconds=60, sources={}, assets={})
    for task_id in ("t1", "t2"):
        task = await store.task(task_id)
        assert task is not None
        assert task.result is not None
        assert not task.result.is_degraded


async def test_a_poorer_result_is_better_than_one_that_is_no_longer_fresh(store: Store) -> None:
    poor = replace(media(VIDEO), is_degraded=True)
    await submit(store, "t1")
    await store.complete(await claim(store, "t1"), media(VIDEO), fresh_seconds=0, sources={}, assets={})
    await submit(store, "t2")
    await store.complete(await claim(store, "t2"), poor, fresh_seconds=60, sources={}, assets={})
    result = await store.media(VIDEO)
    assert result is not None
    assert result.is_degraded


async def called(store: Store, title: str, task_id: str, *, expires_in: float = 3600) -> Media:
    """The result of an analysis that finds the video under this title."""
    await submit(store, task_id, refresh=True)
    found = replace(media(VIDEO), title=title)
    sources = {"137": replace(SOURCE, expires_at=datetime.now(UTC).timestamp() + expires_in)}
    await store.complete(await claim(store, task_id), found, fresh_seconds=60, sources=sources, assets={})
    task = await store.task(task_id)
    assert task is not None
    assert task.result is not None
    return task.result


async def kept(store: Store) -> tuple[list[str], int]:
    """The titles that merged files have or had, the newest first, and for how many hours they are kept."""
    *_, (*known, last) = await store.pair(VIDEO.media_id, "137", "140")
    assert last == UNTAGGED
    return [tags.title for tags in known], round(await store._redis.ttl(TAGS_KEY) / 3600)


async def passed(store: Store, hours: float) -> None:
    """As if all of them had been found so much earlier."""
    await earlier(store._redis, TAGS_KEY, hours=hours)
    await store._redis.pexpire(TAGS_KEY, int(await store._redis.pttl(TAGS_KEY) - hours * 3_600_000))


async def test_two_sources_and_their_tags_are_one_round_trip(store: Store) -> None:
    assert await store.pair(VIDEO.media_id, "137", "140") == (None, None, (UNTAGGED,))
    await called(store, "A", "t1")
    reads, found = [], None
    for _ in range(5):
        before = (await store._redis.info("stats"))["total_reads_processed"]
        found = await store.pair(VIDEO.media_id, "137", "140")
        reads.append((await store._redis.info("stats"))["total_reads_processed"] - before)
    assert min(reads) == 2  # with the second look at the figure; others may have read meanwhile
    known = (tags_of(replace(media(VIDEO), title="A")), UNTAGGED)
    assert found == (await store.source(VIDEO.media_id, "137"), None, known)


async def test_a_title_stays_for_as_long_as_any_result_that_was_made_with_it(store: Store) -> None:
    assert (await called(store, "A", "t1")).title == "A"
    assert await kept(store) == (["A"], 216)
    for number in range(2):
        await passed(store, 12)
        assert (await called(store, "B", f"b{number}", expires_in=1e9)).title == "B"
        assert await kept(store) == (["A"], 216)
    for key in (f"sources:{VIDEO.media_id}", f"media:{VIDEO.url_hash}"):
        assert 0 < await store._redis.ttl(key) <= 25 * 3600  # whatever was made with it ends before it
    await passed(store, 1.1)
    await called(store, "B", "b2")
    assert await kept(store) == (["B", "A"], 216)


async def test_a_title_that_is_found_again_stays_as_long_again(store: Store) -> None:
    await called(store, "A", "t1")
    await passed(store, 186)
    assert await kept(store) == (["A"], 30)
    await called(store, "A", "t2")
    assert await kept(store) == (["A"], 216)
    await called(store, "B", "t3")
    await passed(store, 26)
    await called(store, "A", "t4")
    assert await kept(store) == (["A", "B"], 216)


async def test_a_link_finds_the_title_that_it_was_made_with_for_a_week(store: Store) -> None:
    """Though the video has another one after every result."""
    titles = [str(number) for number in range(12)]
    for title in titles:
        await called(store, title, f"t{title}")
        await passed(store, 25.1)
    known, hours = await kept(store)
    assert known == titles[:2:-1]
    assert len(known) * 25 > 8 * 24
    assert hours > 7 * 24 + 1


async def test_what_is_no_list_of_titles_counts_as_none(store: Store) -> None:
    await called(store, "A", "t1")
    for record in (b"{}", b"\xff"):
        await store._redis.set(TAGS_KEY, record)
        assert await store.pair(VIDEO.media_id, "137", "140") == (await store.source(VIDEO.media_id, "137"), None, (UNTAGGED,))
        assert await store.media(VIDEO) is not None
        assert await store.task("t1") is not None
        await called(store, "B", f"t{record!r}")
        assert await kept(store) == (["B"], 216)


@pytest.mark.parametrize("record", [b"?", b'{"title":1}', msgspec.json.encode(Tags(chapters=(Chapter("标" * 86, 0),)))])
async def test_tags_that_no_file_can_say_are_none(store: Store, record: bytes) -> None:
    await store._redis.zadd(TAGS_KEY, {record: 1})
    assert await store.pair(VIDEO.media_id, "137", "140") == (None, None, (UNTAGGED, UNTAGGED))


async def test_a_merge_has_the_version_that_its_file_would_have(store: Store) -> None:
    """Of a result that was found under one title while files have another."""
    await called(store, "A", "t1")
    known = media(VIDEO)
    found = replace(known, title="B", merges=[merge("140", "140")], formats=replace(known.formats, audio_only=[sound("140")]))
    await submit(store, "t2", refresh=True)
    await store.complete(await claim(store, "t2"), found, fresh_seconds=60, sources={}, assets={})
    version = merged_version("0123456789abcdef", "0123456789abcdef", tags_of(replace(known, title="A")))
    task, submission, newest = (
        await store.task("t2"),
        await store.submit(VIDEO, task_id="t3", refresh=False, lane="analyze"),
        await store.media(VIDEO),
    )
    assert task is not None
    assert submission is not None
    for result in (task.result, submission.task.result, newest):
        assert result is not None
        assert (result.title, [one.version for one in result.merges]) == ("B", [version])


async def test_every_change_is_told(store: Store) -> None:
    async with store.events() as changes:
        await submit(store, "t1")
        assert await anext(changes) == "t1"
        await claim(store, "t1")
        assert await anext(changes) == "t1"


async def test_a_store_that_goes_away_without_a_word_ends_the_events(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    server.start()
    try:
        async with open_store(Settings(redis_url=server.url)) as store, store.events(heartbeat=0.05) as changes:
            waiting = asyncio.ensure_future(anext(changes))
            await asyncio.wait({waiting}, timeout=0.3)  # several heartbeats are answered
            await submit(store, "t1")
            assert await waiting == "t1"
            with server.paused(), pytest.raises(RedisError):
                async with asyncio.timeout(5):
                    await anext(changes)
    finally:
        server.kill()


async def test_a_rate_limit_is_exact_under_concurrency(store: Store) -> None:
    rates = await asyncio.gather(*(store.take("analyze:client", RateLimit(10, 60)) for _ in range(50)))
    assert sum(rate.allowed for rate in rates) == 10
    assert min(rate.remaining for rate in rates) == 0
    assert all(1 <= rate.reset <= 60 for rate in rates)
    assert (await store.take("analyze:another", RateLimit(10, 60))).remaining == 9


async def test_a_download_counts_once_for_all_its_connections(store: Store) -> None:
    async def acquire(download: str, connection: str) -> str:
        return await store.acquire_download(download, connection, capacity=2, connections=3, lease_seconds=10)

    assert [await acquire("d1", f"c{number}") for number in range(4)] == ["ok", "ok", "ok", "too_many_connections"]
    assert await acquire("d2", "c") == "ok"
    assert await acquire("d3", "c") == "too_many_downloads"
    for number in range(3):
        await store.release_download("d1", f"c{number}")
    assert await acquire("d3", "c") == "ok"


async def test_a_killed_replica_frees_its_downloads_when_their_leases_end(store: Store) -> None:
    assert await store.acquire_download("d1", "c", capacity=1, connections=1, lease_seconds=0.001) == "ok"
    async with asyncio.timeout(5):
        while await store.acquire_download("d2", "c", capacity=1, connections=1, lease_seconds=10) != "ok":
            pass


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0"])
async def test_a_store_that_is_away_is_an_error_of_redis(url: str) -> None:
    from redis.exceptions import ConnectionError as StoreConnectionError

    async with open_store(Settings(redis_url=url)) as store:
        with pytest.raises(StoreConnectionError):
            await store.ping()


async def test_who_submits_later_does_not_overtake_who_waits(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=1)) as store:
        for number in range(4):
            await submit(store, f"t{number}", Video(str(number) * 11))
        running = await claim(store, "t0")
        assert await store.claim("t1", run_id="r1", lease_ms=LEASE) == "no_slot"
        assert await store.fail(running, problem("video_private")) == [("t1", "analyze")]
        assert await store.claim("t3", run_id="r3", lease_ms=LEASE) == "not_next"
        await claim(store, "t1", "r1")


async def test_as_many_as_there_are_slots_begin_in_any_order(settings: Settings) -> None:
    async with open_store(Settings(redis_url=settings.redis_url, max_concurrent_analyses=3)) as store:
        for number in range(4):
            await submit(store, f"t{number}", Video(str(number) * 11))
        assert await store.claim("t3", run_id="r3", lease_ms=LEASE) == "not_next"
        for task_id in ("t2", "t1", "t0"):
            await claim(store, task_id, task_id)
