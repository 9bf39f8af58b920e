"""The one port, bound before anything starts, so that a taken port is one sentence and not a child's traceback."""

import errno
import socket

from functions.local.failure import LaunchError


def bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet: connections are refused until the edge is ready.

    :raises LaunchError: when the address is taken, forbidden or not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LaunchError(f"HOST={host}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise LaunchError(explain(error, host=host, port=port)) from None
    return listener


def explain(error: OSError, *, host: str, port: int) -> str:
    """Why the address cannot be used, and what to do."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is taken: stop what listens there, or choose another with PORT={port + 1}"
        case errno.EACCES:
            return f"port {port} on {host} is not allowed for this user: choose one above 1023 with PORT"
        case errno.EADDRNOTAVAIL:
            return f"HOST={host} is not an address of this machine"
        case _:
            return f"cannot listen on {host}, port {port}: {error.strerror}"


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def reachable(host: str) -> str:
    """An address under which a server bound to ``host`` answers on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def address(host: str, port: int) -> str:
    """The URL of that server, without a path."""
    name = reachable(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
