"""An application on a real socket, in the test's own event loop: for streaming, waiting and disconnecting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.types import ASGIApp

from shared.serve import Server, configuration
from shared.settings import Settings


@asynccontextmanager
async def serving(app: ASGIApp, settings: Settings) -> AsyncIterator[str]:
    """The address it answers at."""
    # Only what build_app has made wants to be told of a stop.
    told = [app] if isinstance(app, Litestar) and "stopping" in app.state else []
    server = Server(configuration(app, settings, host="127.0.0.1", port=0, loop="none", grace=1), *told)
    running = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(20):
            while not server.started:
                assert not running.done(), "the application did not start"
                await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
