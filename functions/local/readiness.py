"""Whether something answers yet; asked again and again while it starts."""

import asyncio
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from shared.store import connect

TIMEOUT = 2.0


async def answers_ping(url: str) -> bool:
    """Whether the store answers."""
    try:
        async with asyncio.timeout(TIMEOUT), connect(url) as client:
            await client.ping()
    except (RedisError, OSError):  # TimeoutError is one
        return False
    return True


async def answers_provider(address: str) -> bool:
    """Whether the token service answers."""
    return await answers_http(f"{address}/ping")


async def answers_http(url: str) -> bool:
    """Whether a GET of this loopback URL answers 200."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
                status_line = await reader.readline()
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return False
    return status_line.split(b" ")[1:2] == [b"200"]
