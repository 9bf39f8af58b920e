"""Tables: what yt-dlp and YouTube say, and the code it means."""

# ruff: noqa: E501 - one case per line

import pytest

from functions.analyze.extraction import progress
from functions.analyze.extraction.census import Census, census
from functions.analyze.extraction.evidence import Evidence, evidence
from functions.analyze.extraction.offers import offers, playability
from functions.analyze.extraction.options import resolved_by_proxy, ydl_options
from functions.analyze.extraction.outcome import FINAL, classify, nothing_to_offer
from functions.analyze.extraction.redaction import for_people, redact
from functions.analyze.extraction.strategies import PLAIN, Strategy
from functions.analyze.extraction.wire import Failure, Info, Line, Offer, Playability, Span
from shared.problems import CATALOGUE
from shared.schemas import AudioCodec, Format, VideoCodec

HINT = ". Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/x  for how"
REPORT = "; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues"


def failure(text: str, *kinds: str, http_status: int | None = None, is_proxy_login: bool = False) -> Failure:
    names = ["DownloadError", *(kinds or ("ExtractorError",))]
    return Failure(
        text=redact(f"ERROR: [youtube] abc: {text}"), kinds=names, is_proxy_login=is_proxy_login, http_status=http_status
    )


def warnings(*texts: str) -> list[Line]:
    return [Line(level="warning", text=text) for text in texts]


def code_of(failed: Failure, *lines: str, said: list[Playability] | None = None) -> str | None:
    found = evidence(warnings(*lines), failed.text)
    told = classify(info=None, failure=failed, playability=said or [], offers=None, evidence=found)
    return told and told[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"Sign in to confirm you’re not a bot{HINT}", "bot_check"),
        (f"Sign in to confirm you're not a bot{HINT}", "bot_check"),
        (f"Private video. Sign in if you've been granted access to this video{HINT}", "video_private"),
        ("Video unavailable. This video is private", "video_private"),
        (f"Sign in to confirm your age. This video may be inappropriate for some users{HINT}", "age_restricted"),
        ("Video unavailable. This video has been removed by the uploader", "video_removed"),
        ("This video is no longer available because the YouTube account associated with this video has been terminated", "video_removed"),
        ("Video unavailable. This video is no longer available due to a copyright claim by X", "video_removed"),
        ("Video unavailable", "video_unavailable"),
        ("This video isn't available anymore", "video_unavailable"),
        ("This video requires payment to watch", "video_unavailable"),
        ("Join this channel to get access to members-only content like this video, and other exclusive perks", "members_only"),
        ("The uploader has not made this video available in your country", "geo_blocked"),
        ("Video unavailable. This content isn't available, try again later. The current session has been rate-limited by YouTube", "source_rate_limited"),
        ("Video unavailable. YouTube is requiring a captcha challenge before playback", "captcha_required"),
        ("Premieres in 20 hours", "not_yet_available"),
        ("This live event will begin in 20 hours.", "not_yet_available"),
        ("This video is DRM protected", "drm_protected"),
        ("All player responses are invalid. Your IP is likely being blocked by Youtube", "bot_check"),
        (f"An extractor error has occurred. (caused by KeyError('x')){REPORT}", "internal_error"),
    ],
)  # fmt: skip
def test_texts(text: str, code: str) -> None:
    assert code_of(failure(text)) == code


@pytest.mark.parametrize(
    ("failed", "lines", "code"),
    [
        (failure(f"Failed to extract any player response{REPORT}"), ["Unable to download API page: HTTP Error 429: Too Many Requests"], "source_rate_limited"),
        (failure(f"Failed to extract any player response{REPORT}"), ["Unable to download API page: timed out"], "network_error"),
        (failure("x in your land", "GeoRestrictedError"), [], "geo_blocked"),
        (failure("Unable to download API page: ('Unable to connect to proxy', NewConnectionError())", "ExtractorError", "ProxyError"), [], "proxy_unreachable"),
        (failure("('Unable to connect to proxy', OSError('Tunnel connection failed: 407 x'))", "ExtractorError", "ProxyError"), [], "proxy_auth_failed"),
        (failure("general SOCKS server failure", "ExtractorError", "ProxyError"), [], "proxy_unreachable"),
        (failure("general SOCKS server failure", "ExtractorError", "ProxyError", is_proxy_login=True), [], "proxy_auth_failed"),
        (failure("Unable to download API page: HTTP Error 429", "ExtractorError", "HTTPError", http_status=429), [], "source_rate_limited"),
        (failure("Unable to download API page: Connection reset by peer", "ExtractorError", "TransportError"), [], "network_error"),
    ],
)  # fmt: skip
def test_causes(failed: Failure, lines: list[str], code: str) -> None:
    assert code_of(failed, *lines) == code


def test_the_player_response_counts_more_than_the_text() -> None:
    offline = Playability(client="web", status="LIVE_STREAM_OFFLINE", reason="Bald", subreason="", is_captcha=False)
    assert code_of(failure("Bald"), said=[offline]) == "not_yet_available"
    captcha = Playability(client="web", status="UNPLAYABLE", reason="Video unavailable", subreason="", is_captcha=True)
    assert code_of(failure("Video unavailable"), said=[captcha]) == "captcha_required"


def test_the_embedded_player_speaks_for_other_sites_only() -> None:
    bot_check = Playability(client="tv", status="LOGIN_REQUIRED", reason="Are you not a robot?", subreason="", is_captcha=False)
    elsewhere = Playability(
        client="web_embedded", status="UNPLAYABLE", subreason="Playback on other websites has been disabled by the owner",
        reason="Video unavailable", is_captcha=False,
    )  # fmt: skip
    assert code_of(failure("Video unavailable"), said=[bot_check, elsewhere]) == "bot_check"
    assert code_of(failure("Video unavailable"), said=[elsewhere]) == "video_unavailable"


def test_details_are_youtube_s_words_and_ours() -> None:
    said = [
        Playability(
            client="web", status="ERROR", reason="Video unavailable", subreason="Removed by the uploader.", is_captcha=False
        )
    ]
    told = classify(info=None, failure=failure(f"x{HINT}"), playability=said, offers=None, evidence=Evidence())
    assert told == ("video_removed", "The video has been removed. YouTube says: Video unavailable. Removed by the uploader")


@pytest.mark.parametrize(("status", "code"), [("is_live", "live_now"), ("is_upcoming", "not_yet_available")])
def test_live_is_told_by_the_status(status: str, code: str) -> None:
    info = Info(id="abc", live_status=status)
    told = classify(info=info, failure=None, playability=[], offers=None, evidence=Evidence())
    assert told == (code, None)


def test_every_code_is_known() -> None:
    assert set(CATALOGUE) >= FINAL


TOKEN = "abc: mweb client https formats require a GVS PO Token which was not provided. They will be skipped"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (TOKEN, Evidence(token_required=frozenset({"mweb"}))),
        ("[pot:bgutil:http] Error reaching GET (address) (caused by TransportError). Please make sure", Evidence(is_provider_failing=True)),
        ("[youtube] [pot] Error fetching PO Token from \"bgutil:http\" provider: x", Evidence(is_provider_failing=True)),
        ("ERROR: [pot] Invalid PO Token response received from x", Evidence(is_provider_failing=True)),
        ("[youtube] [pot:bgutil:http] Plugin and HTTP server major versions are mismatched.", Evidence(is_provider_failing=True)),
        ("[youtube] abc: Signature solving failed: Some formats may be missing.", Evidence(is_challenge_failing=True)),
        ("[youtube] abc: n challenge solving failed: Some formats may be missing.", Evidence(is_challenge_failing=True)),
        ("[youtube] No supported JavaScript runtime could be found.", Evidence(is_challenge_failing=True)),
        ("Unable to download API page: HTTP Error 429: Too Many Requests", Evidence(is_rate_limited=True)),
        ("abc: Some web client https formats have been skipped as they are missing a URL.", Evidence(sabr=frozenset({"web"}))),
        ("abc: Downloading webpage", Evidence()),
    ],
)  # fmt: skip
def test_log_lines(line: str, expected: Evidence) -> None:
    assert evidence(warnings(line)) == expected


def offer(itag: str, client: str = "web", **changes: object) -> Offer:
    values: dict[str, object] = {
        "client": client, "itag": itag, "mime": 'video/mp4; codecs="avc1.640028"', "xtags": "", "quality_label": "1080p", "height": 1080,
        "fps": 30, "transfer": None, "track_id": None, "track_name": None, "is_default_track": False, "is_drc": False, "is_drm": False,
        "is_segmented": False, "has_url": True, "init": None, "index": None,
    }  # fmt: skip
    return Offer(**{**values, **changes})  # type: ignore[arg-type]


def listed(resolution: str | None = None, *, has_sound: bool = False, dynamic_range: str = "SDR") -> Format:
    return Format(
        format_id="x", container="mp4", extension="mp4", resolution=resolution, width=None, height=None, fps=None,
        dynamic_range=dynamic_range if resolution else None, video_codec=VideoCodec(family="h264", name="avc1") if resolution else None,
        audio_codec=AudioCodec(family="aac", name="mp4a") if has_sound or not resolution else None, bitrate=None, size=1, is_size_exact=True,
        language=None, audio_track=None, available_at=None, version=None, stream_url="", filename="",
    )  # fmt: skip


SOUND = offer("140", mime='audio/mp4; codecs="mp4a.40.2"', quality_label=None, height=None)


def count(have: list[Format], promised: list[Offer] | None, found: Evidence | None = None, *, has_provider: bool = True) -> Census:
    return census(have, promised, info=Info(id="abc"), evidence=found or Evidence(), refused=[], has_provider=has_provider)


def test_nothing_is_missing_when_every_kind_is_there() -> None:
    promised = [offer("137"), offer("248", "tv", has_url=False), SOUND]
    counted = count([listed("1080p"), listed()], promised)
    assert (counted.missing, counted.is_degraded, counted.curable) == ([], False, None)


@pytest.mark.parametrize(
    ("promise", "found", "code", "is_curable"),
    [
        (offer("137", has_url=False), Evidence(), "sabr_only", True),
        (offer("137", is_segmented=True), Evidence(), "segmented_only", False),
        (offer("137", is_drm=True), Evidence(), "drm_protected", False),
        (offer("137"), Evidence(), "formats_incomplete", True),
        (offer("137"), Evidence(is_challenge_failing=True), "challenge_failed", True),
        (offer("137"), Evidence(token_required=frozenset({"web"}), is_provider_failing=True), "token_provider_unavailable", True),
        (offer("137"), Evidence(token_required=frozenset({"web"})), "token_provider_unavailable", True),
        (offer("137", is_segmented=True), Evidence(is_rate_limited=True), "segmented_only", False),
    ],
)
def test_why_a_resolution_is_missing(promise: Offer, found: Evidence, code: str, is_curable: bool) -> None:
    counted = count([listed("360p", has_sound=True)], [promise], found)
    assert [(item.code, item.formats) for item in counted.missing] == [(code, ["1080p"])]
    assert counted.is_degraded
    assert counted.curable == (code if is_curable else None)


def reasons(counted: Census) -> list[tuple[str, str | None, list[str]]]:
    return [(item.code, item.client, item.formats) for item in counted.missing]


def test_every_client_has_an_entry_of_its_own() -> None:
    promised = [
        offer("137", "tv", has_url=False), offer("248", "tv", has_url=False), offer("136", "tv", quality_label="720p", has_url=False),
        offer("137", "web"), offer("136", "web", quality_label="720p", is_segmented=True), offer("137", "visionos"),
    ]  # fmt: skip
    counted = count([listed("360p", has_sound=True)], promised, Evidence(token_required=frozenset({"web"})))
    assert reasons(counted) == [
        ("token_provider_unavailable", "web", ["1080p"]),
        ("sabr_only", "tv", ["1080p", "720p"]),
        ("segmented_only", "web", ["720p"]),
    ]
    assert counted.curable == "token_provider_unavailable"


def test_what_is_permanent_for_one_client_is_not_open_for_another() -> None:
    counted = count(
        [listed("1080p"), listed()],
        [offer("313", "tv", quality_label="2160p", is_segmented=True), offer("313", "web", quality_label="2160p")],
    )
    assert reasons(counted) == [("segmented_only", "tv", ["2160p"])]
    assert (counted.curable, counted.is_degraded) == (None, True)


@pytest.mark.parametrize(
    ("turned_away", "clients"), [({"tv", "visionos"}, ["tv", "visionos"]), (set(), [None])], ids=["players", "the page"]
)
def test_who_was_turned_away_is_named(turned_away: set[str], clients: list[str | None]) -> None:
    found = Evidence(is_rate_limited=True, rate_limited=frozenset(turned_away))
    counted = count([listed("360p", has_sound=True)], [offer("137", has_url=False)], found)
    limited = [("source_rate_limited", client, ["1080p"]) for client in clients]
    assert reasons(counted) == [*limited, ("sabr_only", "web", ["1080p"])]
    assert counted.curable == "source_rate_limited"
    nothing_lost = count([listed("1080p"), listed()], [offer("137")], found)
    assert nothing_lost.missing == []


def test_who_was_turned_away_is_read_from_the_log() -> None:
    asked = [
        "[youtube] abc: Downloading tv samsung player API JSON",
        "[youtube] abc: Unable to download API page: HTTP Error 429: Too Many Requests",
        "[youtube] abc: Downloading visionos player API JSON",
        "[youtube] abc: Downloading initial data API JSON",
        "[youtube] abc: Unable to download API page: HTTP Error 429: Too Many Requests",
    ]
    assert evidence(warnings(*asked)).rate_limited == {"tv_samsung"}


@pytest.mark.parametrize(
    ("has_provider", "reason", "detail"),
    [
        (False, None, "A PO token is needed, and no PO token service is set."),
        (True, None, "A PO token is needed, and none was to be had."),
        (True, "home page: HTTP 429", "A PO token is needed, and the PO token service says: home page: HTTP 429"),
    ],
)
def test_why_there_is_no_token(has_provider: bool, reason: str | None, detail: str) -> None:
    found = Evidence(token_required=frozenset({"web"}), provider_reason=reason)
    counted = count([listed("360p", has_sound=True)], [offer("137")], found, has_provider=has_provider)
    assert [(item.code, item.detail) for item in counted.missing] == [("token_provider_unavailable", detail)]


def test_hdr_and_languages_count() -> None:
    promised = [
        offer("701", quality_label="1080p60 HDR", fps=60),
        offer("140", mime='audio/mp4; codecs="mp4a.40.2"', quality_label=None, height=None, track_id="de.3"),
    ]
    counted = count([listed("1080p60"), listed()], promised)
    assert counted.missing[0].formats == ["1080p60 HDR", "audio de"]
    assert counted.is_degraded


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Evidence(is_rate_limited=True), "source_rate_limited"),
        (Evidence(is_provider_failing=True), "token_provider_unavailable"),
        (Evidence(is_challenge_failing=True), "challenge_failed"),
        (Evidence(sabr=frozenset({"web"})), "sabr_only"),
        (Evidence(), "formats_incomplete"),
    ],
)
def test_without_the_player_responses_the_log_speaks(found: Evidence, code: str) -> None:
    counted = count([listed("360p", has_sound=True)], None, found)
    assert (counted.curable, counted.is_degraded) == (code, True)


def test_a_small_video_is_not_suspicious() -> None:
    counted = count(
        [listed("240p", has_sound=True)], [offer("18", quality_label="240p", mime='video/mp4; codecs="avc1, mp4a.40.2"')]
    )
    assert (counted.missing, counted.is_degraded) == ([], False)


def test_nothing_to_offer() -> None:
    assert nothing_to_offer([offer("137", is_drm=True)], [], Evidence())[0] == "drm_protected"
    missing = count([], [offer("137", has_url=False)]).missing
    assert nothing_to_offer([offer("137", has_url=False)], missing, Evidence())[0] == "formats_incomplete"
    assert nothing_to_offer([offer("137")], [], Evidence(is_rate_limited=True))[0] == "source_rate_limited"


def test_offers_are_read_from_what_youtube_sends() -> None:
    stream = {
        "itag": 140,
        "mimeType": 'audio/mp4; codecs="mp4a.40.2"',
        "signatureCipher": "s=abc&sp=sig&url=https%3A%2F%2Fx.googlevideo.com%2Fvideoplayback%3Fitag%3D140%26xtags%3Ddrc%253D1",
        "isDrc": True,
        "audioTrack": {"id": "en.4", "displayName": "English original", "audioIsDefault": True},
        "indexRange": {"start": "722", "end": "1081"},
        "initRange": {"start": "0", "end": "721"},
    }
    response = {"streamingData": {"formats": ["nonsense", None], "adaptiveFormats": [stream, {"itag": 137}]}}
    sound, video = offers(response, "tv")
    assert (sound.xtags, sound.track_id, sound.is_drc, sound.has_url) == ("drc=1", "en.4", True, True)
    assert (sound.init, sound.index) == (Span(0, 722), Span(722, 1082))
    assert (video.xtags, video.has_url, video.init) == (None, False, None)
    assert list(offers({"streamingData": None}, "tv")) == []
    assert list(offers({"streamingData": {"formats": "what?"}}, "tv")) == []


def test_playability_is_read_from_what_youtube_sends() -> None:
    screen = {
        "playerErrorMessageRenderer": {
            "reason": {"simpleText": "Video unavailable"},
            "subreason": {"runs": [{"text": "Re"}, {"text": "moved"}]},
        }
    }
    found = playability({"playabilityStatus": {"status": "ERROR", "reason": "x", "errorScreen": screen}}, "web")
    assert found == Playability(client="web", status="ERROR", reason="Video unavailable", subreason="Removed", is_captcha=False)
    assert playability({}, "web") is None


def test_progress_never_goes_back() -> None:
    lines = [
        "[youtube] abc: Downloading webpage",
        "[youtube] abc: Downloading tv samsung player API JSON",
        "[youtube] [pot:bgutil:http] Generating a gvs PO Token for web client via bgutil HTTP server",
        "[youtube] abc: Downloading visionos player API JSON",
        "[youtube] abc: Downloading player 5107ce01-main",
        "[youtube] [jsc:deno] Solving JS challenges using deno",
        "[youtube] abc: Downloading m3u8 information",
        "[debug] something else",
    ]
    shown, phases = progress.START, []
    for line in lines:
        after = progress.advance(shown, line)
        if after is not None:
            assert after.percent >= shown.percent
            shown = after
            phases.append(after.phase)
    assert phases == ["page", "player_response", "token", "player_response", "js_challenge", "js_challenge", "formats"]
    assert shown.percent < progress.LISTING.percent < progress.PROBING.percent < 100
    assert progress.advance(shown, "[debug] nothing of interest") is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("socks5://u:p@h:1080", "socks5h://u:p@h:1080"),
        ("SOCKS5://h:1", "socks5h://h:1"),
        ("socks5h://h:1", "socks5h://h:1"),
        ("http://u:p@h:1", "http://u:p@h:1"),
        ("https://h:1", "https://h:1"),
    ],
)
def test_the_proxy_resolves_names(given: str, expected: str) -> None:
    assert resolved_by_proxy(given) == expected


def test_options() -> None:
    strategy = Strategy(name="x", clients=("web", "mweb"), fetch_pot="always", webpage_skip=("player_response",))
    options = ydl_options(proxy=None, pot_provider_url="http://pot:4416", strategy=strategy, deno="/bin/deno", has_extra_trust=True)
    assert options["proxy"] == ""
    assert options["cachedir"] is False
    assert options["compat_opts"] == ["no-certifi"]
    assert options["js_runtimes"] == {"deno": {"path": "/bin/deno"}}
    assert options["extractor_args"] == {
        "youtube": {
            "fetch_pot": ["always"],
            "skip": ["translated_subs"],
            "player_client": ["web", "mweb"],
            "webpage_skip": ["player_response"],
        },
        "youtubepot-bgutilhttp": {"base_url": ["http://pot:4416"]},
    }
    plain = ydl_options(proxy="http://p:1", pot_provider_url=None, strategy=PLAIN, deno=None, has_extra_trust=False)
    assert plain["extractor_args"] == {"youtube": {"fetch_pot": ["never"], "skip": ["translated_subs"]}}
    assert (plain["compat_opts"], plain["js_runtimes"]) == ([], {"deno": {}})


def test_redaction() -> None:
    text = "GET https://rr1.googlevideo.com/videoplayback?sig=abc failed\n via socks5h://u:p@host:1 with " + "A1b2" * 20
    assert redact(text) == "GET (address) failed via (address) with …"
    assert for_people(f"Sign in to confirm your age{HINT}").rstrip(".") == "Sign in to confirm your age"
