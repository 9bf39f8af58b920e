"""Requests to what stands inside: directly, never through the proxy, and with an answer of bounded size."""

import asyncio
import re
import ssl
from base64 import b64encode
from typing import Final
from urllib.parse import SplitResult, urlsplit

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
        writer.write(_request(parts, body=body))
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


def _request(parts: SplitResult, *, body: bytes | None) -> bytes:
    """HTTP/1.0: the answer comes in one piece and ends with the connection."""
    method = "GET" if body is None else "POST"
    credentials, _, host = parts.netloc.rpartition("@")
    fields = [f"Host: {host}"]
    if credentials:  # as they stand there, which is how yt-dlp sends them
        fields.append(f"Authorization: Basic {b64encode(credentials.encode()).decode()}")
    if body is not None:
        fields += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([f"{method} {parts.path} HTTP/1.0", *fields, "", ""]).encode() + (body or b"")
