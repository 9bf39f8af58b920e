"""Post a URL, watch it, see every format, download each kind: byte for byte what the source has."""

import asyncio
import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from shared.tags import Chapter, Tags
from tests.merging import whole
from tests.stack import Stack
from tests.youtube import YouTube, catalogue

Formats = list[dict[str, Any]]


def every_format(task: dict[str, Any]) -> Formats:
    groups = task["result"]["formats"]
    return [*groups["combined"], *groups["video_only"], *groups["audio_only"]]


def sha256(stack: Stack, url: str) -> str:
    digest = hashlib.sha256()
    with stack.http.stream("GET", stack.stream_url(url)) as answer:
        assert answer.status_code == 200, answer.read()
        for chunk in answer.iter_bytes():
            digest.update(chunk)
    return digest.hexdigest()


def test_from_a_url_to_every_format(stack: Stack, youtube: YouTube) -> None:
    answer = stack.submit(f"https://youtu.be/{catalogue.ORDINARY}?si=tracked")
    assert answer.status_code == 202
    task = answer.json()
    assert answer.headers["Location"] == f"/v1/status/{task['task_id']}"
    assert (task["state"], task["progress"]["phase"], task["url"]) == (
        "pending",
        "queued",
        f"https://www.youtube.com/watch?v={catalogue.ORDINARY}",
    )
    final = stack.finished(task["task_id"])
    assert final["state"] == "completed", final
    assert final["progress"] == {"percent": 100, "phase": "done", "message": final["progress"]["message"]}
    media = final["result"]
    assert media["title"] == "An ordinary video"
    assert not media["is_degraded"]
    assert media["missing"] == []

    formats = every_format(final)
    assert {item["video_codec"]["family"] for item in formats if item["video_codec"]} >= {"h264", "vp9", "av1"}
    assert {item["audio_codec"]["family"] for item in formats if item["audio_codec"]} >= {"opus", "aac"}
    heights = {item["height"] for item in formats if item["height"]}
    assert {144, 240, 360, 480, 720, 1080, 1440, 2160, 4320} <= heights
    assert any(item["dynamic_range"] not in {"SDR", None} for item in formats)
    assert all(item["size"] and item["is_size_exact"] and item["version"] for item in formats)
    assert len({item["format_id"] for item in formats}) == len(formats)
    assert {pick["kind"] for pick in media["recommended"]} == {"best", "compatible", "audio"}
    assert not youtube.requests.leaving


def test_what_is_recommended_arrives_as_one_file(stack: Stack, youtube: YouTube) -> None:
    result = stack.analyzed(catalogue.CHAPTERS)["result"]
    tags = Tags(
        title="In chapters",
        artist="A channel",
        date="2026-05-04",
        url=result["url"],
        chapters=(Chapter("Beginning", 0), Chapter('Middle & "quotes"', 3000), Chapter("End", 7000)),
    )
    merges = {merge["format_id"]: merge for merge in result["merges"]}
    for pick in result["recommended"][:2]:
        merge = merges[pick["format_id"]]
        head = stack.http.head(stack.stream_url(merge["stream_url"]))
        assert abs(int(head.headers["Content-Length"]) - merge["size"]) < 0.1 * merge["size"]
        assert head.headers["ETag"] == f'"{merge["version"]}"'
        video, audio = (youtube.media(catalogue.CHAPTERS, merge[f"{kind}_format_id"]) for kind in ("video", "audio"))
        content = asyncio.run(whole(video.read(0, video.size), audio.read(0, audio.size), merge["container"], tags))
        assert sha256(stack, merge["stream_url"]) == hashlib.sha256(content).hexdigest()
        assert quote(merge["filename"]) in head.headers["Content-Disposition"]


def test_every_kind_of_format_arrives_as_it_is_at_the_source(stack: Stack, youtube: YouTube) -> None:
    formats = every_format(stack.analyzed(catalogue.ORDINARY))
    one_of_each = {
        (
            item["container"],
            (item["video_codec"] or {}).get("family"),
            (item["audio_codec"] or {}).get("family"),
            item["dynamic_range"],
        ): item
        for item in formats
    }
    assert len(one_of_each) >= 7
    for item in one_of_each.values():
        source = youtube.media(catalogue.ORDINARY, item["format_id"])
        assert item["size"] == source.size
        assert sha256(stack, item["stream_url"]) == source.sha256()


def test_languages_and_their_variants_are_formats_of_their_own(stack: Stack, youtube: YouTube) -> None:
    task = stack.analyzed(catalogue.LANGUAGES)
    audio = task["result"]["formats"]["audio_only"]
    tracks = {(item["audio_track"] or {}).get("id") for item in audio}
    assert len(tracks) >= 3
    originals = [item for item in audio if item["audio_track"] and item["audio_track"]["is_original"]]
    assert originals
    assert all(item["language"] == "en" for item in originals)
    german = next(item for item in audio if item["language"] == "de-DE")
    assert sha256(stack, german["stream_url"]) != sha256(stack, originals[0]["stream_url"])


def test_cover_and_subtitles_come_through_the_gateway(stack: Stack, youtube: YouTube) -> None:
    media = stack.analyzed(catalogue.CAPTIONS)["result"]
    cover = stack.http.get(stack.stream_url(media["thumbnail_url"]))
    assert cover.status_code == 200
    assert cover.headers["Content-Type"].startswith("image/")
    assert {item["subtitle_id"] for item in media["subtitles"]} == {"en", "zh", "en.auto"}
    for item in media["subtitles"]:
        vtt = stack.http.get(stack.stream_url(item["url"]))
        assert vtt.status_code == 200
        assert vtt.headers["Content-Type"].startswith("text/vtt")
        assert vtt.text.startswith("WEBVTT")
        srt = stack.http.get(stack.stream_url(item["url"]).replace(".vtt", ".srt"))
        assert srt.status_code == 200
        assert " --> " in srt.text


def test_chapters_and_a_hostile_title(stack: Stack) -> None:
    chapters = stack.analyzed(catalogue.CHAPTERS)["result"]["chapters"]
    assert [chapter["title"] for chapter in chapters] == ["Beginning", 'Middle & "quotes"', "End"]
    media = stack.analyzed(catalogue.UNICODE)["result"]
    item = media["formats"]["combined"][0]
    answer = stack.http.head(stack.stream_url(item["stream_url"]))
    assert answer.status_code == 200
    assert "X-Injected" not in answer.headers
    disposition = answer.headers["Content-Disposition"]
    assert disposition.isascii()
    assert "filename*=UTF-8''" in disposition
    assert not set(item["filename"]) & set('/\\:*?"<>|\r\n\x00\u202e')


def test_progress_is_real_and_never_goes_back(stack: Stack) -> None:
    task_id = stack.submit(catalogue.ORDINARY).json()["task_id"]
    seen: list[tuple[int, str]] = []
    with stack.http.stream("GET", f"{stack.part('status').base}/v1/status/events", params={"task_id": task_id}) as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line.startswith("data:"):
                import json

                task = json.loads(line.removeprefix("data:"))
                seen.append((task["progress"]["percent"], task["progress"]["phase"]))
                assert (task["result"] is not None) == (task["state"] == "completed")
    percents = [percent for percent, _ in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    phases = {phase for _, phase in seen}
    assert phases >= {"page", "player_response", "js_challenge", "done"}


def test_a_fresh_result_is_answered_at_once_and_in_the_past_tense(stack: Stack, youtube: YouTube) -> None:
    first = stack.analyzed(catalogue.QUICK)
    youtube.requests.clear()
    again = stack.submit(f"https://www.youtube.com/shorts/{catalogue.QUICK}")
    assert again.status_code == 200
    assert again.json() == first
    assert len(youtube.requests) == 0
    fresh = datetime.fromisoformat(first["result"]["fresh_until"]) - datetime.fromisoformat(first["result"]["analyzed_at"])
    assert fresh.total_seconds() == 3600
    refreshed = stack.submit(catalogue.QUICK, refresh=True)
    assert refreshed.status_code == 202
    assert refreshed.json()["task_id"] != first["task_id"]
    assert stack.finished(refreshed.json()["task_id"])["state"] == "completed"


@pytest.mark.parametrize("video", [catalogue.WAS_LIVE, catalogue.POST_LIVE])
def test_a_stream_that_has_ended_is_a_video(stack: Stack, video: str) -> None:
    task = stack.analyzed(video)
    assert task["state"] == "completed"
    assert task["result"]["live_status"] in {"was_live", "post_live"}
