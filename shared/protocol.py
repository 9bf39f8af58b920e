"""The server's side of a connection: what may arrive, in how much time, and how much waits for a slow client."""

import asyncio
import socket
from http import HTTPStatus
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.problems import problem
from shared.web.abort import offer_abort
from shared.web.errors import PROBLEM_JSON

MAX_HEAD: Final = 32 * 1024
"""Bytes of request line and headers. The parser itself has no limit, and would collect them for ever."""

MAX_UNSENT: Final = 256 * 1024
"""Bytes that the system takes for a client before they can be sent. It would take megabytes: memory that nobody counts, and behind
which a slow client looks like a fast one."""

PATIENCE: Final = 20.0
"""Seconds for a request's head, and as many for its body, which is small. The server itself would wait for ever."""

LATE: Final = "The request did not arrive in time."


class RefusedError(Exception):
    """Of a head, by us; the parser then gives up as with a head that it refuses itself."""


class Bounded(HttpToolsProtocol):
    """The server's HTTP protocol, bounded. What is no request gets a problem like everything else."""

    _head = 0
    _tail = 0
    _is_arriving = False
    _verdict = "invalid_request"
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server's own
        """Before anything is received or sent."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A new head; the application may cut the connection by an extension of the scope."""
        self._head, self._tail = 1, 0
        self._is_arriving = True
        self._expect()
        super().on_message_begin()
        offer_abort(self.scope, self.transport.abort)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of the head alone: what stands behind a body would be taken for one of the head's, by whoever reads them later.

        :raises RefusedError:
        """
        if not self._head:
            raise RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """What follows is the body, which has its own limit.

        :raises RefusedError:
        """
        self._expect()
        if head_size(self.url, self.headers) > MAX_HEAD:
            self._verdict = "too_large"
            raise RefusedError
        if is_ambiguous(self.headers, asks_for_upgrade=self.parser.should_upgrade()):
            raise RefusedError
        self._head = 0
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Either bytes of the body follow, or fields."""
        self._tail = 1

    def on_body(self, body: bytes) -> None:
        """It was bytes."""
        self._tail = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here; the answer takes what it takes."""
        self._is_arriving = False
        self._tail = 0
        self._expect_nothing()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Counts whole reads as long as there is no end of a head, or of a field behind a body."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        self._head += len(data) if self._head else 0
        self._tail += len(data) if self._tail else 0
        if max(self._head, self._tail) > MAX_HEAD:
            self.logger.warning("Request head too large.")
            self._refuse("too_large")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server's own sentence, in plain text
        """The parser has given up."""
        self._refuse(self._verdict)

    def _expect(self) -> None:
        self._expect_nothing()
        self._deadline = self.loop.call_later(PATIENCE, self._late)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        """Nobody is answered who has said nothing, or who has had an answer to the rest of this already."""
        if self.flow.read_paused:  # it may have arrived: a running answer comes first
            self._expect()
        elif not self._is_arriving:
            self.transport.close()
        else:
            self._refuse("invalid_request", LATE)

    def _refuse(self, code: str, detail: str | None = None) -> None:
        """The last thing that this connection hears. In the middle of an answer it would be taken for a part of it."""
        self._expect_nothing()
        if self.pipeline or (self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete):
            self.transport.abort()
            return
        if self._is_arriving and not self._head and self.cycle.response_complete:  # it has had its answer
            self.transport.close()
            return
        self.transport.write(refusal(code, self.server_state.default_headers, detail=detail))
        self.transport.close()


def head_size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """Bytes of a head, roughly. Pure."""
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def is_ambiguous(headers: list[tuple[bytes, bytes]], *, asks_for_upgrade: bool) -> bool:
    """Whether a request could be taken for another one. Pure.

    Two hosts are one too many; and the parser sees no body where another protocol is asked for, so that what follows would be
    taken for a request.
    """
    names = [name for name, _ in headers]
    has_body = b"transfer-encoding" in names or any(name == b"content-length" and value.strip(b"0 \t") for name, value in headers)
    return names.count(b"host") > 1 or (asks_for_upgrade and has_body)


def refusal(code: str, defaults: list[tuple[bytes, bytes]], *, detail: str | None = None) -> bytes:
    """A whole HTTP answer, for requests that no application ever sees."""
    found = problem(code, detail)
    body = msgspec.json.encode(found)
    own = {
        "content-type": PROBLEM_JSON,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "connection": "close",
    }
    fields = [*defaults, *((name.encode(), value.encode()) for name, value in own.items())]
    status = f"HTTP/1.1 {found.status} {HTTPStatus(found.status).phrase}".encode()
    return b"\r\n".join([status, *(name + b": " + value for name, value in fields), b"", body])
