"""yt-dlp's formats and facts as ours."""

from typing import Any
from urllib.parse import urlencode

import pytest

from functions.analyze.extraction import exits
from functions.analyze.extraction.formats import Candidate, candidates
from functions.analyze.extraction.labels import audio_codec, resolution, video_codec
from functions.analyze.extraction.media import extracted, subtitles
from functions.analyze.extraction.probe import Answer, judged, seconds_to_wait, to_probe
from functions.analyze.extraction.wire import Chapter, Info, Listed, Offer, Span, Track
from shared.sources import Family

MEDIA_ID = "dQw4w9WgXcQ"
NOW = 1_800_000_000.0


def listing(itag: int, *, xtags: str = "", clen: int | None = 1000, ip: str = "198.51.100.7", **changes: Any) -> Listed:
    query = {"itag": itag, "ip": ip, "expire": int(NOW) + 3600, "lmt": 1700910890644428}
    query |= {"clen": clen} if clen else {}
    query |= {"xtags": xtags} if xtags else {}
    values: dict[str, Any] = {
        "format_id": f"{itag}-0",
        "url": f"https://rr1---sn-x.googlevideo.com/videoplayback?{urlencode(query)}",
        "protocol": "https",
        "ext": "mp4",
        "width": 1920,
        "height": 1080,
        "fps": 30,
        "tbr": 1234.567,
        "filesize": clen,
        "vcodec": "avc1.640028",
        "acodec": "none",
        "dynamic_range": "SDR",
        "http_headers": {"User-Agent": "UA", "Cookie": "no", "Accept": "*/*"},
    }
    return Listed(**{**values, **changes})


def sound(itag: int = 140, **changes: Any) -> Listed:
    return listing(
        itag, **{"ext": "m4a", "vcodec": "none", "acodec": "mp4a.40.2", "width": None, "height": None, "tbr": 128.0, **changes}
    )


def offer(itag: int, **changes: Any) -> Offer:
    values: dict[str, Any] = {
        "client": "tv", "itag": str(itag), "mime": "", "xtags": "",
        "quality_label": None, "height": None, "fps": None, "transfer": None,
        "track_id": None, "track_name": None, "is_default_track": False, "is_drc": False, "is_drm": False, "is_segmented": False,
        "has_url": True, "init": None, "index": None,
    }  # fmt: skip
    return Offer(**{**values, **changes})


def digest(family: Family | None) -> str:
    return f"exit of {family}"


def found(*listed: Listed, offers: list[Offer] | None = None, is_proxied: bool = False, **info: Any) -> list[Candidate]:
    known = Info(id=MEDIA_ID, title="Title", formats=list(listed), **info)
    return candidates(known, offers or [], media_id=MEDIA_ID, exit_digest=digest, is_proxied=is_proxied, now=NOW)


def test_a_format_and_its_source() -> None:
    (candidate,) = found(listing(137), offers=[offer(137, init=Span(0, 740), index=Span(740, 900), quality_label="1080p")])
    made, source = candidate.format, candidate.source
    assert (made.format_id, made.resolution, made.bitrate, made.size) == ("137", "1080p", 1_234_567, 1000)
    assert (made.container, made.extension, made.filename) == ("mp4", "mp4", f"Title [{MEDIA_ID}] 1080p video.mp4")
    assert made.version == source.version
    assert source.headers == {"User-Agent": "UA", "Accept": "*/*"}
    assert (source.identity.lmt, source.identity.size, source.expires_at) == (1700910890644428, 1000, NOW + 3600)
    assert (source.init_range, source.index_range) != (None, None)
    assert (source.exit, source.family) == ("exit of ipv4", "ipv4")


def test_the_exit_is_the_proxy_s_or_the_family_s() -> None:
    assert found(listing(137, ip="2001:db8::1"))[0].source.exit == "exit of ipv6"
    proxied = found(listing(137, ip="2001:db8::1"), is_proxied=True)[0].source
    assert (proxied.exit, proxied.family) == ("exit of None", None)


@pytest.mark.parametrize("protocol", ["m3u8_native", "http_dash_segments", "mhtml", "http", None])
def test_only_one_https_url_will_do(protocol: str | None) -> None:
    assert found(listing(137, protocol=protocol)) == []


def test_storyboards_are_no_formats() -> None:
    assert found(listing(1, vcodec="none", acodec="none")) == []


@pytest.mark.parametrize(
    ("transfer", "codec_says", "expected"),
    [
        ("COLOR_TRANSFER_CHARACTERISTICS_SMPTEST2084", "SDR", "HDR10"),
        ("COLOR_TRANSFER_CHARACTERISTICS_ARIB_STD_B67", "HDR10", "HLG"),
        ("COLOR_TRANSFER_CHARACTERISTICS_BT709", "SDR", "SDR"),
        (None, "HDR10", "HDR10"),
        (None, "DV", "DV"),
        (None, None, "SDR"),
    ],
)
def test_dynamic_range(transfer: str | None, codec_says: str | None, expected: str) -> None:
    (candidate,) = found(listing(337, dynamic_range=codec_says), offers=[offer(337, transfer=transfer)])
    assert candidate.format.dynamic_range == expected


@pytest.mark.parametrize(
    ("label", "width", "height", "fps", "expected"),
    [
        ("2160p60 HDR", 3840, 2160, 60.0, "2160p60"),
        ("1080p", 1080, 1920, 30.0, "1080p"),
        (None, 1080, 1920, 60.0, "1080p60"),
        ("English original (default), 1080p60, TV-S", 1920, 800, 60.0, "1080p60"),
        ("Premium", 1920, 1080, 25.0, "1080p"),
        (None, None, 144, None, "144p"),
        (None, None, None, None, None),
    ],
)
def test_resolution(label: str | None, width: int | None, height: int | None, fps: float | None, expected: str | None) -> None:
    assert resolution(label=label, width=width, height=height, fps=fps) == expected


def test_codec_families() -> None:
    pictures = ["av01.0.13M.10", "vp9", "vp09.02.51.10", "avc1.640028", "hev1.1"]
    assert [codec.family for name in pictures if (codec := video_codec(name))] == ["av1", "vp9", "vp9", "h264", "other"]
    assert [sounding.family for name in ["opus", "mp4a.40.2", "ec-3"] if (sounding := audio_codec(name))] == [
        "opus",
        "aac",
        "other",
    ]
    assert video_codec("none") is None
    assert audio_codec(None) is None


def test_captions_do_not_name_the_file() -> None:
    """yt-dlp gives sound without a language the captions' language, which only some clients tell."""
    (candidate,) = found(sound(language="en"))
    assert (candidate.format.format_id, candidate.format.language, candidate.format.audio_track) == ("140", "en", None)


def test_tracks_from_the_url_alone() -> None:
    original, dubbed = found(
        sound(xtags="acont=dubbed-auto:lang=de", language="de", language_preference=-1),
        sound(xtags="acont=original:lang=en", language="en", language_preference=10),
    )
    assert (original.format.format_id, dubbed.format.format_id) == ("140.en", "140.de")
    assert original.format.audio_track is not None
    assert original.format.audio_track.is_original


def test_of_two_with_one_name_the_better_is_kept() -> None:
    (candidate,) = found(listing(137, tbr=100), listing(137, tbr=200))
    assert candidate.format.bitrate == 200_000


def test_order_is_best_first() -> None:
    ordered = found(
        listing(136, height=720, width=1280),
        listing(299, fps=60),
        listing(399, vcodec="av01.0.09M.08", fps=60),
        listing(137),
        listing(335, vcodec="vp09.02", fps=60, dynamic_range="HDR10"),
    )
    assert [candidate.format.format_id for candidate in ordered] == ["335", "399", "299", "137", "136"]


def test_availability_matters_only_ahead() -> None:
    assert found(listing(137, available_at=NOW - 1))[0].format.available_at is None
    later = found(listing(137, available_at=NOW + 7))[0]
    assert later.format.available_at is not None
    assert later.source.available_at == NOW + 7


def test_what_is_probed() -> None:
    some = found(listing(137), listing(136, height=720), listing(135, height=480, clen=None), sound(), sound(139, tbr=48.0))
    assert {candidate.format.format_id for candidate in to_probe(some)} == {"137", "135", "140"}


def test_what_the_probe_means() -> None:
    some = found(
        listing(137), listing(136, height=720), listing(135, height=480, clen=None), listing(134, height=360, clen=None), sound()
    )
    answers = {"137": Answer(size=1001), "135": Answer(size=77), "136": Answer(refusal="token_rejected")}
    probed = judged(some, answers.get)
    assert {item.format.format_id: item.source.identity.size for item in probed.candidates} == {"137": 1001, "135": 77, "140": 1000}
    assert [(item.candidate.format.format_id, item.code) for item in probed.refused] == [("136", "token_rejected")]
    filled = next(item for item in probed.candidates if item.format.format_id == "135")
    assert (filled.format.size, filled.format.is_size_exact, filled.format.version) == (77, True, filled.source.version)


@pytest.mark.parametrize(
    ("answers", "is_proved"),
    [
        ({"137": Answer(size=1000), "140": Answer(size=1000)}, True),
        ({"137": Answer(size=1000)}, False),
        ({"137": Answer(size=1000), "140": Answer()}, False),
        ({"137": Answer(refusal="token_rejected"), "140": Answer(size=1000)}, False),
        ({"137": Answer(refusal="token_rejected"), "136": Answer(size=1000), "140": Answer(size=1000)}, True),
        ({}, False),
    ],
)
def test_only_what_handed_out_a_byte_is_proved(answers: dict[str, Answer], is_proved: bool) -> None:
    some = found(listing(137), listing(136, height=720), sound())
    assert judged(some, answers.get).is_proved is is_proved


def bound(*addresses: str) -> list[Candidate]:
    return found(*(listing(137 - place, height=1000 - place, ip=address) for place, address in enumerate(addresses)))


def test_exits_are_told_apart_and_not_told() -> None:
    one, another = "198.51.100.7", "2001:db8::7"
    digests = exits.exits(bound(one, another, one), secret="s")
    assert len(digests) == 2
    assert not any(address in digest for digest in digests for address in (one, another))
    assert exits.exits(bound(one), secret="s") < digests
    assert not exits.exits(bound(one), secret="t") & digests
    assert exits.exits(found(sound(ip="")), secret="s") == frozenset()


@pytest.mark.parametrize(("code", "is_told"), [("token_rejected", True), ("formats_incomplete", False)])
def test_only_forbidden_files_speak_of_the_exit(code: str, is_told: bool) -> None:
    some = bound("198.51.100.7", "203.0.113.7")
    probed = judged(some, {"137": Answer(refusal=code)}.get)
    assert len(exits.refused_exits(probed, some, secret="s")) == (2 if is_told else 0)
    assert [file.code for file in exits.named(probed).refused] == ["proxy_exit_unstable" if is_told else code]


def test_what_comes_in_time_is_waited_for() -> None:
    some = found(listing(137, available_at=NOW + 15), listing(136, height=720, available_at=NOW + 40), sound())
    assert seconds_to_wait(some, now=NOW, within=60) == 15
    assert seconds_to_wait(some, now=NOW, within=10) == 0
    assert seconds_to_wait(found(sound()), now=NOW, within=10) == 0


def test_subtitles() -> None:
    url = "https://www.youtube.com/api/timedtext?lang=en"
    info = Info(
        id=MEDIA_ID,
        subtitles={
            "en": [Track(url, "vtt", "English"), Track(url, "srt", "English"), Track(url, "json3")],
            "live_chat": [Track(url, "json")],
        },
        automatic_captions={
            "en-orig": [Track(url, "vtt", "English (Original)")],
            "en": [Track(url, "vtt", "English")],
            "fr": [Track(f"{url}&tlang=fr", "vtt", "French")],
        },
    )
    told = [(subtitle.subtitle_id, subtitle.name, [file.ext for file in files]) for subtitle, files in subtitles(info)]
    assert told == [("en", "English", ["vtt", "srt"]), ("en.auto", "English", ["vtt"])]


def test_the_rest() -> None:
    info = Info(
        id=MEDIA_ID,
        title="Title",
        uploader="Somebody",
        duration=12.0,
        upload_date="20260504",
        thumbnail="https://i.ytimg.com/vi_webp/x/maxresdefault.webp?v=1",
        chapters=[Chapter("One", 0.0, 5.0), Chapter("Broken")],
        formats=[listing(137), sound()],
    )
    made = candidates(info, [], media_id=MEDIA_ID, exit_digest=digest, is_proxied=True, now=NOW)
    result = extracted(info, made, media_id=MEDIA_ID, missing=[], is_degraded=False, is_proved=True, exit="exit", now=NOW)
    media = result.media
    assert media.channel.name == "Somebody"
    assert str(media.published_at) == "2026-05-04 00:00:00+00:00"
    assert [chapter.title for chapter in media.chapters] == ["One"]
    assert (media.thumbnail_url, result.assets["thumbnail"].content_type) == ("", "image/webp")
    assert [(pick.kind, pick.format_id) for pick in media.recommended] == [
        ("best", "137+140"),
        ("compatible", "137+140"),
        ("audio", "140"),
    ]
    assert set(result.sources) == {"137", "140"}
