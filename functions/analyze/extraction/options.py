"""yt-dlp's parameters for one job. Pure: what they depend on is passed in."""

from typing import Any, Final

from functions.analyze.extraction.strategies import Strategy

SOCKET_TIMEOUT: Final = 15.0
"""Seconds for one read; the attempt as a whole is bounded by killing its process."""

EXTRACTOR_RETRIES: Final = 2

CONNECT_DIRECTLY: Final = ""
"""yt-dlp: use no proxy, not even one from the environment."""


def ydl_options(
    *,
    proxy: str | None,
    pot_provider_url: str | None,
    strategy: Strategy,
    deno: str | None,
    has_extra_trust: bool,
) -> dict[str, Any]:
    """A fresh dict: yt-dlp keeps and changes the one it is given.

    :param deno: the JavaScript runtime's path; None lets yt-dlp look for one.
    :param has_extra_trust: SSL_CERT_FILE in the child's environment names everything that is to be trusted.
    """
    return {
        "proxy": resolved_by_proxy(proxy) if proxy else CONNECT_DIRECTLY,
        "socket_timeout": SOCKET_TIMEOUT,
        "extractor_retries": EXTRACTOR_RETRIES,
        # Nothing is read from or written to the disk.
        "cachedir": False,
        "simulate": True,
        "noplaylist": True,
        # Every format is wanted and none is chosen; choosing would fail on videos with sound alone.
        "format": "all",
        # Some failures are told in debug lines alone.
        "verbose": True,
        "quiet": True,
        "color": "no_color",
        "js_runtimes": {"deno": {"path": deno} if deno else {}},
        # Else certifi is loaded instead of what SSL_CERT_FILE names.
        "compat_opts": ["no-certifi"] if has_extra_trust else [],
        "extractor_args": _extractor_args(strategy, pot_provider_url),
    }


def resolved_by_proxy(proxy: str) -> str:
    """``socks5`` and ``socks5h`` mean the same here: the proxy resolves names."""
    scheme, separator, rest = proxy.partition("://")
    return f"socks5h{separator}{rest}" if scheme.lower() == "socks5" else proxy


def _extractor_args(strategy: Strategy, pot_provider_url: str | None) -> dict[str, dict[str, list[str]]]:
    youtube: dict[str, list[str]] = {
        # The plugin would ask a server of its own choice if it were given none.
        "fetch_pot": [strategy.fetch_pot if pot_provider_url else "never"],
        "skip": ["translated_subs"],
    }
    if strategy.clients:
        youtube["player_client"] = list(strategy.clients)
    if strategy.webpage_skip:
        youtube["webpage_skip"] = list(strategy.webpage_skip)
    args: dict[str, dict[str, list[str]]] = {"youtube": youtube}
    if pot_provider_url:
        args["youtubepot-bgutilhttp"] = {"base_url": [pot_provider_url]}
    return args
