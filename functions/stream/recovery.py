"""What to do when a piece fails: ask again, wait, get a fresh URL, or give up with a name. Pure."""

from typing import Final

from msgspec import Struct

from shared.problems import ProblemError
from shared.upstream import Reason

MAX_RETRIES: Final = 6
"""Failures in a row without a single byte in between."""

MAX_RENEWALS: Final = 3
"""Fresh URLs in a row without a single byte in between."""

MAX_WAIT: Final = 120.0
FIRST_BACKOFF: Final = 0.25
RENEW_AFTER_RETRIES: Final = 4
"""A URL whose answers stay broken is replaced before the retries are used up."""

ELSEWHERE_AFTER: Final = 3
"""Before that, another node is asked for the same file: that costs no analysis."""


class Retry(Struct, frozen=True):
    """Ask the same URL again after this many seconds, or the same file of another node."""

    delay: float
    is_elsewhere: bool = False


class Renew(Struct, frozen=True):
    """Ask for a fresh URL of the same file."""


class GiveUp(Struct, frozen=True):
    """Nothing more can be done; the code says why."""

    code: str
    retry_after: int | None = None

    def error(self) -> ProblemError:
        """As an exception."""
        return ProblemError(self.code, retry_after=self.retry_after)


_GIVEN_UP: Final[dict[Reason, str]] = {
    "refused": "source_refused",
    "rate_limited": "source_rate_limited",
    "unavailable": "source_refused",
    "interrupted": "source_unreadable",
    "timeout": "source_timeout",
    "changed": "source_changed",
    "unreadable": "source_unreadable",
    "foreign_redirect": "source_unreadable",
    "unresolved": "network_error",
    "untrusted": "network_error",
    "proxy_unreachable": "proxy_unreachable",
    "proxy_auth_failed": "proxy_auth_failed",
}


def given_up(reason: Reason, retry_after: int | None = None) -> GiveUp:
    """The failure as clients see it."""
    return GiveUp(_GIVEN_UP[reason], retry_after)


def recover(reason: Reason, *, retry_after: int | None, failures: int, renewals: int) -> Retry | Renew | GiveUp:
    """The next step after a failure.

    :param failures: in a row, this one included
    :param renewals: fresh URLs in a row
    :param retry_after: seconds the other side asked for
    """
    gone = given_up(reason, retry_after)
    match reason:
        case "foreign_redirect" | "proxy_auth_failed" | "untrusted":
            return gone
        case "refused" | "changed":
            return Renew() if renewals < MAX_RENEWALS else gone
        case "rate_limited":
            wait = float(retry_after if retry_after is not None else backoff(failures + 2))
            return Retry(wait) if failures < MAX_RETRIES and wait <= MAX_WAIT else gone
        case _:
            if failures >= RENEW_AFTER_RETRIES and renewals == 0:
                return Renew()
            wait = max(backoff(failures), float(min(retry_after or 0, MAX_WAIT)))
            return Retry(wait, is_elsewhere=failures == ELSEWHERE_AFTER) if failures < MAX_RETRIES else gone


def backoff(failures: int) -> float:
    """Seconds before the next try: 0.25, 0.5, 1, 2 and so on."""
    return float(min(FIRST_BACKOFF * 2 ** (failures - 1), 8.0))
