"""The videos, as data. Their ids are the names tests use."""

from dataclasses import dataclass, field
from pathlib import Path

from . import itags


@dataclass(frozen=True, slots=True, kw_only=True)
class Playability:
    """What the player says about a video. `subreason` and `screen` appear on its error screen."""

    status: str = "OK"
    reason: str = ""
    subreason: str = ""
    is_captcha: bool = False
    countries: tuple[str, ...] = ()


BOT_CHECKED = Playability(status="LOGIN_REQUIRED", reason="Sign in to confirm you’re not a bot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One sound track: `audio_id` as YouTube writes it, e.g. "de-DE.3"."""

    audio_id: str
    name: str
    is_original: bool = False
    is_drc: bool = False

    @property
    def language(self) -> str:
        return self.audio_id.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    language: str
    name: str
    is_automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """One video. Change one with `youtube.edit(video_id, field=value)`.

    Sizes are bytes, times seconds. `revision` stands for another upload of the same files: other bytes, other size, other lmt.
    `blocked_clients` get the bot check instead of the playability, and with `needs_player_token` those without one get `unproven`.
    `lifetimes` replaces `expires_in` for an itag.
    `sizes` replaces the real file of an itag by one of that size;
    `rounds` is how many times over an MP4 with an index has its ten seconds; `recordings` is another real file of an itag.
    They stay playable: what is missing is filled with `free` boxes between MP4 fragments, or a Void element behind the WebM.
    """

    video_id: str
    title: str = "An ordinary video"
    author: str = "A channel"
    handle: str = "@a-channel"
    channel_id: str = "UC0123456789abcdefghijkl"
    description: str = "A description."
    duration: int = 10
    view_count: int = 1234567
    published: str = "2026-05-04T10:00:00-07:00"
    itags: tuple[int, ...] = itags.USUAL
    sizes: dict[int, int] = field(default_factory=dict)
    rounds: int = 1
    recordings: dict[int, Path] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    captions: tuple[Caption, ...] = ()
    playability: Playability = Playability()
    blocked_clients: frozenset[str] = frozenset()
    live_status: str = "not_live"
    starts_at: str | None = None
    expires_in: int = 6 * 3600
    lifetimes: dict[int, int] = field(default_factory=dict)
    revision: int = 0
    ad_seconds: int = 0
    super_resolution: frozenset[int] = frozenset()
    without_length: frozenset[int] = frozenset()
    segmented: frozenset[int] = frozenset()
    has_drm: bool = False
    is_sabr_only: bool = False
    needs_player_token: bool = False
    unproven: Playability = BOT_CHECKED
    is_embeddable: bool = True
    refuses: frozenset[str] = frozenset()


EVERY_CLIENT_BUT_WEB = frozenset({"TVHTML5", "VISIONOS", "WEB_EMBEDDED_PLAYER"})

ORDINARY = "ordinary-01"
QUICK = "quick-vid01"
LARGE = "large-64MiB"
HUGE = "huge--5-GiB"
UNICODE = "unicode-ttl"
CAPTIONS = "captions-01"
LANGUAGES = "languages-1"
SUPER_RESOLUTION = "super-res-1"
CHAPTERS = "chapters-01"
ADVERTISED = "pre-roll-ad"
UNKNOWN_LENGTH = "no-length-1"
SEGMENTED = "segmented-1"
LIVE = "live-now-01"
UPCOMING = "upcoming-01"
PREMIERE = "premiere-01"
WAS_LIVE = "was-live-01"
POST_LIVE = "post-live-1"
PRIVATE = "private-001"
REMOVED = "removed-001"
TERMINATED = "terminated1"
UNAVAILABLE = "unavailable"
AGE_RESTRICTED = "age-limit-1"
GEO_BLOCKED = "geo-blocked"
MEMBERS_ONLY = "members-001"
DRM = "drm-locked1"
BOT_CHECK = "bot-check-1"
BOT_CHECK_UNTIL_TOKEN = "bot-token-1"
SESSION_RATE_LIMITED = "session-429"
CAPTCHA = "captcha-001"
SABR_ONLY = "sabr-only-1"
PAGE_RATE_LIMITED = "page-429-01"
PLAYER_RATE_LIMITED = "playerapi29"
RATE_LIMITED = "all-429-001"
TOKEN_MISSING = "token-miss1"

_HOSTILE_TITLE = (
    "Ünïcode — 日本語 中文 🎬👩‍🚀 \"quoted\" 'single' a/b\\c:d*e?f<g>h|i %2F ..\\../ "
    "line\r\nX-Injected: yes\r\n\r\n<script>alert(1)</script> \u202egpj.exe; filename=evil.exe \x00\x07 end."
)
_CHAPTERS = 'What is in it:\n0:00 Beginning\n0:03 Middle & "quotes"\n0:07 End\n'


def _refused(video_id: str, status: str, reason: str, **more: object) -> Video:
    return Video(video_id=video_id, title=f"Refused: {video_id}", playability=Playability(status=status, reason=reason, **more))  # type: ignore[arg-type]


_VIDEOS = [
    Video(video_id=ORDINARY, itags=itags.EVERY),
    Video(video_id=QUICK, title="A quick video", itags=(18, 137, 248, 140, 251)),
    Video(video_id=LARGE, title="A large file", itags=(18, 137, 248, 140, 251), sizes={137: 64 << 20, 248: 64 << 20, 140: 8 << 20}),
    Video(
        video_id=HUGE,
        title="A huge file",
        duration=3600,
        rounds=360,
        itags=(18, 137, 315, 401, 140, 251),
        sizes={137: 5 << 30, 315: 5 << 30, 401: (4 << 30) + 12345},
    ),
    Video(video_id=UNICODE, title=_HOSTILE_TITLE, author="Kanal „Ü“ 频道"),
    Video(
        video_id=CAPTIONS,
        title="With captions",
        captions=(
            Caption(language="en", name="English"),
            Caption(language="zh", name="中文"),
            Caption(language="en", name="English (auto-generated)", is_automatic=True),
        ),
    ),
    Video(
        video_id=LANGUAGES,
        title="In several languages",
        tracks=(
            Track(audio_id="en.4", name="English original", is_original=True),
            Track(audio_id="en.4", name="English original", is_original=True, is_drc=True),
            Track(audio_id="de-DE.3", name="German (Germany)"),
            Track(audio_id="zh-CN.3", name="Chinese (China)"),
        ),
    ),
    Video(
        video_id=SUPER_RESOLUTION,
        title="Upscaled",
        itags=(18, 136, 137, 247, 248, 398, 399, 140, 251),
        super_resolution=frozenset({137, 248, 399}),
    ),
    Video(video_id=CHAPTERS, title="In chapters", description=_CHAPTERS),
    Video(video_id=ADVERTISED, title="After a word from our sponsor", ad_seconds=5),
    Video(video_id=UNKNOWN_LENGTH, title="Nobody knows how long", without_length=frozenset({18, 137, 140})),
    Video(video_id=SEGMENTED, title="Partly segmented", segmented=frozenset({137, 248, 399})),
    Video(video_id=LIVE, title="Live now", live_status="is_live", itags=()),
    Video(
        video_id=UPCOMING,
        title="Live tomorrow",
        live_status="is_upcoming",
        itags=(),
        starts_at="2099-01-01T20:00:00+00:00",
        playability=Playability(status="LIVE_STREAM_OFFLINE", reason="This live event will begin in 20 hours."),
    ),
    Video(
        video_id=PREMIERE,
        title="Premiere tomorrow",
        live_status="is_upcoming",
        itags=(),
        starts_at="2099-01-01T20:00:00+00:00",
        playability=Playability(status="LIVE_STREAM_OFFLINE", reason="Premieres in 20 hours"),
    ),
    Video(video_id=WAS_LIVE, title="Live last week", live_status="was_live", starts_at="2026-05-04T10:00:00+00:00"),
    Video(video_id=POST_LIVE, title="Live until just now", live_status="post_live", starts_at="2026-05-04T10:00:00+00:00"),
    _refused(PRIVATE, "LOGIN_REQUIRED", "Private video", subreason="Sign in if you've been granted access to this video"),
    _refused(REMOVED, "ERROR", "Video unavailable", subreason="This video has been removed by the uploader"),
    _refused(
        TERMINATED,
        "ERROR",
        "Video unavailable",
        subreason="This video is no longer available because the YouTube account associated with this video has been terminated.",
    ),
    _refused(UNAVAILABLE, "ERROR", "Video unavailable"),
    _refused(
        AGE_RESTRICTED, "LOGIN_REQUIRED", "Sign in to confirm your age", subreason="This video may be inappropriate for some users."
    ),
    _refused(
        GEO_BLOCKED,
        "UNPLAYABLE",
        "Video unavailable",
        subreason="The uploader has not made this video available in your country",
        countries=("DE", "FR"),
    ),
    _refused(
        MEMBERS_ONLY,
        "UNPLAYABLE",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
    ),
    Video(video_id=DRM, title="Behind DRM", has_drm=True),
    Video(video_id=BOT_CHECK, playability=BOT_CHECKED),
    Video(video_id=BOT_CHECK_UNTIL_TOKEN, title="For those with a token", needs_player_token=True),
    _refused(SESSION_RATE_LIMITED, "UNPLAYABLE", "Video unavailable", subreason="This content isn't available, try again later."),
    _refused(CAPTCHA, "UNPLAYABLE", "Video unavailable", is_captcha=True),
    Video(video_id=SABR_ONLY, title="Only over SABR", is_sabr_only=True),
    Video(video_id=PAGE_RATE_LIMITED, title="The page is refused", refuses=frozenset({"page"})),
    Video(video_id=PLAYER_RATE_LIMITED, title="The player API is refused", refuses=frozenset({"player"})),
    Video(video_id=RATE_LIMITED, title="Everything is refused", refuses=frozenset({"page", "player", "next", "iframe"})),
    Video(video_id=TOKEN_MISSING, title="Only for those with a token", blocked_clients=EVERY_CLIENT_BUT_WEB),
]
VIDEOS = {video.video_id: video for video in _VIDEOS}
