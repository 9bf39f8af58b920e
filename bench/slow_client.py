"""A client as there are many: at the other end of an Ethernet, it takes so many bytes per second and keeps none for later.

On loopback, where a segment has 64 KiB, the system would take megabytes from the server at once and hide that anybody is slow.
"""

import asyncio
import re
import socket
from typing import Final

from msgspec import Struct

BUFFER: Final = 64 * 1024
"""Bytes that the system may keep for it."""

SEGMENT: Final = 1448
"""Bytes of a TCP segment on an Ethernet."""

PORTION: Final = 10_000


class Visit(Struct, frozen=True, kw_only=True):
    """What became of one; ``seconds`` from its first byte."""

    status: int
    received: int
    seconds: float
    has_ended: bool  # by the other side, which has more to give


async def take_slowly(port: int, path: str, *, rate: int, seconds: float) -> Visit:
    """Stay for so long, then leave."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        sock.settimeout(0)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, f"GET {path} HTTP/1.1\r\nHost: sluice\r\n\r\n".encode())
        head = await _head(sock)
        began, received = loop.time(), 0
        while (elapsed := loop.time() - began) < seconds:
            ahead = received / rate - elapsed
            if ahead > 0:
                await asyncio.sleep(ahead)
                continue
            data = await loop.sock_recv(sock, PORTION)
            if not data:
                break
            received += len(data)
        status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        return Visit(
            status=int(status[1]) if status else 0,
            received=received,
            seconds=loop.time() - began,
            has_ended=elapsed < seconds,
        )


async def _head(sock: socket.socket) -> bytes:
    """Up to the body, of which the beginning may be lost: nobody counts single bytes here."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = await asyncio.get_running_loop().sock_recv(sock, PORTION)
        if not data:
            break
        head += data
    return head
