"""The connections that one request opens, so that none outlives a request that fails.

The transport forgets to close the one whose SOCKS handshake fails or is cancelled; its documented ``trace`` extension tells of
every connection as soon as it is there.
"""

from typing import Any

from httpcore import AsyncNetworkStream


class Opened:
    """What was connected on behalf of one request."""

    def __init__(self) -> None:
        self._streams: list[AsyncNetworkStream] = []

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """Told of everything the transport does; ``info`` of a completed event has its ``return_value``."""
        if event.endswith("connect_tcp.complete"):
            self._streams.append(info["return_value"])

    async def close(self) -> None:
        """Close them; those that are closed already do not mind."""
        for stream in self._streams:
            await stream.aclose()
