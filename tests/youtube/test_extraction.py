"""The real yt-dlp against the stand-in."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from yt_dlp.utils import DownloadError

import tests.youtube as stand_in
from tests.youtube import YouTube
from tests.youtube.conftest import Extract

REFUSED = {
    stand_in.UPCOMING: "This live event will begin in",
    stand_in.PREMIERE: "Premieres in 20 hours",
    stand_in.PRIVATE: "Private video. Sign in if you've been granted access",
    stand_in.REMOVED: "Video unavailable. This video has been removed by the uploader",
    stand_in.TERMINATED: "account associated with this video has been terminated",
    stand_in.UNAVAILABLE: "Video unavailable",
    stand_in.AGE_RESTRICTED: "Sign in to confirm your age",
    stand_in.GEO_BLOCKED: "The uploader has not made this video available in your country",
    stand_in.MEMBERS_ONLY: "Join this channel to get access to members-only content",
    stand_in.DRM: "Requested format is not available",
    stand_in.BOT_CHECK: "Sign in to confirm you’re not a bot",
    stand_in.BOT_CHECK_UNTIL_TOKEN: "Sign in to confirm you’re not a bot",
    stand_in.SESSION_RATE_LIMITED: "The current session has been rate-limited",
    stand_in.CAPTCHA: "YouTube is requiring a captcha challenge before playback",
    stand_in.RATE_LIMITED: "Failed to extract any player response",
    "nobody-know": "Video unavailable. This video isn't available anymore",
}
ONLY_ITAG_18 = [stand_in.SABR_ONLY, stand_in.PLAYER_RATE_LIMITED, stand_in.TOKEN_MISSING]


def media_formats(info: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["format_id"]: entry for entry in info["formats"] if entry["ext"] != "mhtml"}


def test_ordinary_video_has_every_family_and_height(youtube: YouTube, extract: Extract) -> None:
    info = extract(stand_in.ORDINARY)
    formats = media_formats(info)
    assert (info["title"], info["channel"], info["duration"], info["live_status"]) == (
        "An ordinary video",
        "A channel",
        10,
        "not_live",
    )
    assert set(formats) == {str(itag) for itag in youtube.video(stand_in.ORDINARY).itags}
    assert {entry.get("height") for entry in formats.values()} == {None, 144, 240, 360, 480, 720, 1080, 1440, 2160, 4320}
    assert {entry["vcodec"].partition(".")[0] for entry in formats.values()} == {"avc1", "vp9", "vp09", "av01", "none"}
    assert {entry["acodec"].partition(".")[0] for entry in formats.values()} == {"mp4a", "opus", "none"}
    assert {entry["dynamic_range"] for entry in formats.values()} == {None, "SDR", "HDR10"}
    for format_id, entry in formats.items():
        assert entry["filesize"] == youtube.media(stand_in.ORDINARY, format_id).size


def test_solved_challenges_open_the_media(youtube: YouTube, extract: Extract, client: httpx.Client) -> None:
    url = media_formats(extract(stand_in.QUICK))["137"]["url"]
    assert "c=TVHTML5" in url
    assert client.get(url).content == youtube.media(stand_in.QUICK, "137").read(0, 1 << 30)
    assert [request.client for request in youtube.requests.of("player")] == ["TVHTML5", "VISIONOS"]


def test_without_a_player_the_plain_urls_of_visionos_remain(youtube: YouTube, extract: Extract) -> None:
    youtube.fault(stand_in.Fault("player_js", stand_in.Status(404)))
    formats = media_formats(extract(stand_in.QUICK))
    assert set(formats) == {"18", "137", "248", "140", "251"}
    assert all("c=VISIONOS" in entry["url"] for entry in formats.values())


def test_yt_dlp_with_its_own_trust(youtube: YouTube) -> None:
    environment = {
        **os.environ,
        "SSL_CERT_FILE": str(youtube.ca_file),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "yt_dlp", "--no-config", "--compat-options", "no-certifi", "--proxy", youtube.socks_proxy]
    command += ["--no-cache-dir", "-O", "%(title)s", "-f", "18", f"https://www.youtube.com/watch?v={stand_in.QUICK}"]
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "A quick video\n"


@pytest.mark.parametrize(("video_id", "message"), REFUSED.items())
def test_refused(extract: Extract, video_id: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        extract(video_id)


@pytest.mark.parametrize("video_id", ONLY_ITAG_18)
def test_degraded_without_an_error(extract: Extract, video_id: str) -> None:
    assert set(media_formats(extract(video_id))) == {"18"}


def test_page_alone_refused_is_no_loss(extract: Extract) -> None:
    assert len(media_formats(extract(stand_in.PAGE_RATE_LIMITED))) == len(stand_in.VIDEOS[stand_in.PAGE_RATE_LIMITED].itags)


@pytest.mark.parametrize(
    ("video_id", "live_status"), {stand_in.LIVE: "is_live", stand_in.WAS_LIVE: "was_live", stand_in.POST_LIVE: "post_live"}.items()
)
def test_live_status(extract: Extract, video_id: str, live_status: str) -> None:
    info = extract(video_id)
    assert info["live_status"] == live_status
    assert media_formats(info)


def test_hostile_title_arrives_whole(youtube: YouTube, extract: Extract) -> None:
    assert extract(stand_in.UNICODE)["title"] == youtube.video(stand_in.UNICODE).title


def test_captions(extract: Extract, client: httpx.Client) -> None:
    info = extract(stand_in.CAPTIONS)
    assert set(info["subtitles"]) == {"en", "zh"}
    assert "en-orig" in info["automatic_captions"]
    chinese = {entry["ext"]: entry["url"] for entry in info["subtitles"]["zh"]}
    assert client.get(chinese["vtt"]).text.startswith("WEBVTT")
    assert "00:00:02,500 --> 00:00:05,000\n第二行" in client.get(chinese["srt"]).text


def test_languages(youtube: YouTube, extract: Extract, client: httpx.Client) -> None:
    audio = [entry for entry in media_formats(extract(stand_in.LANGUAGES)).values() if entry["url"].count("itag=140&")]
    assert {(entry["language"], "drc" in entry["format_id"]) for entry in audio} == {
        ("en", False),
        ("en", True),
        ("de-DE", False),
        ("zh-CN", False),
    }
    german = next(entry["url"] for entry in audio if entry["language"] == "de-DE")
    assert client.get(german).content == youtube.media(stand_in.LANGUAGES, "140.de-DE").read(0, 1 << 30)


def test_super_resolution(extract: Extract) -> None:
    assert {"137-sr", "248-sr", "399-sr"} < set(media_formats(extract(stand_in.SUPER_RESOLUTION)))


def test_chapters(extract: Extract) -> None:
    assert [chapter["start_time"] for chapter in extract(stand_in.CHAPTERS)["chapters"]] == [0, 3, 7]


def test_segmented_formats_are_left_out(extract: Extract) -> None:
    assert not {"137", "248", "399"} & set(media_formats(extract(stand_in.SEGMENTED)))


def test_unknown_length(extract: Extract) -> None:
    assert media_formats(extract(stand_in.UNKNOWN_LENGTH))["137"]["filesize"] is None


def test_media_waits_for_the_advertisement(youtube: YouTube, extract: Extract, client: httpx.Client) -> None:
    entry = media_formats(extract(stand_in.ADVERTISED))["140"]
    assert entry["available_at"] > 0
    assert client.get(entry["url"]).status_code == 403
    youtube.edit(stand_in.ADVERTISED, ad_seconds=0)
    assert client.get(entry["url"]).status_code == 200


def test_tokens(youtube: YouTube, extract: Extract, client: httpx.Client) -> None:
    assert set(media_formats(extract(stand_in.QUICK, player_client=["mweb"]))) == {"18"}
    url = media_formats(extract(stand_in.QUICK, player_client=["mweb"], po_token=["mweb.gvs+dG9rZW4="]))["137"]["url"]
    assert client.get(url).status_code == 200
    assert youtube.requests.media[-1].po_token == "dG9rZW4="
    youtube.reject_tokens("dG9rZW4=")
    assert client.get(url).status_code == 403


def test_player_token_ends_the_bot_check(extract: Extract) -> None:
    arguments = {"player_client": ["mweb"], "po_token": ["mweb.player+dG9rZW4=", "mweb.gvs+dG9rZW4="]}
    assert "137" in media_formats(extract(stand_in.BOT_CHECK_UNTIL_TOKEN, **arguments))


def test_cover(extract: Extract, client: httpx.Client) -> None:
    answer = client.get(extract(stand_in.QUICK)["thumbnail"])
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")
