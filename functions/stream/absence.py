"""What the newest result of a video tells about a file that is not there. Pure."""

import math
from typing import Final

from shared.problems import ProblemError
from shared.schemas import Media

REASONS: Final = frozenset({"token_rejected", "token_provider_unavailable", "challenge_failed", "source_rate_limited"})
"""Of what a result misses: those that another analysis may mend, and that name the failure of a request as well."""

RETRY_LISTED: Final = 10
"""Seconds before a file that a complete result lists, and the analysis after it did not find, is asked for again."""


def is_settled(result: Media | None, name: str, *, is_known: bool, now: float) -> bool:
    """Whether another analysis would find nothing more than this one: it is complete, or poor but made a moment ago.

    :param name: a format id, ``thumbnail`` or ``subtitles/en.vtt``
    :param is_known: whether there was such a file, so that a result which does not list it may be older than that
    :param now: seconds since 1970
    """
    if result is None or name in names(result):
        return False
    return now < result.fresh_until.timestamp() if result.is_degraded else not is_known


def absence(result: Media | None, name: str, *, now: float) -> ProblemError:
    """Why there is no such file: ``unknown_format`` where that is for good, else what kept it from being found."""
    if result is not None and result.is_degraded:
        why = next((item for item in result.missing if item.code in REASONS), None)
        wait = max(1, math.ceil(result.fresh_until.timestamp() - now))
        if why is not None:
            return ProblemError(why.code, why.detail, retry_after=wait)
        return ProblemError("formats_incomplete", retry_after=wait)
    if result is not None and name in names(result):
        return ProblemError("formats_incomplete", retry_after=RETRY_LISTED)
    return ProblemError("unknown_format")


def names(result: Media) -> frozenset[str]:
    """Every file that the result lists."""
    groups = (result.formats.combined, result.formats.video_only, result.formats.audio_only)
    tracks = (track.subtitle_id for track in result.subtitles)
    cover = {"thumbnail"} if result.thumbnail_url is not None else set()
    return frozenset(
        {item.format_id for group in groups for item in group}
        | {f"subtitles/{track}.{form}" for track in tracks for form in ("vtt", "srt")}
        | cover
    )
