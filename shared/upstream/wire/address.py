"""Where connections lead. Pure."""

from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Address(Struct, frozen=True):
    """A host, by name or number, and a port."""

    host: str
    port: int


class Origin(Struct, frozen=True):
    """RFC 9110 section 4.3.2: what connections are kept for."""

    scheme: str
    address: Address


class Credentials(Struct, frozen=True):
    """As they are, not as they stand in a URL."""

    username: str
    password: str


class Proxy(Struct, frozen=True, kw_only=True):
    """One proxy."""

    kind: Literal["connect", "socks5"]
    address: Address
    is_secure: bool  # the way to the proxy itself is TLS
    credentials: Credentials | None


def origin_of(url: str) -> Origin:
    """Of an absolute http or https URL."""
    parts = urlsplit(url)
    return Origin(parts.scheme, Address(parts.hostname or "", parts.port or _PORTS[parts.scheme]))


def proxy_of(url: str) -> Proxy:
    """From ``http://``, ``https://``, ``socks5://`` or ``socks5h://``; the proxy resolves names."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    has_credentials = parts.username is not None
    return Proxy(
        kind="connect" if scheme in {"http", "https"} else "socks5",
        address=Address(parts.hostname or "", parts.port or _PORTS[scheme]),
        is_secure=scheme == "https",
        credentials=Credentials(unquote(parts.username or ""), unquote(parts.password or "")) if has_credentials else None,
    )
