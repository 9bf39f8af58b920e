"""The way out: one proxy for everything, or directly by the address family that a media URL is bound to."""

import hashlib
import hmac
import ssl
from typing import Final

import certifi
import httpx

from shared.settings import Settings
from shared.sources import Family

LOCAL_ADDRESSES: Final[dict[Family, str]] = {"ipv4": "0.0.0.0", "ipv6": "::"}  # noqa: S104 - where to leave from, not what to bind
POOL: Final = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=15.0)
"""How many connections there are is decided above; idle ones are kept for the next piece."""


def exit_digest(settings: Settings, family: Family | None) -> str:
    """Names the exit without telling what it is: media URLs answer only to the exit that asked for them."""
    exit_ = settings.global_proxy or f"direct {family or 'any'}"
    return hmac.new(settings.secret_key.encode(), f"sluice exit\n{exit_}".encode(), hashlib.sha256).hexdigest()[:32]


def trust(settings: Settings) -> ssl.SSLContext:
    """The public authorities, the system's, and SSL_CERT_FILE besides them."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    if settings.ssl_cert_file is not None:
        context.load_verify_locations(settings.ssl_cert_file)
    return context


def open_transport(settings: Settings, family: Family | None) -> httpx.AsyncBaseTransport:
    """The transport under httpx: documented seam, one constructor. With a proxy no name is ever resolved here."""
    context = trust(settings)
    if settings.global_proxy is not None:
        # The proxy resolves names whichever way SOCKS5 is written: httpcore always hands it the name.
        proxy = httpx.Proxy(settings.global_proxy)
        if proxy.url.scheme == "https":
            proxy.ssl_context = context
        return httpx.AsyncHTTPTransport(verify=context, proxy=proxy, limits=POOL, trust_env=False)
    address = LOCAL_ADDRESSES[family] if family is not None else None
    return httpx.AsyncHTTPTransport(verify=context, local_address=address, limits=POOL, trust_env=False)
