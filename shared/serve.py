"""Runs a function's application on HOST:PORT."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

import structlog
import uvicorn
from litestar import Litestar
from litestar.types import ASGIApp

from shared.logs import configure_logging
from shared.protocol import Bounded
from shared.settings import Settings, SettingsError, load_settings
from shared.web.observation import BrokenOffError

GRACE: Final = 8
"""Seconds for running answers after SIGTERM: with CLEARING, less than the ten an orchestrator usually waits."""

CLEARING: Final = 1
"""Seconds after which even what does not notice that its client is gone is ended."""

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
