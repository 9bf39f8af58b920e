"""Many clients at one moment: each its own connection, all requests sent before the first answer is read.

Plain sockets, so that the client's own cost does not hide the server's.
"""

import asyncio
import time
from collections.abc import Sequence

from msgspec import Struct


class Burst(Struct, frozen=True, kw_only=True):
    """Latencies in seconds, sorted; ``wall`` from the first request to the last answer."""

    latencies: list[float]
    wall: float
    statuses: dict[int, int]

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


async def burst(port: int, requests: Sequence[bytes]) -> Burst:
    """Send every request at once, each on a connection of its own."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in requests]
    started = time.perf_counter()
    for (_, writer), request in zip(connections, requests, strict=True):
        writer.write(request)
    answers = await asyncio.gather(*(_answer(reader, writer, started) for reader, writer in connections))
    statuses: dict[int, int] = {}
    for status, _ in answers:
        statuses[status] = statuses.get(status, 0) + 1
    return Burst(latencies=sorted(seconds for _, seconds in answers), wall=time.perf_counter() - started, statuses=statuses)


def post(path: str, body: bytes) -> bytes:
    """One request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, started: float) -> tuple[int, float]:
    status_line = await reader.readline()
    seconds = time.perf_counter() - started
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(status_line.split()[1]), seconds
