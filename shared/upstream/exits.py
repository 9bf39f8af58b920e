"""The way out: one proxy for everything, or directly by the address family that a media URL is bound to."""

import hashlib
import hmac
import ssl

import certifi
import httpx

from shared.settings import Settings
from shared.sources import Family
from shared.upstream.transport import Transport
from shared.upstream.wire.address import proxy_of
from shared.upstream.wire.route import Route


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
    proxy = None if settings.global_proxy is None else proxy_of(settings.global_proxy)
    return Transport(Route(proxy=proxy, family=family, context=trust(settings)))
