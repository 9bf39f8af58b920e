"""A connection as its reader sees it: bytes come when they are asked for, and hardly faster.

Everything is received into one buffer that all connections of an event loop share, decrypted into another, and copied out once. Who
is waited for by a fast reader receives large chunks, which save CPU time; who waits for a slow one small chunks, which save memory:
a connection whose reader is busy holds about :data:`SMALL` bytes.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Final, cast

from shared.upstream.wire.tls import Tls

SMALL: Final = 64 * 1024
"""Bytes received at once for a reader that is busy, and so many may lie unread before receiving pauses."""

LARGE: Final = 256 * 1024
"""Bytes received at once for a reader that waits."""


class Buffers:
    """What the connections of one event loop share. Receiving never awaits between filling a buffer and emptying it."""

    def __init__(self) -> None:
        self.wire = memoryview(bytearray(LARGE))
        # One for each layer of TLS: the inner one opens what lies in the outer one's.
        self.plain = (memoryview(bytearray(LARGE)), memoryview(bytearray(LARGE)))


class Stream(asyncio.BufferedProtocol):
    """One TCP connection with as many layers of TLS as it takes; used by one task at a time."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._layers: tuple[Tls, ...] = ()
        self._inbox: deque[bytes] = deque()
        self._size = 0
        self._appetite = SMALL
        self._waiting: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._has_ended = False
        self._is_paused = False
        self._closed = asyncio.get_running_loop().create_future()

    # -- its reader and writer ---------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether it is open and the other side has said nothing that was not asked for."""
        return not self._has_ended and not self._inbox and not self._transport.is_closing()

    async def receive(self, timeout: float | None) -> bytes:
        """The next bytes, or none at the end.

        :param timeout: seconds without a byte
        :raises TimeoutError: after those
        :raises OSError: where the connection broke; an :class:`ssl.SSLError` is one
        """
        if not self._inbox:
            await self._arrival(timeout)
        if not self._inbox:
            if self._failure is not None:
                raise self._failure
            if self._layers and not self._layers[-1].has_ended:
                # Anybody on the way can close a TCP connection; what ends with it may have been cut (RFC 9112 section 9.8).
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed, and TLS did not say so")
            return b""
        chunk = self._inbox.popleft()
        self._size -= len(chunk)
        if self._is_paused and self._size < SMALL:
            self._is_paused = False
            self._transport.resume_reading()
        return chunk

    def unreceive(self, data: bytes) -> None:
        """Give back what belongs to the next reader."""
        if data:
            self._inbox.appendleft(data)
            self._size += len(data)

    async def receive_exactly(self, size: int, timeout: float | None) -> bytes:
        """So many bytes.

        :raises EOFError: where there are fewer
        """
        data = bytearray()
        while len(data) < size:
            chunk = await self.receive(timeout)
            if not chunk:
                raise EOFError
            data += chunk
        self.unreceive(bytes(data[size:]))
        return bytes(data[:size])

    def send(self, data: bytes) -> None:
        """Requests are small: nobody waits until they are on their way."""
        for layer in reversed(self._layers):
            data = layer.seal(data)
        self._transport.write(data)

    async def secure(self, context: ssl.SSLContext, host: str, timeout: float | None) -> None:
        """TLS from here on, inside whatever there is already.

        :raises OSError: where it cannot be; an :class:`ssl.SSLError` is one
        """
        tls = Tls(context, host)
        while not tls.shake_hands():
            self.send(tls.outgoing())
            data = await self.receive(timeout)
            if not data:
                raise ConnectionResetError("closed during the TLS handshake")
            tls.feed(data)
        self.send(tls.outgoing())
        early = [await self.receive(timeout) for _ in range(len(self._inbox))]
        self._layers = (*self._layers, tls)
        self._open((b"", *early), (tls,))

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    async def wait_closed(self) -> None:
        """Until the system has taken the socket back."""
        await self._closed

    # -- the event loop's side ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Once, before anything else."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the protocol's signature
        """The same for everybody: it is emptied before anybody else can ask."""
        self._appetite = SMALL if self._waiting is None else min(2 * self._appetite, LARGE)
        return self._buffers.wire[: self._appetite]

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes are in the buffer now."""
        self._open((self._buffers.wire[:nbytes],), self._layers)

    def eof_received(self) -> bool:
        """The other side sends no more."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, in one way or another."""
        self._end(exc)
        if not self._closed.done():
            self._closed.set_result(None)

    # -- from the wire to the inbox ----------------------------------------------------------------------------------

    def _open(self, sealed: Iterable[memoryview | bytes], layers: tuple[Tls, ...]) -> None:
        try:
            for data in sealed:
                self._rise(data, layers)
        except ssl.SSLError as error:
            self._end(error)
            self._transport.abort()

    def _rise(self, data: memoryview | bytes, layers: tuple[Tls, ...]) -> None:
        """Through the layers that are left, to whoever waits."""
        if not layers:
            self._inbox.append(bytes(data))
            self._size += len(data)
            if self._size >= SMALL and not self._is_paused and not self._has_ended:
                self._is_paused = True
                self._transport.pause_reading()
            self._wake()
            return
        layer, *above = layers
        for opened in layer.open(data, self._buffers.plain[len(above)]):
            self._rise(opened, tuple(above))
        if layer.has_ended:
            self._end(None)
            self._transport.close()  # what follows the end is nobody's, and would be kept by OpenSSL

    def _end(self, failure: Exception | None) -> None:
        if not self._has_ended:
            self._has_ended, self._failure = True, failure
        self._wake()

    async def _arrival(self, timeout: float | None) -> None:
        if self._has_ended:
            return
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
