"""How an attempt asks YouTube, as data; and which way the next attempt asks."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

FetchToken: TypeAlias = Literal["auto", "always", "never"]


class Strategy(Struct, frozen=True, kw_only=True):
    """One way of asking.

    ``clients`` are yt-dlp's player clients (empty: its defaults); ``fetch_pot`` says when PO tokens are fetched; ``webpage_skip``
    what of the page is not used; ``bypass_cache`` that tokens are made anew; ``forgets_players`` that YouTube's player scripts are
    loaded and taken apart anew.
    """

    name: str
    clients: tuple[str, ...] = ()
    fetch_pot: FetchToken = "auto"
    webpage_skip: tuple[str, ...] = ()
    bypass_cache: bool = False
    forgets_players: bool = False

    @property
    def needs_provider(self) -> bool:
        """Whether it makes no sense without a PO token service."""
        return self.fetch_pot == "always"

    @property
    def is_detour(self) -> bool:
        """Whether it goes around what is out of order, with clients that may well be refused."""
        return self.fetch_pot == "never"


_PLAYER_RESPONSE: Final = ("player_response",)
"""Else the web client takes the answer out of the page, which was made without a token."""

PLAIN: Final = Strategy(name="plain")
PROVEN: Final = Strategy(name="proven", clients=("tv_samsung", "web"), fetch_pot="always", webpage_skip=_PLAYER_RESPONSE)
"""Every request carries a proof of origin. YouTube's applications for television and the web may, visionos cannot."""
MOBILE: Final = Strategy(name="mobile", clients=("mweb", "web"), fetch_pot="always", webpage_skip=_PLAYER_RESPONSE)
"""The clients whose every file carries a token."""
ANEW: Final = Strategy(name="anew", clients=("mweb", "web"), fetch_pot="always", webpage_skip=_PLAYER_RESPONSE, bypass_cache=True)
TOKENLESS: Final = Strategy(name="tokenless", clients=("web_embedded", "tv_downgraded", "tv"), fetch_pot="never")
"""None of whose files wants a token, and none of which the plain way asks."""
SCRIPTLESS: Final = Strategy(name="scriptless", clients=("visionos",), fetch_pot="never")
"""The client that has no JavaScript challenge to solve; it needs no token either."""
FORGETFUL: Final = Strategy(name="forgetful", forgets_players=True)

LADDERS: Final[dict[str, tuple[Strategy, ...]]] = {
    "bot_check": (PROVEN, ANEW),
    "captcha_required": (PROVEN, ANEW),
    "formats_incomplete": (MOBILE, FORGETFUL, PROVEN),
    "token_rejected": (ANEW, SCRIPTLESS, PLAIN),
    "challenge_failed": (SCRIPTLESS, FORGETFUL),
    # The second rung asks the service again: it may have been restarted.
    "token_provider_unavailable": (TOKENLESS, MOBILE, SCRIPTLESS),
}
"""After a failure with this code, what may cure it, the likeliest first; after the last rung comes the first again."""

STRATEGIES: Final = {strategy.name: strategy for strategy in (PLAIN, PROVEN, MOBILE, ANEW, TOKENLESS, SCRIPTLESS, FORGETFUL)}
"""By name: what one attempt tells the next."""

PASSING: Final = frozenset(
    {
        "source_rate_limited",
        "network_error",
        "proxy_unreachable",
        "proxy_auth_failed",
        "proxy_exit_unstable",
        "analysis_timeout",
        "internal_error",
    }
)
"""Waiting cures it; that it struck says nothing against the way of asking."""


def next_strategy(code: str | None, *, before: Strategy | None, has_provider: bool = True) -> Strategy:
    """The strategy of the next attempt.

    :param code: of the last attempt's problem
    :param before: the last attempt's strategy; like the code, None before the first
    :param has_provider: whether there is a PO token service to ask
    """
    if code in PASSING:
        return before or PLAIN
    rungs = [rung for rung in LADDERS.get(code or "", ()) if has_provider or not rung.needs_provider]
    if not rungs:
        return PLAIN
    return rungs[(rungs.index(before) + 1) % len(rungs)] if before in rungs else rungs[0]
