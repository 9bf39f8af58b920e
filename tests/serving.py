"""An application on a real socket, in the test's own event loop: for streaming, waiting and disconnecting."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.types import ASGIApp

from shared.serve import Server, configuration
from shared.settings import Settings


@asynccontextmanager
async def serving(app: ASGIApp, settings: Settings, *, unsent: int | None = None) -> AsyncIterator[str]:
    """The address it answers at.

    :param unsent: bytes that its sockets keep for a client that does not take them: on the loopback as much as a system allows,
        otherwise, and hardly more on a real line
    """
    # Only what build_app has made wants to be told of a stop.
    told = [app] if isinstance(app, Litestar) and "stopping" in app.state else []
    server = Server(configuration(app, settings, host="127.0.0.1", port=0, loop="none", timeout_graceful_shutdown=1), *told)
    running = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(20):
            while not server.started:
                assert not running.done(), "the application did not start"
                await asyncio.sleep(0.005)
        listener = server.servers[0].sockets[0]
        if unsent is not None:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, unsent)  # connections inherit it
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
