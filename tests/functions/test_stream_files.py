"""What the stream function answers, on a real socket, with the stand-in for YouTube as the source."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shared.links import Links
from shared.settings import RateLimit, Settings
from shared.store import Store
from shared.urls import Video
from tests.streaming import Gateway, gateway, settings_behind, source_of, until
from tests.youtube import CAPTIONS, LARGE, ORDINARY, QUICK, Fault, Status, YouTube

PATH = f"/v1/stream/{ORDINARY}/137"
KEY = "the access key of ours"


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


@pytest.fixture
def settings(youtube: YouTube, redis_url: str) -> Settings:
    return settings_behind(youtube, redis_url=redis_url)


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings) -> AsyncIterator[Gateway]:
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(ORDINARY)
        yield opened


@pytest.fixture
def content(youtube: YouTube) -> bytes:
    file = youtube.media(ORDINARY, "137")
    return file.read(0, file.size)


async def flushed(stream: Gateway) -> None:
    """As when the store has forgotten everything."""
    await stream.store._redis.flushall()


async def test_the_whole_file(stream: Gateway, settings: Settings, content: bytes) -> None:
    answer = await stream.http.get(PATH)
    source = source_of(stream.youtube, ORDINARY, "137", settings)
    assert answer.status_code == 200
    assert answer.content == content
    headers = answer.headers
    assert headers["Content-Length"] == str(len(content))
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"] == f'"{source.version}"'
    assert headers["Last-Modified"].endswith(" GMT")
    assert headers["Cache-Control"] == "private"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''A%20title%20%E2%80%93%20%E6%A0%87%E9%A2%98" in headers["Content-Disposition"]
    assert "Content-Range" not in headers
    assert "Transfer-Encoding" not in headers


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=1000-", 1000, None),
        ("bytes=-7", -7, None),
        ("bytes=5-99999999999", 5, None),
    ],
)
async def test_one_range(stream: Gateway, content: bytes, value: str, first: int, last: int | None) -> None:
    answer = await stream.http.get(PATH, headers={"Range": value})
    start = first % len(content)
    end = len(content) if last is None else last + 1
    assert answer.status_code == 206
    assert answer.content == content[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(content)}"
    assert answer.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("value", ["bytes=0-1,5-6", "bytes=x", "items=0-1", "bytes=9-1"])
async def test_what_is_not_one_range_is_the_whole_file(stream: Gateway, content: bytes, value: str) -> None:
    answer = await stream.http.get(PATH, headers={"Range": value})
    assert (answer.status_code, answer.content) == (200, content)


@pytest.mark.parametrize("value", ["bytes=-0", "bytes=99999999999-"])
async def test_what_does_not_exist_is_416(stream: Gateway, content: bytes, value: str) -> None:
    answer = await stream.http.get(PATH, headers={"Range": value})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"
    assert not stream.youtube.requests.media


async def test_conditions(stream: Gateway, content: bytes) -> None:
    head = (await stream.http.head(PATH)).headers
    tag, date = head["ETag"], head["Last-Modified"]

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await stream.http.get(PATH, headers=named)).status_code

    assert await status(If_None_Match=tag) == 304
    assert await status(If_Modified_Since=date) == 304
    assert await status(If_Match='"0000000000000000"') == 412
    assert await status(If_Match=tag) == 200
    assert await status(If_Range=tag, Range="bytes=1-2") == 206
    assert await status(If_Range=date, Range="bytes=1-2") == 206
    assert await status(If_Range='"0000000000000000"', Range="bytes=1-2") == 200
    not_modified = await stream.http.get(PATH, headers={"If-None-Match": tag})
    assert not_modified.content == b""
    assert not_modified.headers["ETag"] == tag
    failed = await stream.http.get(PATH, headers={"If-Match": '"x"'})
    assert failed.json()["code"] == "source_changed"


async def test_a_list_may_come_over_several_lines(stream: Gateway, content: bytes) -> None:
    tag = (await stream.http.head(PATH)).headers["ETag"]

    async def status(*fields: tuple[str, str]) -> int:
        return (await stream.http.get(PATH, headers=list(fields))).status_code

    assert await status(("If-None-Match", '"a"'), ("If-None-Match", f'"b", {tag}')) == 304
    assert await status(("If-Match", '"a"'), ("If-Match", tag)) == 200
    assert await status(("If-Match", '"a"'), ("If-Match", '"b"')) == 412
    assert await status(("Range", "bytes=0-1"), ("Range", "bytes=5-6")) == 200
    assert await status(("Range", "bytes=0-1"), ("If-Range", tag), ("If-Range", '"b"')) == 200


async def test_head_asks_nobody_and_ignores_a_range(stream: Gateway, content: bytes) -> None:
    answer = await stream.http.head(PATH, headers={"Range": "bytes=1-2"})
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(content))
    assert not stream.youtube.requests.media
    keep = await stream.http.head(PATH)
    assert keep.headers["ETag"] == answer.headers["ETag"]


async def test_inline(stream: Gateway) -> None:
    answer = await stream.http.head(PATH, params={"inline": "1"})
    assert answer.headers["Content-Disposition"].startswith("inline; filename=")
    assert (await stream.http.head(PATH, params={"inline": "0"})).headers["Content-Disposition"].startswith("attachment")


async def test_a_version_holds_or_fails(stream: Gateway, settings: Settings, content: bytes) -> None:
    version = source_of(stream.youtube, ORDINARY, "137", settings).version
    assert (await stream.http.get(PATH, params={"version": version})).content == content
    other = await stream.http.get(PATH, params={"version": "0" * 16}, headers={"Range": "bytes=5-"})
    assert (other.status_code, other.json()["code"]) == (412, "source_changed")
    for method in ("GET", "HEAD"):
        assert (await stream.http.request(method, PATH, params={"version": "0" * 16})).status_code == 412
    for bad in ("nothex", "", "0" * 15, "0" * 17, "G" * 16):
        assert (await stream.http.get(PATH, params={"version": bad})).status_code == 422


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/v1/stream/{ORDINARY}/999", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/137.en", 404, "unknown_format"),
        ("/v1/stream/short/137", 404, "unknown_format"),
        ("/v1/stream/-----------x/137", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/{'1' * 200}", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/13%007", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/format:137", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/137+251", 422, "incompatible_formats"),
        (f"/v1/stream/{ORDINARY}/137%2B251", 422, "incompatible_formats"),
        (f"/v1/stream/{ORDINARY}/137+999", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/999%2B140", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/137+140+251", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/+", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/subtitles/xx.vtt", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}/subtitles/en.exe", 404, "unknown_format"),
        (f"/v1/stream/{ORDINARY}", 404, "not_found"),
    ],
)
async def test_what_is_not_there(stream: Gateway, path: str, status: int, code: str) -> None:
    answer = await stream.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert stream.analyst.analyses == [ORDINARY]
    assert not stream.youtube.requests.media


async def test_a_person_gets_a_page(stream: Gateway) -> None:
    answer = await stream.http.get(f"/v1/stream/{ORDINARY}/999", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_post_is_not_allowed(stream: Gateway) -> None:
    answer = await stream.http.post(PATH)
    assert answer.status_code in {405, 415}


async def test_an_unknown_video_is_analysed_on_demand(stream: Gateway) -> None:
    answer = await stream.http.get(f"/v1/stream/{QUICK}/137")
    assert hashlib.sha256(answer.content).hexdigest() == stream.youtube.media(QUICK, "137").sha256()
    assert stream.analyst.analyses == [ORDINARY, QUICK]


async def test_many_at_once_are_one_analysis(stream: Gateway) -> None:
    answers = await asyncio.gather(*(stream.http.head(f"/v1/stream/{QUICK}/137") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert stream.analyst.analyses == [ORDINARY, QUICK]


async def test_a_failed_analysis_answers_with_its_own_code(stream: Gateway) -> None:
    stream.analyst.fails_with = "video_private"
    answer = await stream.http.get(f"/v1/stream/{QUICK}/137")
    assert (answer.status_code, answer.json()["code"]) == (403, "video_private")


async def test_an_analysis_that_takes_long_is_pending(stream: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.source.WAIT_FOR_ANALYSIS", 0.1)
    stream.analyst.is_idle = True
    answer = await stream.http.get(f"/v1/stream/{QUICK}/137")
    assert (answer.status_code, answer.json()["code"]) == (503, "analysis_pending")
    assert int(answer.headers["Retry-After"]) > 0


async def test_what_another_exit_found_is_refreshed(stream: Gateway, content: bytes) -> None:
    await stream.analyst.analyze(ORDINARY, exit="another")
    answer = await stream.http.get(PATH)
    assert answer.content == content
    assert stream.analyst.analyses == [ORDINARY] * 3


async def test_what_has_expired_is_refreshed(stream: Gateway, content: bytes) -> None:
    end = time.time() + 0.5
    await stream.analyst.analyze(ORDINARY, expires_at=end)
    await until(lambda: time.time() > end)
    answer = await stream.http.get(PATH)
    assert answer.content == content
    assert len(stream.analyst.analyses) == 3


async def test_a_link_is_a_capability_for_one_file(youtube: YouTube, store: Store, settings: Settings) -> None:
    locked = replace(settings, access_key=KEY)
    links = Links(locked)
    async with gateway(youtube, store, locked) as stream:
        await stream.analyst.analyze(ORDINARY)
        version = source_of(youtube, ORDINARY, "137", locked).version
        assert (await stream.http.get(PATH)).status_code == 401
        link = links.stream(ORDINARY, "137", version)
        assert (await stream.http.head(link)).status_code == 200
        assert (await stream.http.head(link + "&inline=1")).status_code == 200
        for changed in (
            link.replace("/137?", "/140?"),
            link.replace(version, "0" * 16),
            link.replace(ORDINARY, QUICK),
            link[:-1] + "x",
        ):
            assert (await stream.http.get(changed)).status_code == 403
        expired = links.stream(ORDINARY, "137", version, now=time.time() - 30 * 86_400)
        assert (await stream.http.get(expired)).json()["code"] == "invalid_signature"
        assert (await stream.http.head(PATH, headers={"Authorization": f"Bearer {KEY}"})).status_code == 200
        assert (await stream.http.head(links.stream(ORDINARY, "thumbnail"))).status_code == 200
        assert (await stream.http.head(f"/v1/stream/{ORDINARY}/thumbnail")).status_code == 401
        assert (await stream.http.head(links.stream(ORDINARY, "137+140"))).status_code == 200
        assert (await stream.http.head(links.stream(ORDINARY, "137+140").replace("137+140", "137+139"))).status_code == 403


async def test_cover_and_subtitles(stream: Gateway) -> None:
    cover = await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail")
    assert cover.status_code == 200
    assert cover.headers["Content-Type"] == "image/jpeg"
    assert cover.headers["Content-Disposition"].startswith("inline")
    assert cover.content.startswith(b"\xff\xd8")
    tag = cover.headers["ETag"]
    assert (await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail", headers={"If-None-Match": tag})).status_code == 304
    for form, media_type in (("vtt", "text/vtt; charset=utf-8"), ("srt", "application/x-subrip; charset=utf-8")):
        answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/subtitles/en.{form}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Length"] == str(len(answer.content))
        head = await stream.http.head(f"/v1/stream/{CAPTIONS}/subtitles/en.{form}")
        assert head.headers["ETag"] == answer.headers["ETag"]
        assert head.content == b""


@pytest.mark.parametrize(
    ("where", "path"), [("thumbnail", f"/v1/stream/{CAPTIONS}/thumbnail"), ("caption", f"/v1/stream/{CAPTIONS}/subtitles/en.vtt")]
)
async def test_an_asset_that_fails_once(stream: Gateway, where: Any, path: str) -> None:
    stream.youtube.fault(Fault(where, Status(503), times=1))
    assert (await stream.http.get(path)).status_code == 200


async def test_refused_subtitles_are_looked_for_again_and_a_refused_cover_is_not(stream: Gateway) -> None:
    stream.youtube.fault(Fault("caption", Status(403), times=1))
    assert (await stream.http.get(f"/v1/stream/{CAPTIONS}/subtitles/en.vtt")).status_code == 200
    assert stream.analyst.analyses == [ORDINARY, CAPTIONS, CAPTIONS]
    stream.youtube.fault(Fault("thumbnail", Status(404)))
    answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail")
    assert (answer.status_code, answer.json()["code"]) == (502, "source_refused")
    assert len(stream.analyst.analyses) == 3


async def test_subtitles_that_stay_refused_are_not_analysed_for_everybody_who_asks(stream: Gateway) -> None:
    stream.youtube.fault(Fault("caption", Status(403)))
    for _ in range(3):
        answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/subtitles/en.vtt")
        assert (answer.status_code, answer.json()["code"]) == (502, "source_refused")
    assert stream.analyst.analyses == [ORDINARY, CAPTIONS, CAPTIONS]


async def test_analyses_on_demand_are_counted_against_the_client(youtube: YouTube, store: Store, settings: Settings) -> None:
    async with gateway(youtube, store, replace(settings, rate_limit=RateLimit(1, 60))) as stream:
        await stream.analyst.analyze(ORDINARY, exit="another")
        await stream.analyst.analyze(CAPTIONS)
        stream.youtube.fault(Fault("caption", Status(403)))
        stream.youtube.fault(Fault("media", Status(403)))
        assert (await stream.http.head(f"/v1/stream/{QUICK}/137")).status_code == 200
        for path in (PATH, f"/v1/stream/{CAPTIONS}/subtitles/en.vtt", f"/v1/stream/{QUICK}/137", f"/v1/stream/{LARGE}/137"):
            answer = await stream.http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
            assert int(answer.headers["Retry-After"]) > 0
        assert stream.analyst.analyses == [ORDINARY, CAPTIONS, QUICK]


async def test_a_full_queue_is_told_before_the_first_byte(youtube: YouTube, store: Store, settings: Settings) -> None:
    async with gateway(youtube, store, replace(settings, max_queue_length=1)) as stream:
        await stream.analyst.analyze(ORDINARY)
        stream.analyst.is_idle = True
        await store.submit(Video(LARGE), task_id="waiting", refresh=True, lane="analyze")
        stream.youtube.fault(Fault("media", Status(403)))
        answer = await stream.http.get(PATH)
        assert (answer.status_code, answer.json()["code"]) == (503, "queue_full")


async def test_a_poor_analysis_does_not_kill_a_link(stream: Gateway, content: bytes) -> None:
    version = (await stream.http.head(PATH)).headers["ETag"].strip('"')

    async def resume() -> httpx.Response:
        return await stream.http.get(PATH, params={"version": version}, headers={"Range": "bytes=5-"})

    await flushed(stream)
    stream.analyst.finds_only = frozenset({"18"})
    stream.analyst.degraded_seconds = 1
    poor = await resume()
    assert (poor.status_code, poor.json()["code"]) == (502, "formats_incomplete")
    assert poor.headers["Retry-After"] == "1"
    stream.analyst.finds_only = None
    async with asyncio.timeout(20):
        while (answer := await resume()).status_code == 502:
            pass
    assert (answer.status_code, answer.content) == (206, content[5:])
    assert stream.analyst.analyses == [ORDINARY] * 3


async def test_an_asset_has_an_upper_bound(stream: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.assets.MAX_ASSET", 100)
    answer = await stream.http.get(f"/v1/stream/{CAPTIONS}/thumbnail")
    assert (answer.status_code, answer.json()["code"]) == (502, "source_unreadable")


async def test_a_large_file_in_ranges_of_any_client(youtube: YouTube, store: Store, settings: Settings) -> None:
    async with gateway(youtube, store, settings) as stream:
        path, file = f"/v1/stream/{LARGE}/137", youtube.media(LARGE, "137")
        part = file.size // 8
        ranges = [(index * part, (index + 1) * part - 1) for index in range(8)]
        answers = await asyncio.gather(*(stream.http.get(path, headers={"Range": f"bytes={a}-{b}"}) for a, b in ranges))
        assert hashlib.sha256(b"".join(answer.content for answer in answers)).hexdigest() == file.sha256()
        for request in youtube.requests.media:
            assert request.range is not None
            assert request.range[1] is not None
            assert request.range[1] - request.range[0] < 10 * 1024 * 1024


async def test_the_document_agrees(stream: Gateway) -> None:
    document = (await stream.http.get("/v1/stream/openapi.json")).json()
    assert {"/v1/stream/{media_id}/{format_id}", "/v1/stream/{media_id}/thumbnail"} <= set(document["paths"])
    assert {"get", "head"} <= set(document["paths"]["/v1/stream/{media_id}/{format_id}"])
    assert (await stream.http.get("/readyz")).status_code == 200
