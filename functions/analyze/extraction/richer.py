"""Of two attempts' results the one to offer. Pure."""

from functions.analyze.extraction.labels import lines
from shared.extracted import Extracted
from shared.schemas import Format


def richer(earlier: Extracted | None, later: Extracted | None) -> Extracted | None:
    """The one that offers more; of equal ones the later, whose addresses live longer."""
    if earlier is None or later is None:
        return later or earlier
    return earlier if _worth(earlier) > _worth(later) else later


def _worth(facts: Extracted) -> tuple[bool, int, bool, int]:
    formats = facts.media.formats
    videos: list[Format] = [*formats.combined, *formats.video_only]
    best = max((lines(item.resolution) for item in videos), default=0)
    has_sound = bool(formats.combined or formats.audio_only)
    return not facts.media.is_degraded, best, has_sound, len(videos) + len(formats.audio_only)
