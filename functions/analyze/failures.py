"""Failures by whose business they are: what an operator looks at first. Pure."""

from typing import Final, Literal, TypeAlias

FailureClass: TypeAlias = Literal["video", "refused", "token", "network", "extractor", "internal"]

CLASSES: Final[dict[FailureClass, frozenset[str]]] = {
    # Nobody can see this video from here, or not yet: nothing is wrong.
    "video": frozenset(
        {
            *("video_private", "video_removed", "video_unavailable", "members_only", "age_restricted", "geo_blocked"),
            *("drm_protected", "live_now", "not_yet_available"),
        }
    ),
    # YouTube does not like the exit.
    "refused": frozenset({"bot_check", "captcha_required", "source_rate_limited"}),
    "token": frozenset({"token_rejected", "token_provider_unavailable"}),
    "network": frozenset({"network_error", "proxy_unreachable", "proxy_auth_failed", "proxy_exit_unstable"}),
    # YouTube has changed, or is too slow: a newer yt-dlp is the usual cure.
    "extractor": frozenset({"challenge_failed", "formats_incomplete", "analysis_timeout"}),
}


def failure_class(code: str) -> FailureClass:
    """The class of an analysis's problem; what is in none is a mistake of ours."""
    return next((name for name, codes in CLASSES.items() if code in codes), "internal")
