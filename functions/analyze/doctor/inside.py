"""Requests to what stands inside: directly, never through the proxy, and with an answer of bounded size."""

import asyncio
import re
import ssl
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

_MAX_ANSWER: Final = 1 << 16
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


async def ask(url: str, *, trust: ssl.SSLContext, body: bytes | None = None) -> Answer:
    """POST a body of JSON, or GET without one.

    :raises OSError: nothing answers
    :raises ValueError: what answers does not speak HTTP, or too much
    """
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if is_secure else 80), ssl=trust if is_secure else None
    )
    try:
        writer.write(_request(parts.path, host=parts.netloc.rpartition("@")[2], body=body))
        await reader.readexactly(_MAX_ANSWER)
    except asyncio.IncompleteReadError as error:
        head, _, rest = error.partial.partition(b"\r\n\r\n")
        status = _STATUS.match(head)
        if status is None:
            raise ValueError("no HTTP") from None
        return Answer(int(status[1]), rest)
    finally:
        writer.close()
    raise ValueError("too long")


def _request(path: str, *, host: str, body: bytes | None) -> bytes:
    """HTTP/1.0: the answer comes in one piece and ends with the connection."""
    method = "GET" if body is None else "POST"
    described = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.0\r\nHost: {host}\r\n{described}\r\n".encode() + (body or b"")
