"""What can go wrong on the way to YouTube, translated once; no message holds a URL."""

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

import httpx

from shared.upstream.wire.tunnels import NoProxyError, ProxyRefusedError

Reason: TypeAlias = Literal[
    "refused",  # 400, 401, 403, 404, 410: this URL does not work (any more)
    "rate_limited",  # 429
    "unavailable",  # 5xx
    "interrupted",  # reset, cut short, no answer at all
    "timeout",  # nothing came for too long
    "changed",  # another file is there now
    "unreadable",  # an answer that does not fit the question
    "foreign_redirect",  # to a host that is not YouTube's, or in circles
    "unresolved",  # the name has no address, or the proxy cannot reach it
    "untrusted",  # TLS failed
    "proxy_unreachable",
    "proxy_auth_failed",
]

_NOBODY_THERE: Final = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})


class UpstreamError(Exception):
    """One request failed. ``retry_after`` is in seconds, where the other side said so; ``status`` where a refusal had one."""

    def __init__(self, reason: Reason, detail: str = "", *, status: int | None = None, retry_after: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.status = status
        self.retry_after = retry_after


@contextmanager
def translated(*, is_proxied: bool) -> Iterator[None]:
    """The one place where the client's exceptions become ours; used around the call and around the iteration of the body."""
    try:
        yield
    except httpx.HTTPError as error:
        raise UpstreamError(_reason(error, is_proxied=is_proxied), type(error).__name__) from None
    except TimeoutError:
        raise UpstreamError("timeout", "no answer") from None
    except (httpx.InvalidURL, httpx.StreamError) as error:
        raise UpstreamError("unreadable", type(error).__name__) from None


def _reason(error: httpx.HTTPError, *, is_proxied: bool) -> Reason:
    if isinstance(error, httpx.ProxyError):  # the proxy is there, and says no
        refusal = error.__cause__
        return "proxy_auth_failed" if isinstance(refusal, ProxyRefusedError) and refusal.is_authentication else "unresolved"
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return _connect_reason(error, is_proxied=is_proxied)
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.DecodingError | httpx.TooManyRedirects | httpx.UnsupportedProtocol):
        return "unreadable"
    return "interrupted"


def _connect_reason(error: BaseException, *, is_proxied: bool) -> Reason:
    """Looks through the chain of causes for the one that tells. Behind a proxy it is the proxy that is connected to."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NoProxyError):
            return "proxy_unreachable"
        if isinstance(cause, ssl.SSLError):
            return "untrusted" if isinstance(cause, ssl.SSLCertVerificationError) else "interrupted"
        if isinstance(cause, socket.gaierror | UnicodeError):
            return "proxy_unreachable" if is_proxied else "unresolved"
        if isinstance(cause, OSError) and cause.errno in _NOBODY_THERE:
            return "proxy_unreachable" if is_proxied else "interrupted"
        cause = cause.__cause__ or cause.__context__
    return "timeout" if isinstance(error, httpx.ConnectTimeout) else "interrupted"
