"""The way in: CONNECT and SOCKS5 on one port, with or without credentials."""

import base64
import socket
from dataclasses import dataclass
from http import HTTPStatus

from .connection import Connection

_SOCKS = b"\x05"
_NO_AUTHENTICATION, _PASSWORD, _NONE_ACCEPTABLE = 0, 2, 0xFF
_NOT_ALLOWED, _HOST_UNREACHABLE, _COMMAND_UNKNOWN = 2, 4, 7
_ADDRESSES = {1: (socket.AF_INET, 4), 4: (socket.AF_INET6, 16)}
_NAME = 3
_OUTCOMES = {200: 0, 403: _NOT_ALLOWED, 405: _COMMAND_UNKNOWN}


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client wants to go. `is_accepted` is false for wrong credentials, `is_tunnel` for anything but CONNECT."""

    host: str
    port: int
    is_socks: bool
    is_accepted: bool = True
    is_tunnel: bool = True


def receive(connection: Connection, credentials: Credentials | None) -> Target:
    """Read what the client wants, up to the point where it expects to be told whether it gets it."""
    if connection.peek() == _SOCKS:
        return _receive_socks(connection, credentials)
    return _receive_http(connection, credentials)


def reply(connection: Connection, target: Target, status: int) -> None:
    """Tell the client: 200 opens the tunnel, 403, 407 and 5xx refuse it."""
    if not target.is_socks:
        header = 'Proxy-Authenticate: Basic realm="stand-in"\r\n' if status == 407 else ""
        ending = "\r\n" if status == 200 else "Content-Length: 0\r\nConnection: close\r\n\r\n"
        connection.write(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{header}{ending}".encode())
    elif target.is_accepted:
        connection.write(_SOCKS + bytes([_OUTCOMES.get(status, _HOST_UNREACHABLE), 0, 1]) + bytes(6))


def _receive_http(connection: Connection, credentials: Credentials | None) -> Target:
    first, *lines = connection.read_head()
    method, _, rest = first.partition(" ")
    target = rest.partition(" ")[0]
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    is_tunnel = method == "CONNECT"
    authority = target if is_tunnel else target.partition("://")[2].partition("/")[0]
    host, _, port = authority.rpartition(":") if ":" in authority else (authority, "", "80")
    return Target(
        host=host.strip("[]").lower(),
        port=int(port) if port.isdigit() else 0,
        is_socks=False,
        is_accepted=credentials is None or headers.get("proxy-authorization") == _basic(credentials),
        is_tunnel=is_tunnel,
    )


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()


def _receive_socks(connection: Connection, credentials: Credentials | None) -> Target:
    """RFC 1928, and RFC 1929 for the password."""
    _, offered = connection.read(2)
    methods = connection.read(offered)
    wanted = _PASSWORD if credentials else _NO_AUTHENTICATION
    if wanted not in methods:
        connection.write(_SOCKS + bytes([_NONE_ACCEPTABLE]))
        return Target("", 0, is_socks=True, is_accepted=False)
    connection.write(_SOCKS + bytes([wanted]))
    if credentials and not _check_password(connection, credentials):
        return Target("", 0, is_socks=True, is_accepted=False)
    _, command, _, kind = connection.read(4)
    if kind == _NAME:
        host = connection.read(connection.read(1)[0]).decode("latin-1").lower()
    else:
        family, size = _ADDRESSES[kind]
        host = socket.inet_ntop(family, connection.read(size))
    return Target(host, int.from_bytes(connection.read(2)), is_socks=True, is_tunnel=command == 1)


def _check_password(connection: Connection, credentials: Credentials) -> bool:
    connection.read(1)
    given = [connection.read(connection.read(1)[0]).decode() for _ in ("username", "password")]
    is_right = given == [credentials.username, credentials.password]
    connection.write(bytes([1, 0 if is_right else 1]))
    return is_right
