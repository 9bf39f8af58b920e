"""One live analysis, as a worker makes its first two attempts, and what it says."""

import time
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Final

from msgspec import Struct

from functions.analyze.doctor.finding import Finding, bad, good
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.outcome import FINAL, Outcome
from functions.analyze.extraction.richer import richer
from functions.analyze.extraction.strategies import PLAIN, Strategy, next_strategy
from shared.extracted import Extracted
from shared.schemas import Format, Media, Missing, Progress
from shared.settings import Settings
from shared.urls import Video

ANALYSIS: Final = "analysis"
FORMATS: Final = "formats"

_ANOTHER_EXIT: Final = "use another exit"
_IN_THE_WAY: Final = "token_provider_unavailable"
_REMEDIES: Final = {
    "bot_check": _ANOTHER_EXIT,
    "captcha_required": _ANOTHER_EXIT,
    "source_rate_limited": "wait, or use another exit",
    "token_rejected": "use the same exit for provider and worker; restart the provider",
    _IN_THE_WAY: "mend what the lines of provider and token say",
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
_CURED_BY_TOKEN: Final = frozenset({"bot_check", "captcha_required"})
_WAYS: Final = {True: "with PO tokens", False: "by other clients"}
_NEEDED: Final = {
    True: "this exit needs PO tokens for every analysis, which costs each a second attempt: keep the token service well",
    False: "mend what the first attempt failed of: what other clients give may be less, and may end",
}
_OTHER_VIDEO: Final = "examine another video with --video"
_UPDATE: Final = "update yt-dlp"


class Attempted(Struct, frozen=True, kw_only=True):
    """One attempt, and its seconds, with those that its process took to start."""

    strategy: Strategy
    outcome: Outcome
    seconds: float


async def analyze(settings: Settings, video: Video) -> list[Attempted]:
    """A plain attempt; where that fails with what another strategy can cure, one with that as well."""

    async def ignore(_: Progress) -> None:
        pass

    async def attempt(strategy: Strategy) -> Attempted:
        began = time.monotonic()
        outcome = await extractor.attempt(
            video.url, video.media_id, strategy, timeout=settings.analysis_timeout, on_progress=ignore
        )
        return Attempted(strategy=strategy, outcome=outcome, seconds=time.monotonic() - began)

    async with Extractor.open(settings, children=1) as extractor:
        first = await attempt(PLAIN)
        second = cure(first.outcome, has_provider=settings.pot_provider_url is not None)
        return [first] if second is None else [first, await attempt(second)]


def cure(outcome: Outcome, *, has_provider: bool) -> Strategy | None:
    """What a worker would try next, if that is anything else."""
    if outcome.problem is None or outcome.verdict not in {"retry", "degraded"}:
        return None
    strategy = next_strategy(outcome.problem.code, before=PLAIN, has_provider=has_provider)
    return None if strategy == PLAIN else strategy


def best(attempts: Iterable[Attempted]) -> Extracted | None:
    """The result that a worker would give."""
    return reduce(richer, (attempted.outcome.facts for attempted in attempts), None)


def concluded(attempts: Sequence[Attempted]) -> Finding:
    """Whether there is a result at all."""
    first, last = attempts[0], attempts[-1]
    found, why = best(attempts), first.outcome.problem
    if found is not None and first.outcome.facts is not None and found.sources is first.outcome.facts.sources:
        return good(ANALYSIS, _described(first))
    if why is None:
        return bad(ANALYSIS, "it gave neither a result nor a reason", "please report this")
    if found is not None:
        return good(ANALYSIS, f"{why.code} at first; {_described(last)}", advice=_NEEDED[last.strategy.needs_provider])
    return bad(ANALYSIS, f"{why.code}: {why.detail}{_in_vain(last) if last is not first else ''}", _remedy(why.code, last))


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


def _described(attempted: Attempted) -> str:
    number = len(attempted.outcome.facts.sources) if attempted.outcome.facts else 0
    how = f" {_WAYS[attempted.strategy.needs_provider]}" if attempted.strategy != PLAIN else ""
    return f"{number} format{'' if number == 1 else 's'}{how} in {attempted.seconds:.1f} s"


def _remedy(code: str, last: Attempted) -> str:
    why = last.outcome.problem
    if why is not None and why.code == _IN_THE_WAY:  # what might have cured it could not be tried
        return _REMEDIES[_IN_THE_WAY]
    if code in _CURED_BY_TOKEN and not last.strategy.needs_provider:
        return f"{_ANOTHER_EXIT}, or set POT_PROVIDER_URL, so that PO tokens are tried"
    return _REMEDIES.get(code) or (_OTHER_VIDEO if code in FINAL else _UPDATE)


def _in_vain(attempted: Attempted) -> str:
    why = attempted.outcome.problem
    return f"; {_WAYS[attempted.strategy.needs_provider]} as well: {why.code if why else 'nothing'}"


def _listed(missing: Iterable[Missing]) -> str:
    return "; ".join(
        " ".join(filter(None, (", ".join(item.formats), f"({item.code}{f', {item.client}' if item.client else ''})")))
        for item in missing
    )
