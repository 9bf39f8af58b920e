"""What the worker and its child process say to each other: one JSON object per line.

The foreign half (:class:`Info` and what hangs on it) declares only the needed fields of yt-dlp's result, by yt-dlp's names;
everything else is dropped in the child.
"""

from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

LogLevel: TypeAlias = Literal["debug", "warning", "error"]


class Job(Struct, frozen=True, kw_only=True):
    """One extraction. ``options`` are yt-dlp's own parameters; the rest is as in the strategy.

    ``provider`` is the token service's address; it alone is told ``request_id``. ``is_provider_resting``: it is not asked.
    """

    url: str
    options: dict[str, Any]
    provider: str | None
    bypass_cache: bool
    forgets_players: bool = False
    is_provider_resting: bool = False
    request_id: str | None = None


class Chapter(Struct, frozen=True):
    """Seconds from the start."""

    title: str | None = None
    start_time: float | None = None
    end_time: float | None = None


class Track(Struct, frozen=True):
    """One file of one subtitle language."""

    url: str
    ext: str
    name: str | None = None


class Listed(Struct, frozen=True, kw_only=True):
    """A format as yt-dlp lists it. ``tbr`` is kbit/s."""

    format_id: str
    url: str | None = None
    protocol: str | None = None
    ext: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    tbr: float | None = None
    filesize: int | None = None
    vcodec: str | None = None
    acodec: str | None = None
    dynamic_range: str | None = None
    language: str | None = None
    language_preference: int | None = None
    format_note: str | None = None
    available_at: float | None = None
    http_headers: dict[str, str] = {}


class Info(Struct, frozen=True, kw_only=True):
    """What yt-dlp says of a video. Times are seconds since 1970, the duration is seconds."""

    id: str
    title: str | None = None
    channel: str | None = None
    channel_id: str | None = None
    channel_url: str | None = None
    uploader: str | None = None
    uploader_url: str | None = None
    duration: float | None = None
    thumbnail: str | None = None
    timestamp: float | None = None
    upload_date: str | None = None
    view_count: int | None = None
    live_status: str | None = None
    release_timestamp: float | None = None
    chapters: list[Chapter] | None = None
    subtitles: dict[str, list[Track]] | None = None
    automatic_captions: dict[str, list[Track]] | None = None
    formats: list[Listed] = []


class Span(Struct, frozen=True):
    """Bytes ``[start, end)``."""

    start: int
    end: int


class Offer(Struct, frozen=True, kw_only=True):
    """A format a player response speaks of, whether or not yt-dlp could use it: the promise the listing is compared with."""

    client: str
    itag: str
    mime: str
    xtags: str | None  # None: the offer has no URL to read them from
    quality_label: str | None
    height: int | None
    fps: float | None
    transfer: str | None  # YouTube's name of the transfer characteristics
    track_id: str | None
    track_name: str | None
    is_default_track: bool
    is_drc: bool
    is_drm: bool
    is_segmented: bool
    has_url: bool
    init: Span | None
    index: Span | None


class Playability(Struct, frozen=True, kw_only=True):
    """What one player response says about playing the video."""

    client: str | None
    status: str
    reason: str
    subreason: str
    is_captcha: bool


class Failure(Struct, frozen=True, kw_only=True):
    """How yt-dlp gave up: its text (redacted) and the class names of the exception and its causes, outermost first.

    ``is_proxy_login``: a SOCKS proxy did not accept the credentials.
    """

    text: str
    kinds: list[str]
    is_proxy_login: bool
    http_status: int | None


class Ready(Struct, frozen=True, tag="ready"):
    """The child is warm and waits for a job."""


class Line(Struct, frozen=True, tag="line"):
    """One line of yt-dlp's log, redacted."""

    level: LogLevel
    text: str


class Report(Struct, frozen=True, kw_only=True, tag="report"):
    """The end of a job. ``offers`` is None where the player responses could not be read.

    ``retry_after``: the headers of that name with which YouTube limited the rate, as they were sent; ``provider_seconds``: what the
    token service's failures took.
    """

    info: Info | None
    failure: Failure | None
    offers: list[Offer] | None
    playability: list[Playability]
    retry_after: list[str] = []
    provider_seconds: float = 0.0
    memory: int  # bytes the child holds now


Message: TypeAlias = Ready | Line | Report

encode: Final = msgspec.json.Encoder().encode
_MESSAGES: Final[msgspec.json.Decoder[Ready | Line | Report]] = msgspec.json.Decoder(Ready | Line | Report, strict=False)
decode_message: Final = _MESSAGES.decode
decode_job: Final = msgspec.json.Decoder(Job).decode


def to_info(result: Any) -> Info:  # noqa: ANN401 - yt-dlp's JSON
    """The declared fields of yt-dlp's result.

    :raises msgspec.ValidationError: if one has another type than declared
    """
    info: Info = msgspec.convert(result, Info, strict=False)
    return info
