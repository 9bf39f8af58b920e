"""What came of an attempt, and what follows from it. Pure.

yt-dlp gives no codes: an error is recognised by what the player responses say, by the exception's class, and by its text; and many
failures are no error at all but a short list of formats (:mod:`census`).
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from functions.analyze.extraction.census import Census
from functions.analyze.extraction.evidence import Evidence
from functions.analyze.extraction.redaction import for_people
from functions.analyze.extraction.wire import Failure, Info, Offer, Playability
from shared.extracted import Extracted
from shared.problems import CATALOGUE, problem
from shared.schemas import Missing, Problem

Verdict: TypeAlias = Literal["complete", "degraded", "retry", "final"]

FINAL: Final = frozenset(
    {
        "video_private",
        "video_removed",
        "video_unavailable",
        "members_only",
        "age_restricted",
        "geo_blocked",
        "drm_protected",
        "live_now",
        "not_yet_available",
    }
)
"""Codes that no other attempt changes."""


class Outcome(Struct, frozen=True, kw_only=True):
    """One attempt. ``degraded`` has facts and a problem: the facts stand if no attempt is left.

    ``refused_exits``: digests of the addresses that refused files are bound to.
    """

    verdict: Verdict
    facts: Extracted | None = None
    problem: Problem | None = None
    missing: list[Missing] = []
    is_degraded: bool = False
    refused_exits: frozenset[str] = frozenset()


def failed(code: str, detail: str | None = None, *, missing: list[Missing] | None = None) -> Outcome:
    """An attempt without a result."""
    return Outcome(verdict="final" if code in FINAL else "retry", problem=problem(code, detail), missing=missing or [])


def more_telling(earlier: Problem | None, later: Problem, *, was_detour: bool) -> Problem:
    """Of two attempts' problems the one to show: that a detour ends at a bot check is no news, why it was taken is."""
    is_known = earlier is not None and earlier.code in _GONE_AROUND and later.code in _CURED_BY_TOKEN
    return earlier if earlier is not None and is_known and was_detour else later


def told_to_wait(outcome: Outcome, seconds: Iterable[int | None]) -> Outcome:
    """The same; if YouTube limits the rate, with the longest wait it asked for."""
    why = outcome.problem
    longest = max((wait for wait in seconds if wait is not None), default=None)
    if why is None or why.code != "source_rate_limited" or longest is None:
        return outcome
    return replace(outcome, problem=replace(why, retry_after=longest))


# What YouTube (or yt-dlp in its place) says, and the code it means; the first that matches counts. "Private video" comes before the
# bot check because both say "Sign in"; the rate limit before "not available" because it says that the content isn't.
_SAID: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"private video|video is private", "video_private"),
        (r"confirm you.{0,3}re not a bot|not a robot", "bot_check"),
        (r"captcha", "captcha_required"),
        (r"rate-limited|content isn.t available, try again later|too many requests", "source_rate_limited"),
        (r"join this channel|members-only|members only|available to this channel.s members", "members_only"),
        (r"confirm your age|age-restricted|inappropriate for some users|age verification", "age_restricted"),
        (r"in your country|in your location|not available in your region|blocked it in", "geo_blocked"),
        (r"premieres? (in|will|on)|live event will begin|will begin in|stream will start|scheduled for", "not_yet_available"),
        (r"DRM protected|protected by DRM", "drm_protected"),
        (r"removed|terminated|no longer available|copyright claim|account .{0,60}(closed|suspended)|deleted", "video_removed"),
        (r"your IP is likely being blocked", "bot_check"),
        (r"requires payment|unavailable|isn.t available|not available|does not exist|cannot be played", "video_unavailable"),
    )
)
_GONE_AROUND: Final = frozenset({"token_provider_unavailable", "token_rejected", "challenge_failed"})
_CURED_BY_TOKEN: Final = frozenset({"bot_check", "captcha_required"})
_PROXY_LOGIN: Final = re.compile(r"\b407\b|authenticat|username or invalid password", re.IGNORECASE)
_STREAM_OFFLINE: Final = "LIVE_STREAM_OFFLINE"


def classify(
    *, info: Info | None, failure: Failure | None, playability: list[Playability], offers: list[Offer] | None, evidence: Evidence
) -> tuple[str, str | None] | None:
    """The code and detail where yt-dlp gave up or the video is live or to come; None if what it found must be looked at."""
    if info is not None and (code := _LIVE.get(info.live_status or "")):
        return code, None
    if failure is None:
        return None
    said = _said(playability)
    # Where one client was let in, another one's refusal is not what went wrong; nor is the page's own, made without a token, where
    # no client got an answer.
    is_elsewhere = any(item.status == "OK" for item in playability) or not any(item.client for item in playability)
    code = (
        _by_playability(playability)
        or _by_class(failure)
        or (_by_evidence(evidence, offers) if is_elsewhere else None)
        or _by_text(said)
        or _by_evidence(evidence, offers)
        or _by_text(failure.text)
    )
    if code is None:
        return "internal_error", f"The extractor gave up: {for_people(failure.text)}"
    if code in _CURED_BY_TOKEN and evidence.is_provider_failing:
        code = "token_provider_unavailable"  # the cure was tried, and this is what stood in its way
    return code, _detail(code, said, evidence)


def nothing_to_offer(offers: list[Offer] | None, missing: list[Missing], evidence: Evidence) -> tuple[str, str | None]:
    """The code of a video of which every format is unusable."""
    if (offers and all(offer.is_drm for offer in offers)) or (not offers and evidence.is_drm):
        return "drm_protected", None
    by_evidence = _by_evidence(evidence, offers)
    code = by_evidence or next((item.code for item in missing if item.code not in _ONLY_MISSING), None)
    if code is not None:
        return code, None
    why = "; ".join(dict.fromkeys(item.detail for item in missing))
    return "formats_incomplete", f"{CATALOGUE['formats_incomplete'].title} {why}".strip()


def degradation(counted: Census) -> tuple[str, str]:
    """The code and detail of a result that another attempt may better."""
    loss = next(item for item in counted.missing if item.code == counted.curable)
    what = f" Missing: {', '.join(loss.formats)}." if loss.formats else ""
    return "formats_incomplete" if loss.code in _ONLY_MISSING else loss.code, f"{loss.detail}{what}"


_LIVE: Final = {"is_live": "live_now", "is_upcoming": "not_yet_available"}
_ONLY_MISSING: Final = frozenset({"segmented_only", "sabr_only", "drm_protected"})


_EMBEDDED: Final = "web_embedded"


def _said(playability: list[Playability]) -> str:
    """YouTube's reason; only refusals give one. The longest client's word counts, since some are terse.

    What the embedded player says may hold for other sites alone: it counts only where nobody else was asked.
    """
    reasons = [
        ". ".join(part.strip().rstrip(".") for part in (item.reason, item.subreason) if part.strip())
        for item in [item for item in playability if item.client != _EMBEDDED] or playability
    ]
    return max(reasons, key=len, default="")


def _by_playability(playability: list[Playability]) -> str | None:
    if any(item.is_captcha for item in playability):
        return "captcha_required"
    if any(item.status == _STREAM_OFFLINE for item in playability) and not any(item.status == "OK" for item in playability):
        return _by_text(_said(playability)) or "not_yet_available"
    return None


def _by_class(failure: Failure) -> str | None:
    if "GeoRestrictedError" in failure.kinds:
        return "geo_blocked"
    if "ProxyError" in failure.kinds:
        is_refusal = failure.is_proxy_login or _PROXY_LOGIN.search(failure.text)
        return "proxy_auth_failed" if is_refusal else "proxy_unreachable"
    if failure.http_status == 429:  # noqa: PLR2004 - Too Many Requests
        return "source_rate_limited"
    return None


def _by_text(text: str) -> str | None:
    return next((code for pattern, code in _SAID if pattern.search(text)), None)


def _by_evidence(evidence: Evidence, offers: list[Offer] | None) -> str | None:
    """The log's word, the most specific first."""
    told = (
        (evidence.is_proxy_refusing, "proxy_auth_failed"),
        (evidence.is_proxy_failing, "proxy_unreachable"),
        (evidence.is_rate_limited, "source_rate_limited"),
        (evidence.is_network_failing, "network_error"),
        (evidence.is_provider_failing and bool(offers), "token_provider_unavailable"),
        (evidence.is_challenge_failing and bool(offers), "challenge_failed"),
    )
    return next((code for is_so, code in told if is_so), None)


def _detail(code: str, said: str, evidence: Evidence) -> str | None:
    title = CATALOGUE[code].title
    if code == "network_error" and evidence.is_certificate_untrusted:
        return f"{title} The certificate is not trusted: if a device on the way inspects TLS, name its authority in SSL_CERT_FILE."
    if code == "token_provider_unavailable" and evidence.provider_reason:
        title = f"The PO token service says: {evidence.provider_reason}."
    return f"{title} YouTube says: {for_people(said)}" if said and code not in _OURS else None


_OURS: Final = frozenset({"proxy_auth_failed", "proxy_unreachable", "network_error", "internal_error"})
