"""Who is asking: the address that limits count against."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from litestar.types import Scope

from shared.settings import Network

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN: Final = "unknown"
"""A connection without an address (a Unix socket): all of them are one client."""

_IPV6_CLIENT_BITS: Final = 64
_WITH_PORT: Final = re.compile(r"(?:\[([^\]]*)\]|([0-9.]+))(?::\d{1,5})?")


def client_address(scope: Scope, trusted_proxies: Iterable[Network]) -> str:
    """The client's address as a key: an IPv4 address, or an IPv6 /64 network, which is what one subscriber has."""
    peer = scope["client"]
    if peer is None:
        return UNKNOWN
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    address = walk(peer[0], ",".join(forwarded), tuple(trusted_proxies))
    return UNKNOWN if address is None else key(address)


def walk(peer: str, forwarded_for: str, trusted: tuple[Network, ...]) -> Address | None:
    """The first address from the right that is not one of our proxies; an entry that is no address ends the walk. Pure.

    Everything left of that address was written by the client and means nothing.
    """
    client = parse(peer)
    if not forwarded_for or not trusted:
        return client
    for entry in reversed(forwarded_for.split(",")):
        if client is None or not is_among(client, trusted):
            break
        found = parse(entry.strip())
        if found is None:
            break
        client = found
    return client


def comes_through_proxy(scope: Scope, trusted_proxies: Iterable[Network]) -> bool:
    """Whether the connection itself is one of our proxies', so that its X-Forwarded headers mean something."""
    peer = scope["client"]
    address = None if peer is None else parse(peer[0])
    return address is not None and is_among(address, tuple(trusted_proxies))


def is_among(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether any of the networks holds the address."""
    return any(address.version == network.version and address in network for network in networks)


def parse(text: str) -> Address | None:
    """An address with or without brackets and port; an IPv4-mapped one is IPv4, a zone is dropped."""
    match = _WITH_PORT.fullmatch(text)
    bare = (match[1] or match[2]) if match else text
    try:
        address = ipaddress.ip_address((bare or "").partition("%")[0])
    except ValueError:
        return None
    mapped: Any = getattr(address, "ipv4_mapped", None)
    return mapped or address


def key(address: Address) -> str:
    """One client, one key."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, _IPV6_CLIENT_BITS), strict=False))
