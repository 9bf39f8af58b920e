"""Runs a function's application on HOST:PORT."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.logs import configure_logging
from shared.problems import problem
from shared.settings import Settings, SettingsError, load_settings
from shared.web.abort import offer_abort
from shared.web.errors import PROBLEM_JSON
from shared.web.observation import BrokenOffError

MAX_HEAD: Final = 32 * 1024
"""Bytes of request line and headers. The parser itself has no limit, and would collect them for ever."""

GRACE: Final = 8
"""Seconds for running answers after SIGTERM: with CLEARING, less than the ten an orchestrator usually waits."""

CLEARING: Final = 1
"""Seconds after which even what does not notice that its client is gone is ended."""

MAX_UNSENT: Final = 256 * 1024
"""Bytes that the system takes for a client before they can be sent. It would take megabytes: memory that nobody counts, and behind
which a slow client looks like a fast one."""

KEEP_ALIVE: Final = 75
"""Seconds an idle connection stays open: longer than the reverse proxy keeps it, so that never the server closes first."""

_log = structlog.stdlib.get_logger(__name__)


def serve(create_app: Callable[[Settings], Litestar], *, name: str, grace: Callable[[Settings], int] = lambda _: GRACE) -> None:
    """Returns when the process is told to stop; a bad setting ends it with a message and status 2.

    :param grace: seconds that running answers have from then on
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    configure_logging(settings, name=name)
    silence_broken_off()
    app = create_app(settings)
    server = Server(configuration(app, settings, grace=grace(settings)), app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    server.run()
    if not server.started:
        sys.exit(3)


def _leave(_: int, __: object) -> None:
    """The server raises the signal again once it has stopped in an orderly way, which is then no way to die."""
    sys.exit(0)


class Server(uvicorn.Server):
    """Stops in order: nobody new is let in, running answers have their grace, and what is left then is broken off.

    Its applications are told at once; their lifespans would hear of it only after the last answer.
    """

    def __init__(self, config: uvicorn.Config, *apps: Litestar) -> None:
        super().__init__(config)
        self._apps = apps

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Returns after the last answer, or after the grace."""
        for app in self._apps:
            app.state.stopping.set()
        breaking = asyncio.create_task(self._break_off())
        try:
            await super().shutdown(sockets)
        finally:
            breaking.cancel()

    async def _break_off(self) -> None:
        """To an application this looks like its clients' leaving, and to clients like a lost connection: they resume elsewhere."""
        await asyncio.sleep((self.config.timeout_graceful_shutdown or CLEARING) - CLEARING)
        left: list[Any] = list(self.server_state.connections)
        _log.info("connections broken off", connections=len(left))
        for connection in left:
            connection.transport.abort()


def configuration(
    app: ASGIApp,
    settings: Settings,
    *,
    grace: int = GRACE,
    **overrides: Any,  # noqa: ANN401 - uvicorn's own options
) -> uvicorn.Config:
    """How every function is served; client addresses are found by :mod:`shared.clients`, logs written by the application."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "http": Bounded,
        "ws": "none",
        "loop": "auto" if sys.platform == "win32" else "uvloop",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": grace + CLEARING,
        "reset_contextvars": True,
    }
    return uvicorn.Config(app, **options | overrides)


def silence_broken_off() -> None:
    """The application has told of a broken answer already; the server must cut the connection, and need not repeat it."""
    logging.getLogger("uvicorn.error").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], BrokenOffError)


class Bounded(HttpToolsProtocol):
    """The server's HTTP protocol, bounded: how long a request's head is, and how much waits in the system for a slow client.

    What is no request gets a problem like everything else.
    """

    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server's own
        """Before anything is received or sent."""
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)

    def on_message_begin(self) -> None:
        """A new head; the application may cut the connection by an extension of the scope."""
        self._head = 1
        super().on_message_begin()
        offer_abort(self.scope, self.transport.abort)

    def on_headers_complete(self) -> None:
        """What follows is the body, which has its own limit."""
        self._head = 0
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Counts whole reads, so the limit is exact to one of them."""
        super().data_received(data)
        if self._head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self.logger.warning("Request head too large.")
                self._refuse("too_large")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server's own sentence, in plain text
        """The server's parser has given up."""
        self._refuse("invalid_request")

    def _refuse(self, code: str) -> None:
        """The last thing that this connection hears. In the middle of an answer it would be taken for a part of it."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
            return
        self.transport.write(refusal(code, self.server_state.default_headers))
        self.transport.close()


def refusal(code: str, defaults: list[tuple[bytes, bytes]]) -> bytes:
    """A whole HTTP answer, for requests that no application ever sees."""
    found = problem(code)
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
