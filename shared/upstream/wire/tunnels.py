"""Through a proxy to a host that only the proxy knows how to find: CONNECT (RFC 9110 section 9.3.6) and SOCKS5 (RFC 1928, 1929)."""

import base64
import ssl
from ipaddress import ip_address
from typing import Final

import h11

from shared.upstream.wire.address import Address, Credentials
from shared.upstream.wire.stream import Stream

MAX_HEAD: Final = 64 * 1024
_VERSION: Final = 5
_AUTH_VERSION: Final = 1
_NO_AUTHENTICATION: Final = 0
_PASSWORD: Final = 2
_MAX_CREDENTIAL: Final = 255
_CONNECT: Final = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_LENGTHS: Final = {_IPV4: 4, _IPV6: 16}
_SUCCESS: Final = range(200, 300)
_AUTHENTICATION_REQUIRED: Final = 407
_NOT_ALLOWED: Final = 2


class ProxyRefusedError(Exception):
    """The proxy is there, and says no: to the credentials, or to the host."""

    def __init__(self, detail: str, *, is_authentication: bool = False) -> None:
        super().__init__(detail)
        self.is_authentication = is_authentication


class NoProxyError(Exception):
    """Something is there that is no proxy of this kind."""


async def connect(stream: Stream, target: Address, credentials: Credentials | None, timeout: float | None) -> None:
    """A tunnel by HTTP.

    :raises ProxyRefusedError: where the proxy says no
    :raises NoProxyError: where what answers is not one
    """
    headers = [("Host", target.authority)]
    if credentials is not None:
        plain = f"{credentials.username}:{credentials.password}".encode()
        headers.append(("Proxy-Authorization", f"Basic {base64.b64encode(plain).decode()}"))
    proxy = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    stream.send(proxy.send(h11.Request(method="CONNECT", target=target.authority, headers=headers)) or b"")
    try:
        while not isinstance(event := proxy.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                proxy.receive_data(await stream.receive(timeout))
    except (h11.RemoteProtocolError, ssl.SSLEOFError):
        raise NoProxyError("no HTTP proxy") from None
    if event.status_code not in _SUCCESS:
        raise ProxyRefusedError(f"CONNECT {event.status_code}", is_authentication=event.status_code == _AUTHENTICATION_REQUIRED)
    if proxy.trailing_data[0]:
        raise NoProxyError("bytes before the tunnel was used")


async def socks5(stream: Stream, target: Address, credentials: Credentials | None, timeout: float | None) -> None:
    """A tunnel by SOCKS5; the proxy is always given the name, never an address looked up here.

    :raises ProxyRefusedError: where the proxy says no
    :raises NoProxyError: where what answers is not one
    """
    methods = [_NO_AUTHENTICATION] if credentials is None else [_NO_AUTHENTICATION, _PASSWORD]
    stream.send(bytes([_VERSION, len(methods), *methods]))
    try:
        version, method = await stream.receive_exactly(2, timeout)
        if version != _VERSION:
            raise NoProxyError("no SOCKS5 proxy")
        if method == _PASSWORD and credentials is not None:
            await _authenticate(stream, credentials, timeout)
        elif method != _NO_AUTHENTICATION:
            raise ProxyRefusedError("no method of authentication in common", is_authentication=True)
        stream.send(bytes([_VERSION, _CONNECT, 0]) + _encoded(target))
        version, reply, _, kind = await stream.receive_exactly(4, timeout)
        if version != _VERSION:
            raise NoProxyError("no SOCKS5 proxy")
        if reply:
            raise ProxyRefusedError(f"SOCKS5 reply {reply}", is_authentication=reply == _NOT_ALLOWED)
        if kind not in {_IPV4, _NAME, _IPV6}:
            raise NoProxyError("no SOCKS5 proxy")
        rest = _LENGTHS[kind] if kind in _LENGTHS else (await stream.receive_exactly(1, timeout))[0]
        await stream.receive_exactly(rest + 2, timeout)
    except EOFError:
        raise NoProxyError("closed during the SOCKS5 handshake") from None


async def _authenticate(stream: Stream, credentials: Credentials, timeout: float | None) -> None:
    username, password = credentials.username.encode(), credentials.password.encode()
    if max(len(username), len(password)) > _MAX_CREDENTIAL:
        raise ProxyRefusedError("credentials that SOCKS5 cannot carry", is_authentication=True)
    stream.send(bytes([_AUTH_VERSION, len(username)]) + username + bytes([len(password)]) + password)
    _, status = await stream.receive_exactly(2, timeout)
    if status:
        raise ProxyRefusedError("SOCKS5 credentials", is_authentication=True)


def _encoded(target: Address) -> bytes:
    """Address type, address and port (RFC 1928 section 5)."""
    port = target.port.to_bytes(2)
    try:
        packed = ip_address(target.host).packed
    except ValueError:
        name = target.host.encode("ascii")
        return bytes([_NAME, len(name)]) + name + port
    return bytes([_IPV4 if len(packed) == 4 else _IPV6]) + packed + port  # noqa: PLR2004 - the length of an IPv4 address
