"""What clients read and write: the JSON of every function.

JSON is snake_case; every field is always present, unknown is ``null``. Times are RFC 3339 UTC, sizes bytes, durations seconds,
bitrates bit/s. URLs (``stream_url``, ``thumbnail_url``, a subtitle's ``url``) are made when an answer is made and never stored:
in the store they are :data:`UNRENDERED`, and :mod:`shared.links` fills them in.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

UNRENDERED: Final = ""
"""Stands where a URL goes until an answer is made."""

State: TypeAlias = Literal["pending", "processing", "completed", "failed"]
FINAL_STATES: Final = frozenset[State]({"completed", "failed"})

Phase: TypeAlias = Literal[
    "queued",
    "token",
    "page",
    "player_response",
    "js_challenge",
    "formats",
    "probe",
    "waiting",  # between two attempts
    "done",
]
VideoFamily: TypeAlias = Literal["av1", "vp9", "h264", "other"]
AudioFamily: TypeAlias = Literal["opus", "aac", "other"]
LiveStatus: TypeAlias = Literal["not_live", "was_live", "post_live"]
Pick: TypeAlias = Literal["best", "compatible", "audio"]


class AnalyzeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/analyze``."""

    url: Annotated[str, Meta(min_length=1, max_length=2048, description="Any form of a YouTube video URL, or its id")]
    refresh: Annotated[bool, Meta(description="Analyse again even if a fresh result is cached")] = False


class SessionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/session``."""

    key: Annotated[str, Meta(max_length=1024, description="The access key of this installation")]


class SessionState(Struct, frozen=True, kw_only=True):
    """Answer of ``GET /v1/session``."""

    is_required: bool
    is_authenticated: bool


class Problem(Struct, frozen=True, kw_only=True):
    """An error (RFC 9457), as an answer of its own or inside a :class:`Task`."""

    type: str
    title: str
    status: int
    detail: str
    code: Annotated[str, Meta(description="Stable name of the error")]
    retry_after: Annotated[int | None, Meta(description="Seconds after which another try may help")] = None


class Progress(Struct, frozen=True, kw_only=True):
    """How far an analysis is; ``percent`` never goes back."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    phase: Phase
    message: str


class Channel(Struct, frozen=True, kw_only=True):
    """Who published the video."""

    name: str | None
    id: str | None
    url: str | None


class Chapter(Struct, frozen=True, kw_only=True):
    """One chapter; seconds from the start of the video."""

    title: str
    start: float
    end: float | None


class Subtitle(Struct, frozen=True, kw_only=True):
    """One subtitle track; machine translations are not listed."""

    subtitle_id: Annotated[str, Meta(description="Language tag, with `.auto` where speech recognition wrote it")]
    language: str
    name: str | None
    is_automatic: bool
    url: str


class VideoCodec(Struct, frozen=True, kw_only=True):
    """A video codec; ``name`` is its RFC 6381 string."""

    family: VideoFamily
    name: str


class AudioCodec(Struct, frozen=True, kw_only=True):
    """An audio codec; ``name`` is its RFC 6381 string."""

    family: AudioFamily
    name: str


class AudioTrack(Struct, frozen=True, kw_only=True):
    """Which of several audio tracks (languages) a format carries."""

    id: str
    name: str | None
    is_original: bool
    is_default: bool


class Format(Struct, frozen=True, kw_only=True):
    """One file of the source: video with sound, video alone or sound alone."""

    format_id: Annotated[str, Meta(description="The itag and stable qualifiers; the same after every analysis")]
    container: str
    extension: str
    resolution: Annotated[str | None, Meta(description='"2160p60"; null for audio')]
    width: int | None
    height: int | None
    fps: float | None
    dynamic_range: Annotated[str | None, Meta(description='"SDR", "HDR10", "HLG", …; null for audio')]
    video_codec: VideoCodec | None
    audio_codec: AudioCodec | None
    bitrate: int | None
    size: int | None
    is_size_exact: bool
    language: str | None
    audio_track: AudioTrack | None
    available_at: Annotated[datetime | None, Meta(description="The source refuses it before this moment")]
    version: Annotated[str | None, Meta(description="16 hex digits of the ETag, once the source is known")]
    stream_url: str
    filename: str


class Merge(Struct, frozen=True, kw_only=True):
    """A video and an audio format as one file."""

    format_id: Annotated[str, Meta(description='"401+140"')]
    video_format_id: str
    audio_format_id: str
    container: str
    extension: str
    resolution: str | None
    size: int | None
    is_size_exact: bool
    version: Annotated[str | None, Meta(description="16 hex digits of the ETag")]
    stream_url: str
    filename: str


class Formats(Struct, frozen=True, kw_only=True):
    """The three groups."""

    combined: list[Format]
    video_only: list[Format]
    audio_only: list[Format]


class Recommended(Struct, frozen=True, kw_only=True):
    """One click for most people; names a format or a merge."""

    kind: Pick
    format_id: str


class Missing(Struct, frozen=True, kw_only=True):
    """What exists but cannot be offered, and why."""

    code: str
    detail: str
    formats: Annotated[list[str], Meta(description="Resolutions or audio kinds it concerns; empty when unknown")]
    client: Annotated[str | None, Meta(description="The player client that was refused")]


class Media(Struct, frozen=True, kw_only=True):
    """The result of an analysis."""

    media_id: Annotated[str, Meta(description="YouTube's 11 characters")]
    url: str
    title: str
    channel: Channel
    duration: float | None
    thumbnail_url: str | None
    published_at: datetime | None
    view_count: int | None
    live_status: LiveStatus
    chapters: list[Chapter]
    subtitles: list[Subtitle]
    formats: Formats
    merges: list[Merge]
    recommended: list[Recommended]
    is_degraded: Annotated[bool, Meta(description="Something better than what is listed is known or suspected to exist")]
    missing: list[Missing]
    analyzed_at: datetime
    fresh_until: datetime


class Task(Struct, frozen=True, kw_only=True):
    """One analysis. A final state never changes; ``attempt`` and ``percent`` never go back."""

    task_id: str
    media_id: str
    url: str
    state: State
    progress: Progress
    attempt: int
    max_attempts: int
    next_attempt_at: datetime | None
    queue_position: Annotated[int | None, Meta(description="1 is next; null unless pending")]
    created_at: datetime
    updated_at: datetime
    result: Media | None
    problem: Annotated[Problem | None, Meta(description="Why it failed, or why the last attempt did while the next is awaited")]
