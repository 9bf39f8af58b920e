"""Which addresses may be fetched: an anchored allow-list, compared with the parsed host name. Pure.

Asked before every request and for every redirect, so that no answer of anybody can point the system somewhere else.
"""

import re
from typing import Final
from urllib.parse import urlsplit

MEDIA: Final = ("googlevideo.com",)
ASSETS: Final = ("ytimg.com", "youtube.com")
ANALYSIS: Final = (
    *("youtube.com", "youtubei.googleapis.com"),  # the page, the player and its API
    "manifest.googlevideo.com",
    *("www.google.com", "accounts.google.com"),  # where YouTube sends whom it takes for a robot
)

_NAME: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)


def is_allowed(url: str, domains: tuple[str, ...]) -> bool:
    """Whether this is https on the default port of one of the domains or a name below it, without credentials."""
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    if parts.scheme != "https" or port not in {None, 443} or "@" in parts.netloc:
        return False
    # Nothing but a plain name: a client, a proxy or a resolver might see another host in "evil.example%2f.googlevideo.com".
    return _NAME.fullmatch(host) is not None and any(host == domain or host.endswith(f".{domain}") for domain in domains)
