"""Two formats as one file, on a real socket: lengths, ranges, conditions, resumes, and whatever YouTube does meanwhile."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.merge import choice
from functions.stream.merge.kept import packed
from functions.stream.merge.layout import AUDIO, OWN, VIDEO, Layout, Span
from functions.stream.merge.layouts import Layouts
from functions.stream.merge.reader import read
from shared.merges import merged_version
from shared.settings import Settings
from shared.sources import ByteRange
from shared.store import Store
from shared.tags import tags_of
from tests.merging import Merged, head_of
from tests.streaming import Gateway, earlier, gateway, result_of, settings_behind, source_of, until
from tests.youtube import (
    HUGE,
    LANGUAGES,
    LARGE,
    ORDINARY,
    Effect,
    Fault,
    IgnoredRange,
    Redirect,
    Slow,
    SourceChanged,
    Stall,
    Status,
    YouTube,
)

SHORT: Final = f"/v1/stream/{ORDINARY}/137+140"
LONG: Final = f"/v1/stream/{LARGE}/137+140"
MIB: Final = 1 << 20


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving
    running.clear()


@pytest.fixture(scope="module")
def short(running: YouTube) -> Merged:
    """Without fragments."""
    return Merged(running, ORDINARY, "137", "140")


@pytest.fixture(scope="module")
def long(running: YouTube) -> Merged:
    """With fragments: most of what these files hold is no media."""
    made = Merged(running, LARGE, "137", "140")
    assert made.layout.form == "mp4"
    return made


@pytest.fixture
def settings(youtube: YouTube, redis_url: str) -> Settings:
    return settings_behind(youtube, redis_url=redis_url)


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings) -> AsyncIterator[Gateway]:
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(ORDINARY)
        await opened.analyst.analyze(LARGE)
        yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff without its length."""
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.005)


def asked(youtube: YouTube, itag: int | None = None) -> int:
    """Bytes that were asked of YouTube."""
    requests = [request for request in youtube.requests.media if itag in {None, request.itag}]
    return sum((request.range[1] or 0) - request.range[0] + 1 for request in requests if request.range)


@pytest.mark.parametrize(
    ("pair", "form", "media_type"),
    [
        ("137+140", "progressive", "video/mp4"),
        ("399+139", "progressive", "video/mp4"),
        ("248+251", "webm", "video/webm"),
        ("337+249", "webm", "video/webm"),
    ],
)
async def test_the_whole_file(stream: Gateway, settings: Settings, pair: str, form: str, media_type: str) -> None:
    video, audio = pair.split("+")
    expected = Merged(stream.youtube, ORDINARY, video, audio)
    assert expected.layout.form == form
    answer = await stream.http.get(f"/v1/stream/{ORDINARY}/{pair}")
    assert answer.status_code == 200
    assert answer.content == await expected.read()
    headers = answer.headers
    sources = [source_of(stream.youtube, ORDINARY, name, settings) for name in (video, audio)]
    assert headers["Content-Length"] == str(expected.size)
    assert headers["Content-Type"] == media_type
    assert headers["ETag"] == f'"{merged_version(sources[0].version, sources[1].version, expected.tags)}"'
    assert "Last-Modified" not in headers
    assert headers["Accept-Ranges"] == "bytes"
    name = f"A title  [{ORDINARY}] {video} {audio}.mp4"
    assert headers["Content-Disposition"].startswith(f'attachment; filename="{" ".join(name.split())}"')
    head = await stream.http.head(f"/v1/stream/{ORDINARY}/{pair}")
    assert (head.headers["Content-Length"], head.headers["ETag"]) == (headers["Content-Length"], headers["ETag"])
    quoted = await stream.http.head(f"/v1/stream/{ORDINARY}/{pair.replace('+', '%2B')}")
    assert quoted.headers["ETag"] == headers["ETag"]


async def test_no_byte_of_a_source_is_read_twice(stream: Gateway, long: Merged) -> None:
    head = await stream.http.head(LONG)
    assert head.headers["Content-Length"] == str(long.size)
    stream.youtube.requests.clear()
    received = bytearray()
    await collect(stream, received)
    assert received == await long.read()
    for itag in (137, 140):
        assert asked(stream.youtube, itag) <= stream.youtube.media(LARGE, itag).size
        ranges = sorted(request.range for request in stream.youtube.requests.media if request.itag == itag and request.range)
        assert all(first[1] is not None and first[1] < second[0] for first, second in pairwise(ranges))


async def test_ranges_and_how_little_they_take(stream: Gateway, short: Merged) -> None:
    await stream.http.head(SHORT)
    chance = random.Random(3)
    for _ in range(40):
        start = chance.randrange(short.size)
        end = min(short.size, start + chance.choice([1, 100, 10_000, 100_000]))
        before = asked(stream.youtube)
        answer = await stream.http.get(SHORT, headers={"Range": f"bytes={start}-{end - 1}"})
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{short.size}"
        assert answer.content == await short.read(start, end)
        assert asked(stream.youtube) - before <= end - start + 10_000
    suffix = await stream.http.get(SHORT, headers={"Range": "bytes=-7"})
    assert suffix.content == await short.read(short.size - 7)
    none = await stream.http.get(SHORT, headers={"Range": f"bytes={short.size}-"})
    assert (none.status_code, none.headers["Content-Range"]) == (416, f"bytes */{short.size}")
    several = await stream.http.get(SHORT, headers={"Range": "bytes=0-1,5-6"})
    assert (several.status_code, len(several.content)) == (200, short.size)


async def test_conditions(stream: Gateway) -> None:
    head = (await stream.http.head(SHORT)).headers
    tag = head["ETag"]
    date = (await stream.http.head(f"/v1/stream/{ORDINARY}/137")).headers["Last-Modified"]

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await stream.http.get(SHORT, headers=named)).status_code

    assert await status(If_None_Match=tag) == 304
    # No date proves anything: the same sources under another title are another file.
    assert await status(If_Modified_Since=date) == 200
    assert await status(If_Range=date, Range="bytes=1-2") == 200
    assert await status(If_Match='"0000000000000000"') == 412
    assert await status(If_Range=tag, Range="bytes=1-2") == 206
    assert await status(If_Range='"0000000000000000"', Range="bytes=1-2") == 200


async def test_head_reads_the_heads_alone(stream: Gateway, long: Merged) -> None:
    head = await stream.http.head(LONG)
    assert head.headers["Content-Length"] == str(long.size)
    # Both beginnings, those of all fragments, and, since these are not full, of what fills them, and what is behind the last ones.
    assert len(stream.youtube.requests.media) <= 2 * (3 + len(long.layout.spans[1:]))
    assert asked(stream.youtube) < 100_000
    before = len(stream.youtube.requests.media)
    await stream.http.head(LONG)
    assert len(stream.youtube.requests.media) == before


@pytest.mark.parametrize("video", ["137", "401"])
async def test_a_film_of_more_than_a_hundred_gigabytes(stream: Gateway, video: str) -> None:
    stream.youtube.edit(HUGE, sizes={int(video): 110 << 30})
    await stream.analyst.analyze(HUGE)
    path = f"/v1/stream/{HUGE}/{video}+140"
    files = stream.youtube.media(HUGE, video), stream.youtube.media(HUGE, "140")
    first, second = (head_of(file.read(0, 100_000), "mp4", size=file.size) for file in files)
    layout = choice.plan(first, second, tags_of(result_of(stream.youtube, HUGE)))

    async def source(origin: int, part: ByteRange) -> AsyncGenerator[bytes, None]:
        yield files[origin].read(part.start, part.end)

    head = await stream.http.head(path)
    assert int(head.headers["Content-Length"]) == layout.size > 110 << 30
    for start in (0, (4 << 30) - 5_000, layout.size // 2, layout.size - 10_000):
        answer = await stream.http.get(path, headers={"Range": f"bytes={start}-{start + 9_999}"})
        expected = [chunk async for chunk in read(layout, ByteRange(start, start + 10_000), source)]
        assert answer.content == b"".join(expected)


async def test_a_version_holds_or_fails(stream: Gateway) -> None:
    version = (await stream.http.head(SHORT)).headers["ETag"].strip('"')
    assert (await stream.http.get(SHORT, params={"version": version})).status_code == 200
    before = len(stream.youtube.requests.media)
    other = await stream.http.get(SHORT, params={"version": "0" * 16})
    assert (other.status_code, other.json()["code"]) == (412, "source_changed")
    assert len(stream.youtube.requests.media) == before


@pytest.mark.parametrize("pair", ["137+251", "248+140", "140+137", "137+137", "140+140", "18+140", "248+18"])
async def test_pairs_that_are_no_file(stream: Gateway, pair: str) -> None:
    answer = await stream.http.get(f"/v1/stream/{ORDINARY}/{pair}")
    assert (answer.status_code, answer.json()["code"]) == (422, "incompatible_formats")
    assert answer.json()["detail"] != answer.json()["title"]
    assert asked(stream.youtube) < 100_000


async def test_a_language_of_several(stream: Gateway) -> None:
    tags = set()
    for audio in ("140.en", "140.de-DE", "140.en.drc", "139.zh-CN"):
        answer = await stream.http.get(f"/v1/stream/{LANGUAGES}/137+{audio}")
        assert answer.content == await Merged(stream.youtube, LANGUAGES, "137", audio).read()
        tags.add(answer.headers["ETag"])
    assert len(tags) == 4


async def test_many_at_once_are_one_plan(stream: Gateway, short: Merged) -> None:
    answers = await asyncio.gather(*(stream.http.head(SHORT) for _ in range(10)))
    assert {answer.headers["Content-Length"] for answer in answers} == {str(short.size)}
    parts = [request.range for request in stream.youtube.requests.media]
    assert len(parts) == len(set(parts))
    assert max(request.concurrency for request in stream.youtube.requests.media) <= 4


async def test_one_download_is_one_lease(stream: Gateway, redis_url: str) -> None:
    async with (
        stream.http.stream("GET", LONG) as first,
        stream.http.stream("GET", LONG, headers={"Range": "bytes=50000000-"}) as second,
        Redis.from_url(redis_url) as redis,
    ):
        assert (first.status_code, second.status_code) == (200, 206)
        assert await redis.zcard("leases:downloads") == 1


async def test_headers_are_no_download(youtube: YouTube, store: Store, settings: Settings) -> None:
    """What is read for a file that is to be sent is part of its download: nothing is read where there is no room for it."""
    async with gateway(youtube, store, replace(settings, max_concurrent_downloads=1)) as stream:
        await stream.analyst.analyze(ORDINARY)
        await stream.analyst.analyze(LARGE)
        async with stream.http.stream("GET", LONG) as answer:
            assert answer.status_code == 200
            refused = await stream.http.get(SHORT)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_downloads")
            assert {request.video_id for request in youtube.requests.media} == {LARGE}
            assert (await stream.http.head(SHORT)).status_code == 200


async def test_clients_wait_for_their_turn_to_have_layouts_found(
    stream: Gateway, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    """Two of one client, so many of all of them; nobody is refused for it, unless it takes too long."""
    names = [f"{video}+140" for video in (133, 134, 135, 136, 137, 160)]
    held = stream.youtube.fault(Fault("media", Stall(), video_id=ORDINARY))

    def planned() -> set[int | None]:
        return {request.itag for request in stream.youtube.requests.media} - {140}

    async with asyncio.TaskGroup() as group:
        heads = [group.create_task(stream.http.head(f"/v1/stream/{ORDINARY}/{name}")) for name in names]
        await until(lambda: len(planned()) == 2)
        async with Redis.from_url(redis_url) as redis:
            assert await redis.zcard("leases:downloads") == 0
        monkeypatch.setattr("functions.stream.merge.turns.PATIENCE", 0.05)
        refused = await stream.http.head(f"/v1/stream/{ORDINARY}/298+140")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "10")
        assert len(planned()) == 2
        held.remove()
    assert {head.result().status_code for head in heads} == {200}
    assert len(planned()) == len(names)
    assert max(request.concurrency for request in stream.youtube.requests.media) <= 2 * 4


async def connections(redis: Redis, count: int) -> None:
    """Returns when the leases of the download under way are so many."""
    async with asyncio.timeout(5):
        while True:
            if sum([await redis.zcard(key) for key in await redis.keys("leases:download:*")]) == count:
                return
            await asyncio.sleep(0.01)  # the pace of a poll


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_that_leaves_while_a_layout_is_found_leaves_nothing_behind(
    stream: Gateway, short: Merged, redis_url: str, method: str
) -> None:
    held = stream.youtube.fault(Fault("media", Stall(), video_id=ORDINARY))
    first, second = (asyncio.create_task(stream.http.request(method, SHORT)) for _ in range(2))
    await until(lambda: len(stream.youtube.requests.media) == 2)
    reading = stream.youtube.requests.media
    async with Redis.from_url(redis_url) as redis:
        first.cancel()
        second.cancel()
        await until(lambda: all(request.ended for request in reading))
        await connections(redis, 0)
    held.remove()
    assert len(stream.youtube.requests.media) == 2
    assert (await stream.http.get(SHORT)).content == await short.read()


async def test_a_client_that_leaves_leaves_a_layout_to_those_who_wait_for_it(
    stream: Gateway, short: Merged, redis_url: str
) -> None:
    held = stream.youtube.fault(Fault("media", Stall(), video_id=ORDINARY))
    first = asyncio.create_task(stream.http.get(SHORT))
    await until(lambda: len(stream.youtube.requests.media) == 2)
    async with Redis.from_url(redis_url) as redis:
        second = asyncio.create_task(stream.http.get(SHORT))
        await connections(redis, 2)
        first.cancel()
        await connections(redis, 1)
    held.remove()
    assert (await second).content == await short.read()
    begun = [request for request in stream.youtube.requests.media if request.itag == 140 and request.range and not request.range[0]]
    assert len(begun) == 1, "the file's head was read once"


async def test_what_is_refused_without_reading_is_no_download(youtube: YouTube, store: Store, settings: Settings) -> None:
    async with gateway(youtube, store, replace(settings, max_concurrent_downloads=1)) as stream:
        await stream.analyst.analyze(ORDINARY)
        await stream.analyst.analyze(LARGE)
        async with stream.http.stream("GET", LONG):
            refused = await stream.http.get(f"/v1/stream/{ORDINARY}/137+251")
            assert (refused.status_code, refused.json()["code"]) == (422, "incompatible_formats")


async def test_room_that_is_taken_between_the_plan_and_the_first_byte(
    youtube: YouTube, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is held in between: it is as if the client had come a moment later."""

    class Slow(Layouts):
        async def of(self, *what: Any, **how: Any) -> Layout:
            found = await super().of(*what, **how)
            await store.acquire_download("another", "one", capacity=1, connections=16, lease_seconds=60)
            return found

    monkeypatch.setattr("functions.stream.app.Layouts", Slow)
    async with gateway(youtube, store, replace(settings, max_concurrent_downloads=1)) as stream:
        await stream.analyst.analyze(ORDINARY)
        refused = await stream.http.get(SHORT)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_downloads")
        assert "ETag" not in refused.headers
        await store.release_download("another", "one")


async def test_a_plan_that_takes_too_long(stream: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.merge.layouts.PATIENCE", 0.3)
    held = stream.youtube.fault(Fault("media", Stall(), itag=140))
    answer = await stream.http.get(SHORT)
    assert (answer.status_code, answer.json()["code"]) == (504, "source_timeout")
    held.remove()
    assert (await stream.http.get(SHORT)).status_code == 200


async def test_another_replica_makes_no_plan_of_its_own(
    stream: Gateway, youtube: YouTube, store: Store, settings: Settings, short: Merged
) -> None:
    middle = short.size // 2
    first = await stream.http.get(SHORT, headers={"Range": f"bytes=0-{middle - 1}"})
    async with gateway(youtube, store, settings) as other:
        before = asked(youtube)
        rest = await other.http.get(SHORT, headers={"Range": f"bytes={middle}-", "If-Range": first.headers["ETag"]})
        assert rest.status_code == 206
        assert first.content + rest.content == await short.read()
        assert asked(youtube) - before < short.size - middle + 5_000


async def test_what_the_store_holds_is_read_or_made_anew(
    stream: Gateway, youtube: YouTube, store: Store, settings: Settings, short: Merged, redis_url: str
) -> None:
    tag = (await stream.http.head(SHORT)).headers["ETag"]
    async with Redis.from_url(redis_url) as redis:
        key = f"layout:{tag.strip(chr(34))}"
        assert 3_500 < await redis.ttl(key) <= 3_600
        right = await redis.get(key)
        beyond = replace(short.layout, spans=(*short.layout.spans, Span(OWN, len(short.layout.own), 1)))
        for wrong in (b"?", b"", b"\xff\xfe", packed(replace(short.layout, spans=())), packed(beyond)):
            await redis.set(key, wrong)
            async with gateway(youtube, store, settings) as other:
                assert (await other.http.head(SHORT)).headers["Content-Length"] == str(short.size)
            assert await redis.get(key) == right


async def test_a_layout_in_the_store_stays_for_as_long_as_it_is_asked_for(
    stream: Gateway, youtube: YouTube, store: Store, settings: Settings, redis_url: str
) -> None:
    tag = (await stream.http.head(SHORT)).headers["ETag"]
    async with Redis.from_url(redis_url) as redis, gateway(youtube, store, settings) as other:
        key = f"layout:{tag.strip(chr(34))}"
        await redis.expire(key, 60)
        await other.http.head(SHORT)
        assert 3_500 < await redis.ttl(key) <= 3_600


async def curl(base: str, path: Path, *more: str) -> int:
    arguments = ["curl", "-sS", "--fail", "--noproxy", "*", "-C", "-", "-o", str(path), *more, base]
    return await (await asyncio.create_subprocess_exec(*arguments)).wait()


@pytest.mark.parametrize("track", [VIDEO, AUDIO])
@pytest.mark.parametrize("expired", [None, 137, 140])
async def test_curl_goes_on_in_the_middle_of_either_track(
    stream: Gateway,
    youtube: YouTube,
    store: Store,
    settings: Settings,
    long: Merged,
    tmp_path: Path,
    track: int,
    expired: int | None,
) -> None:
    """On another replica, and with a URL that is refused by now."""
    at = 0
    for span in long.layout.spans:
        if span.origin == track and span.number > 3:
            break
        at += span.size
    at += span.size // 2
    path = tmp_path / "merged.mp4"
    path.write_bytes(await long.read(0, at))
    if expired is not None:
        await stream.http.head(LONG)
        youtube.fault(Fault("media", Status(403), itag=expired, times=1))
    async with gateway(youtube, store, settings) as other:
        assert await curl(other.base + LONG, path) == 0
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(await long.read()).digest()


@pytest.mark.parametrize("itag", [137, 140])
async def test_curl_goes_on_when_the_time_of_a_url_has_passed(
    stream: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, itag: int
) -> None:
    """Of one source: between two downloads, and again in the middle of the second."""
    stream.youtube.edit(LARGE, lifetimes={itag: 2}, sizes={137: 4 * MIB, 140: MIB})
    file = Merged(stream.youtube, LARGE, "137", "140")
    await stream.analyst.analyze(LARGE)
    path, begun = tmp_path / "merged.mp4", file.size // 4
    path.write_bytes((await stream.http.get(LONG, headers={"Range": f"bytes=0-{begun - 1}"})).content)
    source = await stream.store.source(LARGE, str(itag))
    assert source is not None
    await until(lambda: time.time() > source.expires_at)
    before = len(stream.youtube.requests)
    for bound in ("FIRST_PIECE", "MAX_RANGE"):
        monkeypatch.setattr(f"functions.stream.window.{bound}", MIB // 16)  # there is always something to be asked for
    stream.youtube.fault(Fault("media", Slow(file.size / 4, is_shared=True)))  # for longer than a URL lives
    assert await curl(stream.base + LONG, path) == 0
    refused = [request for request in stream.youtube.requests[before:] if request.status == 403]
    assert {request.itag for request in refused} == {itag}
    assert path.read_bytes() == await file.read()


async def test_urls_that_expire_while_bytes_flow(stream: Gateway, long: Merged) -> None:
    received = bytearray()
    async with stream.http.stream("GET", LONG) as answer:
        async for chunk in answer.aiter_raw():
            if not received:
                stream.youtube.fault(Fault("media", Status(403), itag=137, times=1))
                stream.youtube.fault(Fault("media", Status(403), itag=140, times=1))
            received += chunk
    assert received == await long.read()
    assert stream.analyst.analyses.count(LARGE) in {2, 3}


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        (Status(403), 502, "source_refused"),
        (Status(500), 502, "source_refused"),
        (IgnoredRange(), 502, "source_unreadable"),
        (Redirect("foreign"), 502, "source_unreadable"),
        (SourceChanged(), 412, "source_changed"),
    ],
    ids=str,
)
@pytest.mark.parametrize("itag", [137, 140])
@pytest.mark.parametrize("is_planned", [True, False])
@pytest.mark.usefixtures("hasty")
async def test_what_lasts_has_a_name_before_the_first_byte(
    stream: Gateway, effect: Effect, status: int, code: str, itag: int, is_planned: bool
) -> None:
    if is_planned:
        await stream.http.head(LONG)
    stream.youtube.fault(Fault("media", effect, itag=itag))
    answer = await stream.http.get(LONG)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "ETag" not in answer.headers
    assert "googlevideo" not in answer.text


@pytest.mark.parametrize("itag", [137, 140])
@pytest.mark.usefixtures("hasty")
async def test_what_lasts_breaks_the_connection_after_the_first_byte(stream: Gateway, long: Merged, itag: int) -> None:
    span = next(span for span in long.layout.spans if span.origin == (itag == 140) and span.number > 3)
    stream.youtube.fault(Fault("media", Status(403), itag=itag, covers=span.offset + 1000))
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        await collect(stream, received)
    assert 0 < len(received) < long.size
    assert received == await long.read(0, len(received))


@pytest.mark.parametrize("itag", [137, 140])
async def test_another_file_behind_one_format_is_never_mixed_in(stream: Gateway, long: Merged, itag: int) -> None:
    received = bytearray()

    def change() -> None:
        stream.youtube.edit(LARGE, revision=1)
        stream.youtube.fault(Fault("media", Status(403), itag=itag, times=1))

    with pytest.raises(httpx.RemoteProtocolError):
        await collect(stream, received, change)
    assert received == await long.read(0, len(received))


@pytest.mark.parametrize("is_planned", [True, False])
async def test_a_link_without_a_version_serves_the_new_files(stream: Gateway, is_planned: bool) -> None:
    if is_planned:
        await stream.http.head(SHORT)
    stream.youtube.edit(ORDINARY, revision=1)
    stream.youtube.fault(Fault("media", Status(403), itag=140, times=1))
    answer = await stream.http.get(SHORT)
    assert answer.content == await Merged(stream.youtube, ORDINARY, "137", "140").read()
    assert (await stream.http.head(SHORT)).headers["ETag"] == answer.headers["ETag"]


async def test_a_link_with_a_version_fails_when_a_file_is_another(stream: Gateway) -> None:
    version = (await stream.http.head(SHORT)).headers["ETag"].strip('"')
    stream.youtube.edit(ORDINARY, revision=1)
    await stream.analyst.analyze(ORDINARY)
    answer = await stream.http.get(SHORT, params={"version": version}, headers={"Range": "bytes=5-"})
    assert (answer.status_code, answer.json()["code"]) == (412, "source_changed")


async def test_a_title_that_is_tried_out_changes_no_file(
    stream: Gateway, youtube: YouTube, store: Store, settings: Settings, short: Merged, redis_url: str
) -> None:
    whole, middle = await short.read(), short.size // 2
    first = await stream.http.get(SHORT, headers={"Range": f"bytes=0-{middle - 1}"})
    version = first.headers["ETag"].strip('"')
    assert short.tags.title.encode() in first.content
    youtube.edit(ORDINARY, title="Another title 标题")
    await stream.analyst.analyze(ORDINARY)
    async with gateway(youtube, store, settings) as other, Redis.from_url(redis_url) as redis:
        await redis.delete(f"layout:{version}")
        rest = await other.http.get(SHORT, params={"version": version}, headers={"Range": f"bytes={middle}-"})
        assert (rest.status_code, first.content + rest.content) == (206, whole)
        # Nor does it when the title has become another one: the link goes on with its own, new ones are made with the new.
        await earlier(redis, f"tags:{ORDINARY}", hours=26)
        await stream.analyst.analyze(ORDINARY)
        rest = await other.http.get(SHORT, params={"version": version}, headers={"Range": f"bytes={middle}-"})
        assert (rest.status_code, first.content + rest.content) == (206, whole)
        renamed = Merged(youtube, ORDINARY, "137", "140")
        assert renamed.tags.title == "Another title 标题"
        newest = await other.http.get(SHORT)
        assert newest.content == await renamed.read() != whole
        again = await other.http.head(SHORT, params={"version": newest.headers["ETag"].strip('"')})
        assert again.headers["ETag"] == newest.headers["ETag"]


async def test_a_date_does_not_splice_two_files(stream: Gateway, youtube: YouTube, redis_url: str) -> None:
    """The same sources, which have a date, under another title."""
    first = await stream.http.get(SHORT, headers={"Range": "bytes=0-99999"})
    date = (await stream.http.head(f"/v1/stream/{ORDINARY}/140")).headers["Last-Modified"]
    youtube.edit(ORDINARY, title="Another title, much longer than the one before")
    async with Redis.from_url(redis_url) as redis:
        await earlier(redis, f"tags:{ORDINARY}", hours=26)
    await stream.analyst.analyze(ORDINARY)
    rest = await stream.http.get(SHORT, headers={"Range": "bytes=100000-", "If-Range": date})
    assert (rest.status_code, rest.headers["ETag"] == first.headers["ETag"]) == (200, False)


async def test_a_running_download_keeps_its_layout(stream: Gateway, youtube: YouTube, long: Merged, redis_url: str) -> None:
    """Whatever its video is called by now, and though its URLs end."""
    received = bytearray()
    async with Redis.from_url(redis_url) as redis, stream.http.stream("GET", LONG) as answer:
        async for chunk in answer.aiter_raw():
            if not received:
                youtube.edit(LARGE, title="Another title")
                await redis.delete(f"tags:{LARGE}")
                await stream.analyst.analyze(LARGE)
                youtube.fault(Fault("media", Status(403), itag=137, times=1))
            received += chunk
    assert received == await long.read()


async def test_without_tags_there_is_a_file_without_tags(stream: Gateway, youtube: YouTube, redis_url: str) -> None:
    """As of a video that a program analysed which knew none."""
    version = (await stream.http.head(SHORT)).headers["ETag"].strip('"')
    bare = Merged(youtube, ORDINARY, "137", "140", is_tagged=False)
    async with Redis.from_url(redis_url) as redis:
        for record in (None, "?", '{"title":1}'):
            await redis.delete(f"tags:{ORDINARY}")
            if record is not None:
                await redis.zadd(f"tags:{ORDINARY}", {record: 1})
            refused = await stream.http.get(SHORT, params={"version": version})
            assert (refused.status_code, refused.json()["code"]) == (412, "source_changed")
            assert (await stream.http.get(SHORT)).content == await bare.read()


async def test_damage_in_a_source_ends_the_download(stream: Gateway, long: Merged, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same URL, size and date, but not what the index says."""
    await stream.http.head(LONG)
    span = long.layout.spans[-1]
    file = stream.youtube.media(LARGE, 137 if span.origin == VIDEO else 140)
    damaged = replace_at(file.read(0, file.size), span.offset + 4, b"free")

    def chunks(start: int, end: int) -> Iterator[bytes]:
        for at in range(start, end, MIB):
            yield damaged[at : min(at + MIB, end)]

    monkeypatch.setattr(file.content, "chunks", chunks)
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        await collect(stream, received)
    assert received == await long.read(0, len(received))


def replace_at(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


async def collect(stream: Gateway, received: bytearray, begun: object = None) -> None:
    """The whole file, as far as it comes; ``begun`` is called at its first byte."""
    async with stream.http.stream("GET", LONG) as answer:
        assert answer.status_code == 200
        async for chunk in answer.aiter_raw():
            if not received and callable(begun):
                begun()
            received += chunk
