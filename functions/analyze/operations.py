"""What an orchestrator asks a worker: does it live, is it ready, how is it doing. Every function's routes, without its server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

import h11
import structlog
from redis.exceptions import RedisError

from shared.metrics import ProcessMetrics
from shared.settings import Settings
from shared.store import Store

PATIENCE: Final = 5.0
"""Seconds for one request, from its first byte to the last of its answer."""

MAX_HEAD: Final = 8 * 1024
READINESS_SECONDS: Final = 2.0
_READ: Final = 4 * 1024

Answer: TypeAlias = tuple[HTTPStatus, str, bytes]
Routes: TypeAlias = Mapping[str, Callable[[], Awaitable[Answer]]]

log = structlog.get_logger()


@asynccontextmanager
async def serving_operations(settings: Settings, metrics: ProcessMetrics, store: Store) -> AsyncIterator[None]:
    """On HOST:PORT, for as long as the worker runs. A worker whose port is taken works all the same, unseen."""
    routes = operations(metrics, store)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await _talk(reader, writer, routes)
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            pass  # whoever asked has left, or never said what is asked
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(talk, settings.host, settings.port)
    except OSError as error:
        log.warning("metrics not served", host=settings.host, port=settings.port, error=error.strerror)
        yield
        return
    async with server:
        yield


def operations(metrics: ProcessMetrics, store: Store) -> Routes:
    """The three routes, by path."""

    async def healthz() -> Answer:
        return HTTPStatus.OK, "application/json", b'{"status":"ok"}'

    async def readyz() -> Answer:
        try:
            async with asyncio.timeout(READINESS_SECONDS):
                await store.ping()
        except (RedisError, TimeoutError) as error:
            log.warning("not ready", error=type(error).__name__)
            return HTTPStatus.SERVICE_UNAVAILABLE, "application/json", b'{"status":"unavailable"}'
        return HTTPStatus.OK, "application/json", b'{"status":"ready"}'

    async def exposition() -> Answer:
        return HTTPStatus.OK, f"{metrics.media_type}; charset=utf-8", await metrics.exposition()

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": exposition}


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, routes: Routes) -> None:
    """One request and its answer; the connection ends with it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_READ))
    if not isinstance(event, h11.Request):
        return
    route = routes.get(event.target.decode("ascii").partition("?")[0])
    if event.method not in {b"GET", b"HEAD"} or route is None:
        status, kind, body = HTTPStatus.NOT_FOUND, "text/plain", b""
    else:
        status, kind, body = await route()
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", "Connection": "close"}
    answer = h11.Response(status_code=status, headers=list(headers.items()))
    is_told = event.method != b"HEAD"
    parts = [answer, *([h11.Data(data=body)] if body and is_told else []), h11.EndOfMessage()]
    writer.write(b"".join(connection.send(part) or b"" for part in parts))
    await writer.drain()
