"""The transport under httpx, on its documented seam: what httpx's own costs most of a relay's time for, and nothing else.

It serves GET and HEAD over HTTP/1.1, for one process and one event loop. Every failure is one of httpx's exceptions.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress

import h11
import httpx

from shared.upstream.wire.address import Origin, origin_of
from shared.upstream.wire.exchange import Exchange
from shared.upstream.wire.pool import Pool
from shared.upstream.wire.route import Route
from shared.upstream.wire.stream import Stream
from shared.upstream.wire.tunnels import NoProxyError, ProxyRefusedError


class Transport(httpx.AsyncBaseTransport):
    """Connections of one route, kept for the next request where that is possible."""

    def __init__(self, route: Route) -> None:
        self._pool = Pool(route)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer; its body follows as it is read."""
        timeouts = request.extensions.get("timeout", {})
        try:
            origin = origin_of(str(request.url))
        except ValueError as error:
            raise httpx.UnsupportedProtocol(type(error).__name__) from error
        stream = self._pool.waiting(origin)
        if stream is not None:
            # The other side may have closed it in the very moment it was used again (RFC 9112 section 9.3.1), or has sent more
            # after its last answer than belonged to that. GET and HEAD may be sent twice (RFC 9110 section 9.2.2).
            with suppress(httpx.ReadError, httpx.RemoteProtocolError):
                return await self._ask(request, origin, stream, Exchange(stream, timeouts.get("read")))
        with _connecting():
            stream = await self._pool.fresh(origin, timeouts.get("connect"))
        return await self._ask(request, origin, stream, Exchange(stream, timeouts.get("read")))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _ask(self, request: httpx.Request, origin: Origin, stream: Stream, exchange: Exchange) -> httpx.Response:
        try:
            with _reading():
                head = await exchange.begin(request.method, request.url.raw_path.decode("ascii"), request.headers.raw)
        except BaseException:
            self._pool.drop(stream)
            raise
        body = Body(self._pool, origin, stream, exchange)
        return httpx.Response(head.status_code, headers=list(head.headers), stream=body)


class Body(httpx.AsyncByteStream):
    """What follows a head. Read to its end, it gives its connection back; given up, it closes it."""

    def __init__(self, pool: Pool, origin: Origin, stream: Stream, exchange: Exchange) -> None:
        self._pool = pool
        self._origin = origin
        self._stream = stream
        self._exchange = exchange
        self._is_released = False

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """As it comes."""
        with _reading():
            async for chunk in self._exchange.body():
                yield chunk

    async def aclose(self) -> None:
        """Idempotent; never waits for the other side."""
        if self._is_released:
            return
        self._is_released = True
        if self._exchange.is_reusable:
            self._pool.keep(self._origin, self._stream)
        else:
            self._pool.drop(self._stream)


@contextmanager
def _connecting() -> Iterator[None]:
    """What goes wrong before a request can be sent."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ConnectTimeout("no connection") from error
    except ProxyRefusedError as error:
        raise httpx.ProxyError(str(error)) from error
    except (NoProxyError, OSError, UnicodeError) as error:  # the last for a name that cannot be asked for
        raise httpx.ConnectError(type(error).__name__) from error


@contextmanager
def _reading() -> Iterator[None]:
    """What goes wrong after that."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("nothing came") from error
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except OSError as error:
        raise httpx.ReadError(type(error).__name__) from error
