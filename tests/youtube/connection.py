"""One client's connection: HTTP/1.1 over a blocking socket, and every way of sending an answer badly."""

import select
import socket
import ssl
import struct
import time
from contextlib import suppress
from io import BufferedReader
from threading import Event

from .answer import Answer
from .log import Request

_SLICE = 256 << 10
_TLS_ALERT = b"\x15"
_LONGEST_HEAD = 64 << 10


class Gone(Exception):
    """The client has left, or the stand-in is being stopped."""


class Accepted(ssl.SSLSocket):
    """Closed at once where the client resets just before the handshake: `wrap_socket` takes the plain socket over, raises, and
    leaves this one to the garbage collector.
    """

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except OSError:
            self.close()
            raise


class Connection:
    """Owns a socket from accept to close. Used by one thread, except for `abort`."""

    def __init__(self, sock: socket.socket, number: int, closing: Event) -> None:
        self.number = number
        self._sock = sock
        self._closing = closing
        self._reader: BufferedReader = sock.makefile("rb")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def peek(self) -> bytes:
        """The first byte, left in place; empty if there is none."""
        return self._sock.recv(1, socket.MSG_PEEK)

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data = self._reader.read(size)
        if len(data) < size:
            raise Gone
        return data

    def read_head(self) -> list[str]:
        """The lines of an HTTP head."""
        lines = []
        while (line := self._reader.readline(_LONGEST_HEAD)) not in {b"\r\n", b"\n"}:
            if not line.endswith(b"\n"):
                raise Gone
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        return lines

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def start_tls(self, context: ssl.SSLContext) -> None:
        self._reader.close()
        encrypted = context.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
        self._sock = encrypted  # from here on `abort` can end the handshake too
        encrypted.do_handshake()
        self._reader = encrypted.makefile("rb")

    def send(self, answer: Answer, request: Request) -> bool:
        """Send the answer as planned, counting into the request; whether the connection can be used again."""
        if answer.delay:
            self._wait(answer.delay, answer.delayed_until)
        head = answer.head()
        if request.method == "HEAD":
            self.write(head)
            return True
        self._send_body(head, answer, request)
        if answer.stalled_until:
            self._wait(None, answer.stalled_until)
            answer.start += answer.cut or 0
            answer.cut = None
            self._send_body(b"", answer, request)
        if answer.is_reset:
            self.reset()
        if answer.surplus:
            self.write(bytes(answer.surplus))
        return answer.is_well_formed

    def reset(self) -> None:
        """End with RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def close(self) -> None:
        with suppress(OSError):
            self._reader.close()
        self._sock.close()

    def abort(self) -> None:
        """Wake the thread that reads or writes here. May be called from any thread."""
        with suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # below TLS, whose own shutdown is not thread safe

    def _send_body(self, head: bytes, answer: Answer, request: Request) -> None:
        end = answer.end if answer.cut is None else min(answer.end, answer.start + answer.cut)
        portion = answer.pace.portion if answer.pace else _SLICE
        if head:
            self.write(head)
        for chunk in answer.body.chunks(answer.start, end):
            view = memoryview(chunk)
            for at in range(0, len(view), portion):
                piece = view[at : at + portion]
                if answer.pace:
                    self._wait(answer.pace.wait_of(len(piece)))
                self._sock.sendall(piece)
                request.bytes_sent += len(piece)

    def _wait(self, seconds: float | None, until: Event | None = None) -> None:
        """Wait so long, or until the event; Gone as soon as the client has left or the stand-in stops."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not (until and until.is_set()):
            rest = 0.02 if deadline is None else min(0.02, deadline - time.monotonic())
            if rest <= 0:
                return
            if self._closing.is_set() or self._has_left(rest):
                raise Gone

    def _has_left(self, seconds: float) -> bool:
        """Whether the client hangs up within so many seconds (FIN, RST, or the alert by which TLS ends)."""
        readable, _, _ = select.select([self._sock], [], [], seconds)
        if not readable:
            return False
        first = socket.socket.recv(self._sock, 1, socket.MSG_PEEK)
        if first in {b"", _TLS_ALERT}:
            return True
        time.sleep(seconds)  # a pipelined request: it stays readable
        return False
