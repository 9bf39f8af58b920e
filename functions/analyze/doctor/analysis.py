"""One live analysis, as a worker makes its first attempt, and what it says."""

import time
from collections.abc import Iterable
from typing import Final

from functions.analyze.doctor.finding import Finding, bad, good
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.media import Extracted
from functions.analyze.extraction.outcome import FINAL, Outcome
from functions.analyze.extraction.strategies import PLAIN
from shared.schemas import Format, Media, Missing, Progress
from shared.settings import Settings
from shared.urls import Video

ANALYSIS: Final = "analysis"
FORMATS: Final = "formats"

_ANOTHER_EXIT: Final = "use another exit; a worker tries again with PO tokens, for which the provider must be well"
_REMEDIES: Final = {
    "bot_check": _ANOTHER_EXIT,
    "captcha_required": _ANOTHER_EXIT,
    "source_rate_limited": "wait, or use another exit",
    "token_rejected": "use the same exit for provider and worker; restart the provider",
    "token_provider_unavailable": "set POT_PROVIDER_URL, and mend what the provider's line says",
    "challenge_failed": "update yt-dlp, and mend what Deno's line says",
    "formats_incomplete": "update yt-dlp; mend what the lines above say",
    "sabr_only": "update yt-dlp",
    "network_error": "look at what the lines above say of proxy and certificates",
    "proxy_unreachable": "check that the proxy runs, and bears several connections",
    "proxy_auth_failed": "correct user name and password in GLOBAL_PROXY",
    "proxy_exit_unstable": "use a proxy that keeps one exit address",
    "analysis_timeout": "look at proxy and provider; raise ANALYSIS_TIMEOUT if they are merely slow",
    "geo_blocked": "use an exit in another country, or another --video",
}
_OTHER_VIDEO: Final = "examine another video with --video"
_UPDATE: Final = "update yt-dlp"


async def analyze(settings: Settings, video: Video) -> tuple[Outcome, float]:
    """The outcome of a plain attempt, and its seconds, with those that its process took to start."""

    async def ignore(_: Progress) -> None:
        pass

    async with Extractor.open(settings, children=1) as extractor:
        began = time.monotonic()
        outcome = await extractor.attempt(video.url, video.media_id, PLAIN, timeout=settings.analysis_timeout, on_progress=ignore)
        return outcome, time.monotonic() - began


def concluded(outcome: Outcome, *, seconds: float) -> Finding:
    """Whether there is a result at all."""
    if outcome.facts is not None:
        return good(ANALYSIS, f"{_count(outcome.facts)} in {seconds:.1f} s")
    why = outcome.problem
    if why is None:
        return bad(ANALYSIS, "it gave neither a result nor a reason", "please report this")
    remedy = _REMEDIES.get(why.code) or (_OTHER_VIDEO if why.code in FINAL else _UPDATE)
    return bad(ANALYSIS, f"{why.code}: {why.detail}", remedy)


def completeness(media: Media, *, least_lines: int) -> Finding:
    """Whether the result is all there is.

    :param least_lines: the height the video is known to have.
    """
    heights = sorted({item.height for item in videos(media) if item.height}, reverse=True)
    found = ", ".join(f"{height}p" for height in heights) or "no video"
    lost = f"; missing: {_listed(media.missing)}" if media.missing else ""
    if media.is_degraded:
        code = media.missing[0].code if media.missing else "formats_incomplete"
        return bad(FORMATS, f"degraded: {found}{lost}", _REMEDIES.get(code, _UPDATE))
    if max(heights, default=0) < least_lines:
        return bad(FORMATS, f"{found}, though the video has {least_lines}p{lost}", _REMEDIES["formats_incomplete"])
    return good(FORMATS, f"complete: {found}{lost}")


def videos(media: Media) -> list[Format]:
    """Every format with pictures."""
    return [*media.formats.video_only, *media.formats.combined]


def _count(facts: Extracted) -> str:
    number = len(facts.sources)
    return f"{number} format{'' if number == 1 else 's'}"


def _listed(missing: Iterable[Missing]) -> str:
    return "; ".join(
        " ".join(filter(None, (", ".join(item.formats), f"({item.code}{f', {item.client}' if item.client else ''})")))
        for item in missing
    )
