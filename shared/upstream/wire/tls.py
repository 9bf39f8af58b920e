"""One layer of TLS, without any I/O: records in, plaintext out, and the reverse."""

import ssl
from collections.abc import Iterator
from typing import Final

RECORD: Final = 16 * 1024
"""Bytes of plaintext in one record at most (RFC 8446 section 5.1)."""

SLICE: Final = 2 * RECORD
"""Bytes handed to OpenSSL at once: its buffer grows to what it was ever given, and stays so for as long as the connection."""


class Tls:
    """The client's side of one TLS connection."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.has_ended = False
        """The other side has said that nothing follows."""

    def shake_hands(self) -> bool:
        """Go on as far as possible; whether it is done. Each step may leave something in :meth:`outgoing`.

        :raises ssl.SSLError: where the other side is not who it should be
        """
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def feed(self, data: memoryview | bytes) -> None:
        """Records, or parts of some."""
        self._incoming.write(data)

    def outgoing(self) -> bytes:
        """What is to be sent below this layer."""
        return self._outgoing.read()

    def seal(self, data: bytes) -> bytes:
        """Plaintext as records."""
        if data:
            self._object.write(data)
        return self.outgoing()

    def open(self, data: memoryview | bytes, buffer: memoryview) -> Iterator[memoryview]:
        """Plaintext of the records in ``data`` and of what was fed before, in portions of the buffer, each valid until the next.

        :raises ssl.SSLError: where it is not what the other side sent
        """
        filled = 0
        for at in range(0, max(1, len(data)), SLICE):
            self._incoming.write(data[at : at + SLICE])
            while (read := self._read(buffer[filled:])) > 0:
                filled += read
                if len(buffer) - filled < RECORD:
                    yield buffer[:filled]
                    filled = 0
        if filled:
            yield buffer[:filled]

    def _read(self, buffer: memoryview) -> int:
        """Bytes of one record at most; 0 where there are no more."""
        try:
            read = int(self._object.read(len(buffer), buffer))
        except ssl.SSLWantReadError:
            return 0
        self.has_ended = read == 0
        return read
