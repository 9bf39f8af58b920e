"""Of two attempts' results the one to offer. Pure."""

from msgspec.structs import replace

from functions.analyze.extraction.labels import lines
from shared.extracted import Extracted
from shared.schemas import Format, Missing


def richer(earlier: Extracted | None, later: Extracted | None) -> Extracted | None:
    """The one that offers more; of equal ones the later, whose addresses live longer. What the other says better, it says too."""
    if earlier is None or later is None:
        return later or earlier
    return _told(earlier, later) if _worth(earlier) > _worth(later) else _told(later, earlier)


def _told(facts: Extracted, other: Extracted) -> Extracted:
    """The same result; of two reasons why the same is missing the longer one, since the shorter is what is said of everything."""
    known = {_loss(item): item.detail for item in other.media.missing}
    missing = [replace(item, detail=max(item.detail, known.get(_loss(item), ""), key=len)) for item in facts.media.missing]
    return facts if missing == facts.media.missing else replace(facts, media=replace(facts.media, missing=missing))


def _loss(item: Missing) -> tuple[str, str | None, tuple[str, ...]]:
    return item.code, item.client, tuple(item.formats)


def _worth(facts: Extracted) -> tuple[bool, int, bool, int]:
    formats = facts.media.formats
    videos: list[Format] = [*formats.combined, *formats.video_only]
    best = max((lines(item.resolution) for item in videos), default=0)
    has_sound = bool(formats.combined or formats.audio_only)
    return not facts.media.is_degraded, best, has_sound, len(videos) + len(formats.audio_only)
