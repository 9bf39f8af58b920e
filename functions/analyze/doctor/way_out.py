"""The way out: the proxy, YouTube behind it, and the address under which YouTube sees us."""

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs, urlsplit

from functions.analyze.doctor.finding import Finding, bad, good
from shared.sources import Asset, Source
from shared.upstream import Reason, Upstream, UpstreamError

PROXY: Final = "proxy"
YOUTUBE: Final = "youtube"
EXIT: Final = "exit"

_PAGE: Final = Asset(
    media_id="",
    asset_id="",
    url="https://www.youtube.com/iframe_api",  # a kilobyte that everybody gets
    headers={},
    content_type="",
    filename="",
    exit="",
    family=None,
)
_AT_THE_PROXY: Final[dict[Reason, tuple[str, str]]] = {
    "proxy_unreachable": ("it cannot be reached", "check host and port of GLOBAL_PROXY, and that the proxy runs"),
    "proxy_auth_failed": ("it refuses the credentials", "correct user name and password in GLOBAL_PROXY"),
    "timeout": ("no answer in time, of the proxy or of YouTube behind it", "try another GLOBAL_PROXY"),
}
_BEHIND_IT: Final[dict[Reason, tuple[str, str]]] = {
    "unresolved": ("the proxy cannot reach it", "allow YouTube at the proxy, or use another GLOBAL_PROXY"),
    "untrusted": ("its certificate is not trusted", "if something on the way inspects TLS, name its authority in SSL_CERT_FILE"),
    "rate_limited": ("it limits the rate of this exit", "wait, or use another exit"),
}
_DIRECTLY: Final[dict[Reason, tuple[str, str]]] = {
    **_BEHIND_IT,
    "unresolved": ("its name cannot be resolved here", "set GLOBAL_PROXY where YouTube is not reachable directly"),
}


async def proxy(url: str | None, upstream: Upstream) -> Finding:
    """Whether it lets us through; what lies behind it is another check's business."""
    if url is None:
        return good(PROXY, "none: everything leaves directly")
    scheme = urlsplit(url).scheme
    try:
        await _reach(upstream)
    except UpstreamError as error:
        if error.reason in _AT_THE_PROXY:
            return bad(PROXY, *_AT_THE_PROXY[error.reason])
        return good(PROXY, f"{scheme}, takes connections")
    return good(PROXY, f"{scheme}, lets us through")


async def youtube(upstream: Upstream, *, is_proxied: bool) -> Finding:
    """Whether it answers."""
    try:
        await _reach(upstream)
    except UpstreamError as error:
        return bad(YOUTUBE, *explained(error, is_proxied=is_proxied))
    return good(YOUTUBE, "www.youtube.com answers")


def explained(error: UpstreamError, *, is_proxied: bool) -> tuple[str, str]:
    """What went wrong on the way, and the remedy."""
    if is_proxied and error.reason in _AT_THE_PROXY:
        text, remedy = _AT_THE_PROXY[error.reason]
        return f"the proxy: {text}", remedy
    known = _BEHIND_IT if is_proxied else _DIRECTLY
    other = "check GLOBAL_PROXY, or use another exit" if is_proxied else "set GLOBAL_PROXY where YouTube is not reachable directly"
    return known.get(error.reason, (f"no usable answer ({error})", other))


def exit_address(sources: Iterable[Source]) -> Finding:
    """What the media URLs say of the address they are bound to: it must be one and the same."""
    addresses = {address for source in sources for address in parse_qs(urlsplit(source.url).query).get("ip", [])}
    known = sorted(filter(None, map(masked, addresses)))
    if not known:
        return good(EXIT, "YouTube does not say which address it sees")
    seen = ", ".join(dict.fromkeys(known))
    if len(addresses) > 1:
        return bad(EXIT, f"YouTube sees {len(addresses)} addresses: {seen}", "use a proxy that keeps one exit address")
    return good(EXIT, f"YouTube sees {seen}")


def masked(address: str) -> str | None:
    """Family and network of an address, not the address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if parsed.version == 4:  # noqa: PLR2004 - IPv4
        return f"IPv4 {'.'.join(address.split('.')[:2])}.*.*"
    return f"IPv6 {':'.join(group.lstrip('0') or '0' for group in parsed.exploded.split(':')[:2])}:*"


async def _reach(upstream: Upstream) -> None:
    async with upstream.open_asset(_PAGE) as answer:
        async for _ in answer.chunks:
            pass
