"""One way out: directly by one address family, or through one proxy."""

import asyncio
import socket
import ssl
from typing import Final

import aiohappyeyeballs

from shared.sources import Family
from shared.upstream.wire import tunnels
from shared.upstream.wire.address import Address, Origin, Proxy
from shared.upstream.wire.stream import Buffers, Stream

SECOND_TRY_AFTER: Final = 0.25
"""Seconds before the next address of a host is tried beside the first (RFC 8305 section 8)."""

_FAMILIES: Final[dict[Family | None, int]] = {None: socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


class Route:
    """Opens connections, all of them by the same exit."""

    def __init__(self, *, proxy: Proxy | None, family: Family | None, context: ssl.SSLContext) -> None:
        self._proxy = proxy
        self._family = _FAMILIES[None if proxy else family]
        self._context = context
        self._buffers = Buffers()

    async def open(self, origin: Origin, timeout: float | None) -> Stream:
        """A connection on which a request can be sent.

        :param timeout: seconds for all of it
        :raises OSError: as the system, or TLS, says it
        :raises TimeoutError: after those seconds
        :raises ProxyRefusedError: and :class:`NoProxyError`, as the tunnels
        """
        async with asyncio.timeout(timeout):
            stream = await self._connect(self._proxy.address if self._proxy else origin.address)
            try:
                if self._proxy is not None:
                    await self._tunnel(stream, self._proxy, origin.address)
                if origin.scheme == "https":
                    await stream.secure(self._context, origin.address.host, None)
            except BaseException:
                stream.abort()
                raise
            return stream

    async def _connect(self, address: Address) -> Stream:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(address.host, address.port, family=self._family, type=socket.SOCK_STREAM)
        sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=SECOND_TRY_AFTER, interleave=1)
        try:
            _, stream = await loop.create_connection(lambda: Stream(self._buffers), sock=sock)
        except BaseException:
            sock.close()
            raise
        return stream

    async def _tunnel(self, stream: Stream, proxy: Proxy, target: Address) -> None:
        if proxy.is_secure:
            await stream.secure(self._context, proxy.address.host, None)
        dig = tunnels.connect if proxy.kind == "connect" else tunnels.socks5
        await dig(stream, target, proxy.credentials, None)
