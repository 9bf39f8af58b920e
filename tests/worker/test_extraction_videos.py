"""Every kind of video, through the real yt-dlp and deno."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.strategies import Strategy
from shared.schemas import Format, Media, Progress
from tests import youtube as videos
from tests.worker.extraction_attempts import attempt, extracting, settings_for
from tests.youtube import YouTube

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as running:
        yield running


@pytest.fixture(autouse=True)
def _as_new(youtube: YouTube) -> None:
    youtube.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def extractor(youtube: YouTube) -> AsyncIterator[Extractor]:
    async with extracting(settings_for(youtube)) as opened:
        yield opened


async def complete(extractor: Extractor, video_id: str) -> Media:
    outcome = await attempt(extractor, video_id)
    assert outcome.verdict == "complete", outcome.problem
    assert outcome.facts is not None
    return outcome.facts.media


def every(media: Media) -> list[Format]:
    return [*media.formats.combined, *media.formats.video_only, *media.formats.audio_only]


async def test_everything_there_is(extractor: Extractor, youtube: YouTube) -> None:
    outcome = await attempt(extractor, videos.ORDINARY)
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.is_degraded, outcome.missing) == ("complete", False, [])
    media, sources = outcome.facts.media, outcome.facts.sources
    formats = media.formats

    assert media.title == "An ordinary video"
    assert media.channel.name == "A channel"
    assert (media.duration, media.view_count, media.live_status) == (10, 1234567, "not_live")
    assert media.published_at is not None
    assert media.published_at.isoformat() == "2026-05-04T17:00:00+00:00"
    assert {item.resolution for item in formats.video_only} >= {"144p", "1080p", "1440p60", "2160p60", "4320p60"}
    assert {item.video_codec.family for item in formats.video_only if item.video_codec} == {"av1", "vp9", "h264"}
    assert {item.audio_codec.family for item in formats.audio_only if item.audio_codec} == {"opus", "aac"}
    assert {item.dynamic_range for item in formats.video_only} == {"SDR", "HDR10"}
    assert [item.format_id for item in formats.combined] == ["18"]
    assert formats.video_only[0].resolution == "4320p60"
    assert formats.audio_only[0].format_id == "251"
    picks = {pick.kind: pick.format_id for pick in media.recommended}
    assert picks == {"best": f"{formats.video_only[0].format_id}+140", "compatible": "299+140", "audio": "251"}
    assert {merge.video_format_id for merge in media.merges} == {item.format_id for item in formats.video_only}
    assert {merge.audio_format_id for merge in media.merges} == {"140", "251"}
    assert set(picks.values()) <= {merge.format_id for merge in media.merges} | {"251"}
    assert set(sources) == {item.format_id for item in every(media)}
    different = [item for item in every(media) if item.format_id != "571"]  # to a person, the same as 402
    assert len({item.filename for item in different}) == len(different)
    assert set(outcome.facts.assets) == {"thumbnail"}

    for item in every(media):
        file, source = youtube.media(videos.ORDINARY, item.format_id), sources[item.format_id]
        assert (item.size, item.is_size_exact) == (file.size, True)
        assert item.version == source.version
        assert source.identity.itag == item.format_id
        assert source.identity.lmt is not None
        assert source.headers["User-Agent"].startswith("Mozilla/5.0")
        assert (source.family, source.exit != "") == (None, True)
    source = sources["137"]
    assert source.content_type == "video/mp4"
    assert source.init_range is not None
    assert source.index_range is not None
    assert source.init_range.end <= source.index_range.start


async def test_progress_is_told_as_it_happens(extractor: Extractor) -> None:
    seen: list[Progress] = []
    await attempt(extractor, videos.QUICK, seen=seen)
    percents = [progress.percent for progress in seen]
    assert percents == sorted(percents)
    assert list(dict.fromkeys(progress.phase for progress in seen)) == [
        "page",
        "player_response",
        "js_challenge",
        "formats",
        "probe",
    ]


async def test_a_player_is_loaded_and_taken_apart_once(extractor: Extractor, youtube: YouTube) -> None:
    await complete(extractor, videos.QUICK)
    youtube.requests.clear()
    await complete(extractor, videos.CHAPTERS)  # its last byte is only handed out for a right signature
    assert not youtube.requests.of("player_js")
    assert [request.status for request in youtube.requests.media] == [206, 206]


async def test_probe_asks_for_one_byte_of_the_best(extractor: Extractor, youtube: YouTube) -> None:
    media = await complete(extractor, videos.HUGE)
    asked = {(request.itag, request.range, request.method) for request in youtube.requests if request.kind == "media"}
    best, audio = media.formats.video_only[0], media.formats.audio_only[0]
    assert asked == {
        (int(item.format_id), (item.size - 1, item.size - 1), "GET") for item in (best, audio) if item.size is not None
    }


async def test_languages(extractor: Extractor) -> None:
    media = await complete(extractor, videos.LANGUAGES)
    aac = {item.format_id: item for item in media.formats.audio_only if item.format_id.startswith("140")}
    assert set(aac) == {"140.en", "140.en.drc", "140.de-DE", "140.zh-CN"}
    original, dubbed = aac["140.en"], aac["140.de-DE"]
    assert original.language == "en"
    assert original.audio_track is not None
    assert (original.audio_track.is_original, original.audio_track.is_default) == (True, True)
    assert dubbed.audio_track is not None
    assert (dubbed.audio_track.name, dubbed.audio_track.is_original) == ("German (Germany)", False)
    assert media.formats.audio_only[0].format_id == "251.en"


async def test_format_ids_do_not_depend_on_the_strategy(extractor: Extractor) -> None:
    ids = []
    for clients in ((), ("visionos",), ("tv_samsung",)):
        outcome = await attempt(extractor, videos.LANGUAGES, strategy=Strategy(name="x", clients=clients))
        assert outcome.facts is not None
        ids.append(sorted(outcome.facts.sources))
    assert ids[0] == ids[1] == ids[2]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", format_id) for format_id in ids[0])


async def test_super_resolution(extractor: Extractor) -> None:
    media = await complete(extractor, videos.SUPER_RESOLUTION)
    assert {item.format_id for item in media.formats.video_only} == {"136", "247", "398", "137.sr", "248.sr", "399.sr"}


async def test_subtitles_without_machine_translations(extractor: Extractor) -> None:
    outcome = await attempt(extractor, videos.CAPTIONS)
    assert outcome.facts is not None
    subtitles = outcome.facts.media.subtitles
    assert [(item.subtitle_id, item.language, item.is_automatic) for item in subtitles] == [
        ("en", "en", False),
        ("zh", "zh", False),
        ("en.auto", "en", True),
    ]
    names = {f"subtitles/{item.subtitle_id}.{extension}" for item in subtitles for extension in ("vtt", "srt")}
    assert set(outcome.facts.assets) == {"thumbnail", *names}
    assert "tlang" not in "".join(asset.url for asset in outcome.facts.assets.values())


async def test_chapters(extractor: Extractor) -> None:
    media = await complete(extractor, videos.CHAPTERS)
    assert [(chapter.title, chapter.start, chapter.end) for chapter in media.chapters] == [
        ("Beginning", 0, 3),
        ('Middle & "quotes"', 3, 7),
        ("End", 7, 10),
    ]


async def test_hostile_title(extractor: Extractor) -> None:
    media = await complete(extractor, videos.UNICODE)
    for item in every(media):
        assert len(item.filename.encode()) <= 200
        assert not set(item.filename) & set('\r\n\x00\x07\u202e<>:"/\\|?*')
        assert "日本語" in item.filename
        assert f"[{videos.UNICODE}]" in item.filename


async def test_missing_lengths_are_filled(extractor: Extractor, youtube: YouTube) -> None:
    media = await complete(extractor, videos.UNKNOWN_LENGTH)
    for item in every(media):
        assert item.size == youtube.media(videos.UNKNOWN_LENGTH, item.format_id).size
        assert item.version is not None


async def test_a_file_that_comes_after_the_attempt_s_end_is_offered_unproved(extractor: Extractor, youtube: YouTube) -> None:
    youtube.edit(videos.ADVERTISED, ad_seconds=120)
    outcome = await attempt(extractor, videos.ADVERTISED)
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.facts.is_proved) == ("complete", False)
    media = outcome.facts.media
    assert all(item.available_at is not None and item.available_at > media.analyzed_at for item in every(media))
    assert not [request for request in youtube.requests if request.kind == "media"]


@pytest.mark.parametrize(("video_id", "status"), [(videos.WAS_LIVE, "was_live"), (videos.POST_LIVE, "post_live")])
async def test_past_live_streams(extractor: Extractor, video_id: str, status: str) -> None:
    assert (await complete(extractor, video_id)).live_status == status


@pytest.mark.parametrize(
    ("video_id", "code"),
    [
        (videos.PRIVATE, "video_private"),
        (videos.REMOVED, "video_removed"),
        (videos.TERMINATED, "video_removed"),
        (videos.UNAVAILABLE, "video_unavailable"),
        ("nothing-is0", "video_unavailable"),
        (videos.AGE_RESTRICTED, "age_restricted"),
        (videos.GEO_BLOCKED, "geo_blocked"),
        (videos.MEMBERS_ONLY, "members_only"),
        (videos.DRM, "drm_protected"),
        (videos.LIVE, "live_now"),
        (videos.UPCOMING, "not_yet_available"),
        (videos.PREMIERE, "not_yet_available"),
    ],
)
async def test_final_at_once(extractor: Extractor, video_id: str, code: str) -> None:
    outcome = await attempt(extractor, video_id)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code, outcome.facts) == ("final", code, None)
    assert "cookies" not in outcome.problem.detail


@pytest.mark.parametrize(
    ("video_id", "code"),
    [
        (videos.BOT_CHECK, "bot_check"),
        (videos.SESSION_RATE_LIMITED, "source_rate_limited"),
        (videos.RATE_LIMITED, "source_rate_limited"),
        (videos.CAPTCHA, "captcha_required"),
    ],
)
async def test_worth_another_attempt(extractor: Extractor, video_id: str, code: str) -> None:
    outcome = await attempt(extractor, video_id)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code, outcome.facts) == ("retry", code, None)


@pytest.mark.parametrize(
    ("video_id", "code", "missing"),
    [
        (videos.SABR_ONLY, "formats_incomplete", {"tv_samsung": "sabr_only", "visionos": "sabr_only", "web": "sabr_only"}),
        (
            videos.PLAYER_RATE_LIMITED,
            "source_rate_limited",
            {"tv_samsung": "source_rate_limited", "visionos": "source_rate_limited", "web": "token_provider_unavailable"},
        ),
        (videos.TOKEN_MISSING, "token_provider_unavailable", {"web": "token_provider_unavailable"}),
    ],
)
async def test_little_is_not_everything(extractor: Extractor, video_id: str, code: str, missing: dict[str, str]) -> None:
    outcome = await attempt(extractor, video_id)
    assert outcome.problem is not None
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.problem.code, outcome.is_degraded) == ("degraded", code, True)
    assert {item.client: item.code for item in outcome.missing} == missing
    assert len(outcome.missing) == len(missing)
    assert all(item.formats[0].startswith("1080p") for item in outcome.missing)
    assert [item.format_id for item in every(outcome.facts.media)] == ["18"]
    assert outcome.facts.media.missing == outcome.missing
    assert outcome.facts.media.is_degraded


async def test_a_refused_page_costs_nothing(extractor: Extractor) -> None:
    media = await complete(extractor, videos.PAGE_RATE_LIMITED)
    assert media.formats.video_only[0].resolution == "1080p60"


async def test_what_only_exists_in_segments_is_named(extractor: Extractor) -> None:
    outcome = await attempt(extractor, videos.SEGMENTED)
    assert (outcome.verdict, outcome.is_degraded) == ("complete", True)
    named = [(item.client, item.code, item.formats) for item in outcome.missing]
    assert named == [(client, "segmented_only", ["1080p", "1080p60"]) for client in ("tv_samsung", "visionos", "web")]
