"""The rest of a result: title, channel, chapters, subtitles, cover. Pure."""

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from functions.analyze.extraction import wire
from functions.analyze.extraction.filenames import filename
from functions.analyze.extraction.formats import Candidate, grouped
from functions.analyze.extraction.merges import merges, recommended
from functions.analyze.extraction.wire import Info, Track
from shared.extracted import Extracted
from shared.schemas import UNRENDERED, Channel, Chapter, LiveStatus, Media, Missing, Subtitle
from shared.sources import Asset

THUMBNAIL: Final = "thumbnail"

_IMAGES: Final = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".png": "image/png"}
_SUBTITLES: Final = {"vtt": "text/vtt", "srt": "application/x-subrip"}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LIVE: Final[dict[str | None, LiveStatus]] = {"was_live": "was_live", "post_live": "post_live"}


def extracted(
    info: Info,
    candidates: list[Candidate],
    *,
    media_id: str,
    missing: list[Missing],
    is_degraded: bool,
    is_proved: bool,
    exit: str,  # noqa: A002 - the field's name
    now: float,
) -> Extracted:
    """Put everything together. ``fresh_until`` is set where the result is stored.

    :param exit: digest of the exit, for what is bound to no address family.
    """
    offered = [candidate for candidate in candidates if candidate.format.size]
    formats = grouped([candidate.format for candidate in offered])
    listed = merges(offered)
    tracks = subtitles(info)
    image = cover(info, media_id=media_id, exit=exit)
    files = [subtitle_file(info, subtitle, file, media_id=media_id, exit=exit) for subtitle, some in tracks for file in some]
    media = Media(
        media_id=media_id,
        url=f"https://www.youtube.com/watch?v={media_id}",
        title=info.title or media_id,
        channel=Channel(name=info.channel or info.uploader, id=info.channel_id, url=info.channel_url or info.uploader_url),
        duration=info.duration,
        thumbnail_url=None if image is None else UNRENDERED,
        published_at=_published(info),
        view_count=info.view_count,
        live_status=_LIVE.get(info.live_status, "not_live"),
        chapters=[chapter for chapter in map(_chapter, info.chapters or []) if chapter],
        subtitles=[subtitle for subtitle, _ in tracks],
        formats=formats,
        merges=listed,
        recommended=recommended(formats, listed),
        is_degraded=is_degraded,
        missing=missing,
        analyzed_at=datetime.fromtimestamp(now, UTC),
        fresh_until=datetime.fromtimestamp(now, UTC),
    )
    return Extracted(
        media=media,
        is_proved=is_proved,
        sources={candidate.format.format_id: candidate.source for candidate in offered},
        assets={asset.asset_id: asset for asset in [*([image] if image else []), *files]},
    )


def subtitles(info: Info) -> list[tuple[Subtitle, list[Track]]]:
    """Each track with its files: those people wrote, then what speech recognition wrote in the language spoken."""
    manual = [(_subtitle(language, files, is_automatic=False), files) for language, files in sorted((info.subtitles or {}).items())]
    automatic = [
        (_subtitle(language, files, is_automatic=True), files)
        for language, files in sorted(_spoken(info.automatic_captions or {}).items())
    ]
    return [(subtitle, _files(files)) for subtitle, files in [*manual, *automatic] if _files(files)]


def _spoken(captions: dict[str, list[Track]]) -> dict[str, list[Track]]:
    """yt-dlp lists every language YouTube would translate to, and the spoken one twice, the second time as `en-orig`."""
    original = {language.removesuffix("-orig"): files for language, files in captions.items() if language.endswith("-orig")}
    return original or captions


def _files(files: list[Track]) -> list[Track]:
    return [file for file in files if file.ext in _SUBTITLES and "tlang=" not in file.url]


def _subtitle(language: str, files: list[Track], *, is_automatic: bool) -> Subtitle:
    name = next((file.name for file in files if file.name), None)
    return Subtitle(
        subtitle_id=_UNSAFE.sub("-", language) + (".auto" if is_automatic else ""),
        language=language,
        name=name.removesuffix(" (Original)") if name else None,
        is_automatic=is_automatic,
        url=UNRENDERED,
    )


def cover(info: Info, *, media_id: str, exit: str) -> Asset | None:  # noqa: A002 - the field's name
    """The best image that is known to exist; those yt-dlp makes up from patterns may not."""
    if not info.thumbnail:
        return None
    suffix = PurePosixPath(urlsplit(info.thumbnail).path).suffix.lower()
    return Asset(
        media_id=media_id,
        asset_id=THUMBNAIL,
        url=info.thumbnail,
        headers={},
        content_type=_IMAGES.get(suffix, "image/jpeg"),
        filename=filename(
            info.title or "", media_id=media_id, label="", extension=suffix.lstrip(".") if suffix in _IMAGES else "jpg"
        ),
        exit=exit,
        family=None,
    )


def subtitle_file(info: Info, subtitle: Subtitle, file: Track, *, media_id: str, exit: str) -> Asset:  # noqa: A002
    """One form of one subtitle track."""
    return Asset(
        media_id=media_id,
        asset_id=f"subtitles/{subtitle.subtitle_id}.{file.ext}",
        url=file.url,
        headers={},
        content_type=_SUBTITLES[file.ext],
        filename=filename(info.title or "", media_id=media_id, label=subtitle.subtitle_id, extension=file.ext),
        exit=exit,
        family=None,
    )


def _published(info: Info) -> datetime | None:
    """The moment if YouTube tells it, else the day."""
    if info.timestamp is not None:
        return datetime.fromtimestamp(info.timestamp, UTC)
    try:
        return datetime.strptime(info.upload_date or "", "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _chapter(chapter: wire.Chapter) -> Chapter | None:
    if chapter.start_time is None:
        return None
    return Chapter(title=chapter.title or "", start=chapter.start_time, end=chapter.end_time)
