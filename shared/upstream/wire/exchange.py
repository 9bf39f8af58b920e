"""One request and its answer over one connection: HTTP/1.1 as RFC 9112 has it, the parsing of heads left to h11.

A body of known length, which is all of a media file, is passed on as it was received; h11 sees none of it.
"""

from collections.abc import AsyncGenerator
from typing import Final

import h11

from shared.upstream.wire.stream import Stream

MAX_HEAD: Final = 64 * 1024


class Exchange:
    """Begun by :meth:`begin`, ended when the body has been read."""

    def __init__(self, stream: Stream, idle: float | None) -> None:
        self._stream = stream
        self._idle = idle
        self._framing: h11.Connection | None = None  # takes the body apart, where its length shows only at its end
        self._rest: int | None = None  # bytes of the body that are to come, where that is known
        self._is_kept = False

    @property
    def is_reusable(self) -> bool:
        """Whether another request may follow on the same connection."""
        return self._is_kept and self._rest == 0 and self._stream.is_idle

    async def begin(self, method: str, target: str, headers: list[tuple[bytes, bytes]]) -> h11.Response:
        """Send a request without a body; the head of its answer.

        :raises h11.ProtocolError: for what is not HTTP, an answer cut off among it
        :raises OSError: where the connection breaks
        :raises TimeoutError: where nothing comes
        """
        http = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        request = http.send(h11.Request(method=method, target=target, headers=headers)) or b""
        self._stream.send(request + (http.send(h11.EndOfMessage()) or b""))
        while not isinstance(event := http.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                http.receive_data(await self._stream.receive(self._idle))
        self._take_over(http, method, event)
        return event

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The body, not decoded, as it comes; without an error it was complete.

        :raises h11.ProtocolError: also where it ends early
        :raises OSError: where the connection breaks
        :raises TimeoutError: where nothing comes
        """
        if self._framing is not None:
            async for chunk in self._framed(self._framing):
                yield chunk
            return
        while self._rest:
            chunk = await self._stream.receive(self._idle)
            if not chunk:
                raise h11.RemoteProtocolError("the body ends early")
            if len(chunk) > self._rest:
                self._is_kept = False  # more than was announced: whatever that is, it is no part of this file
                chunk = chunk[: self._rest]
            self._rest -= len(chunk)
            yield chunk

    async def _framed(self, http: h11.Connection) -> AsyncGenerator[bytes, None]:
        """A body whose length shows only at its end: small files only."""
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif event is h11.NEED_DATA:
                http.receive_data(await self._stream.receive(self._idle))

    def _take_over(self, http: h11.Connection, method: str, head: h11.Response) -> None:
        """From h11, where the length of the body is known (RFC 9112 section 6.3); it would keep the first bytes for as long."""
        fields = dict(head.headers)
        if method == "HEAD" or head.status_code in {204, 304}:
            self._rest = 0
        elif b"transfer-encoding" not in fields and b"content-length" in fields:
            self._rest = int(fields[b"content-length"])  # h11 has seen to it that this is one number
        else:
            self._framing = http
            return
        # Neither side has said that the connection ends here: h11 has read both heads.
        self._is_kept = http.our_state is h11.DONE
        self._stream.unreceive(http.trailing_data[0])
