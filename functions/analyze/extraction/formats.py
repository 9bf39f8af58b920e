"""yt-dlp's formats as ours. Pure.

A candidate may lack a length: the probe fills it, and what has none then is not offered.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from functions.analyze.extraction.filenames import filename
from functions.analyze.extraction.format_ids import format_id, language
from functions.analyze.extraction.labels import audio_codec, dynamic_range, is_hdr, lines, resolution, video_codec
from functions.analyze.extraction.locator import Locator, locate
from functions.analyze.extraction.wire import Info, Listed, Offer, Span
from shared.schemas import UNRENDERED, AudioTrack, Format, Formats
from shared.sources import ByteRange, Family, Identity, Source

UNKNOWN_SIZE: Final = 0

_HEADERS: Final = ("User-Agent", "Accept", "Accept-Language", "Sec-Fetch-Mode")
_CONTAINERS: Final = {"m4a": "mp4", "weba": "webm"}
_VIDEO_RANK: Final = {"av1": 3, "vp9": 2, "h264": 1, "other": 0}
_AUDIO_RANK: Final = {"opus": 2, "aac": 1, "other": 0}
_ORIGINAL_PREFERENCE: Final = 10
_DEFAULT_PREFERENCE: Final = 5
_KILO: Final = 1000


class Candidate(Struct, frozen=True, kw_only=True):
    """A format with one https URL. ``source.identity.size`` is :data:`UNKNOWN_SIZE` where YouTube does not say it."""

    format: Format
    source: Source
    client: str | None

    def sized(self, size: int) -> "Candidate":
        """The same with its length known."""
        source = replace(self.source, identity=replace(self.source.identity, size=size))
        return replace(self, source=source, format=replace(self.format, size=size, is_size_exact=True, version=source.version))


class Refused(Struct, frozen=True):
    """A file that was listed, but the source does not hand out; ``code`` says why."""

    candidate: Candidate
    code: str


def candidates(
    info: Info, offers: list[Offer], *, media_id: str, exit_digest: Callable[[Family | None], str], is_proxied: bool, now: float
) -> list[Candidate]:
    """Every format that one https URL serves, best first within each kind; of two with the same id the better one.

    :param exit_digest: the exit's digest for an address family, None where a proxy hides the family.
    :param now: seconds since 1970.
    """
    offered = _Offers(offers)
    found: dict[str, Candidate] = {}
    for listed in info.formats:
        if listed.protocol != "https" or not listed.url or listed.url.startswith("http://"):
            continue
        locator = locate(listed.url)
        offer = offered.matching(listed, locator)
        family = None if is_proxied else locator.family
        made = _candidate(
            info, listed, locator, offer,
            media_id=media_id, family=family, exit=exit_digest(family), now=now,
        )  # fmt: skip
        if made is None:
            continue
        known = found.get(made.format.format_id)
        if known is None or _quality(made.format) > _quality(known.format):
            found[made.format.format_id] = made
    return sorted(found.values(), key=lambda candidate: _quality(candidate.format), reverse=True)


def grouped(listed: list[Format]) -> Formats:
    """The three groups, each in the order given."""
    return Formats(
        combined=[item for item in listed if item.video_codec and item.audio_codec],
        video_only=[item for item in listed if item.video_codec and not item.audio_codec],
        audio_only=[item for item in listed if item.audio_codec and not item.video_codec],
    )


class _Offers:
    """Finds what the player responses say of a listed format: by itag and xtags, or by itag, language and compression."""

    def __init__(self, offers: list[Offer]) -> None:
        self._by_tags: dict[tuple[str, str], Offer] = {}
        self._by_track: dict[tuple[str, str | None, bool], Offer] = {}
        for offer in offers:
            if offer.xtags is not None:
                self._by_tags.setdefault((offer.itag, offer.xtags), offer)
            track = (offer.track_id or "").partition(".")[0] or None
            self._by_track.setdefault((offer.itag, track, offer.is_drc), offer)

    def matching(self, listed: Listed, locator: Locator) -> Offer | None:
        by_tags = self._by_tags.get((locator.itag, locator.xtags))
        is_drc = locator.tags.get("drc") == "1"
        return by_tags or self._by_track.get((locator.itag, locator.tags.get("lang") or listed.language, is_drc))


def _candidate(
    info: Info, listed: Listed, locator: Locator, offer: Offer | None,
    *, media_id: str, family: Family | None, exit: str, now: float,  # noqa: A002 - the field's name
) -> Candidate | None:  # fmt: skip
    video, audio = video_codec(listed.vcodec), audio_codec(listed.acodec)
    itag = locator.itag or (offer.itag if offer else "")
    if not itag or (video is None and audio is None):
        return None
    track_id = offer.track_id if offer else None
    extension = listed.ext or "mp4"
    container = _CONTAINERS.get(extension, extension)
    size = listed.filesize or locator.clen
    label = (offer.quality_label if offer else None) or listed.format_note
    made = Format(
        format_id=format_id(itag=itag, tags=locator.tags, track_id=track_id, is_drc=offer.is_drc if offer else False),
        container=container,
        extension=extension,
        resolution=resolution(label=label, width=listed.width, height=listed.height, fps=listed.fps) if video else None,
        width=listed.width if video else None,
        height=listed.height if video else None,
        fps=listed.fps if video else None,
        dynamic_range=dynamic_range(listed, offer) if video else None,
        video_codec=video,
        audio_codec=audio,
        bitrate=round(listed.tbr * _KILO) if listed.tbr else None,
        size=size,
        is_size_exact=size is not None,
        language=(language(tags=locator.tags, track_id=track_id) or listed.language) if audio else None,
        audio_track=_audio_track(listed, locator, offer) if audio else None,
        available_at=datetime.fromtimestamp(listed.available_at, UTC)
        if listed.available_at and listed.available_at > now
        else None,
        version=None,
        stream_url=UNRENDERED,
        filename="",
    )
    name = filename(info.title or "", media_id=media_id, label=_label(made), extension=extension)
    source = Source(
        media_id=media_id,
        format_id=made.format_id,
        url=listed.url or "",
        headers={header: listed.http_headers[header] for header in _HEADERS if header in listed.http_headers},
        identity=Identity(itag=itag, xtags=locator.xtags, lmt=locator.lmt, size=size or UNKNOWN_SIZE),
        content_type=f"{'video' if video else 'audio'}/{'3gpp' if container == '3gp' else container}",
        filename=name,
        expires_at=locator.expires_at(now),
        available_at=made.available_at.timestamp() if made.available_at else None,
        init_range=_range(offer.init if offer else None),
        index_range=_range(offer.index if offer else None),
        exit=exit,
        family=family,
    )
    version = source.version if size else None
    return Candidate(format=replace(made, filename=name, version=version), source=source, client=offer.client if offer else None)


def _audio_track(listed: Listed, locator: Locator, offer: Offer | None) -> AudioTrack | None:
    """Only where the source has tracks: a video with one sound track names none."""
    content = locator.tags.get("acont")
    if offer and offer.track_id:
        is_original = content == "original" or "original" in (offer.track_name or "").lower()
        return AudioTrack(id=offer.track_id, name=offer.track_name, is_original=is_original, is_default=offer.is_default_track)
    if not locator.tags.get("lang"):
        return None
    preference = listed.language_preference
    return AudioTrack(
        id=locator.tags["lang"],
        name=None,
        is_original=content == "original" or preference == _ORIGINAL_PREFERENCE,
        is_default=preference in {_ORIGINAL_PREFERENCE, _DEFAULT_PREFERENCE},
    )


def _label(item: Format) -> str:
    """The part of a file's name that tells it from the video's other files, so that a resumed download cannot mix two."""
    parts = []
    if item.video_codec:
        parts += [item.resolution, item.dynamic_range if is_hdr(item.dynamic_range) else None]
        parts += [item.video_codec.family.upper() if item.video_codec.family in {"av1", "vp9"} else None]
        parts += [None if item.audio_codec else "video"]
    else:
        parts += ["audio", f"{round(item.bitrate / _KILO)}k" if item.bitrate else None]
    # What is behind the itag: language, compressed dynamic range, upscaled.
    parts += item.format_id.split(".")[1:]
    return " ".join(part for part in parts if part)


def _quality(item: Format) -> tuple[float, ...]:
    """Greater is better; compared only within a group."""
    track = item.audio_track
    video = (
        float(lines(item.resolution)),
        item.fps or 0.0,
        float(is_hdr(item.dynamic_range)),
        float(".sr" not in item.format_id),
        float(_VIDEO_RANK[item.video_codec.family]) if item.video_codec else 0.0,
    )
    audio = (
        float(track is None or track.is_original),
        float(track is None or track.is_default),
        float(not item.format_id.endswith(".drc")),
    )
    rank = float(_AUDIO_RANK[item.audio_codec.family]) if item.audio_codec else 0.0
    return (*video, *audio, float(item.bitrate or 0), rank)


def _range(span: Span | None) -> ByteRange | None:
    return None if span is None else ByteRange(span.start, span.end)
