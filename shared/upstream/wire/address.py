"""Where connections lead. Pure."""

from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

MAX_NAME: Final = 253
"""Characters of a host name (RFC 1035 section 2.3.4, as it is written)."""

_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Address(Struct, frozen=True):
    """A host, by name or number, and a port."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """As it stands in a request (RFC 9112 section 3.2.3)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


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
    """Of an absolute http or https URL.

    :raises ValueError: for any other, and for a host that no resolver, proxy or certificate could name
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not 0 < len(host) <= MAX_NAME:
        raise ValueError("no absolute http or https URL")
    host.encode("idna")  # the length of each label
    return Origin(parts.scheme, Address(host, parts.port or _PORTS[parts.scheme]))


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
