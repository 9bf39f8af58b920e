"""A worker says that it lives and which yt-dlp it runs, so that one that hangs, is gone or is old is noticed."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Final

import structlog
from redis.exceptions import RedisError

from shared.store import Store

EVERY: Final = 3.0
COUNTS_FOR: Final = 10.0
"""Seconds after its last word for which a worker is held to be alive."""

LEAVING: Final = 1.0
"""Seconds that an end waits for the store: a worker that says nothing is missed soon enough."""

log = structlog.get_logger()


@asynccontextmanager
async def beating(store: Store) -> AsyncIterator[None]:
    """For as long as the worker takes work; an orderly end is told too."""
    ended = asyncio.Event()
    beats = asyncio.create_task(_beat(store, secrets.token_hex(8), ended))
    try:
        yield
    finally:
        ended.set()
        await asyncio.wait({beats}, timeout=LEAVING)
        beats.cancel()


async def _beat(store: Store, worker_id: str, ended: asyncio.Event) -> None:
    """Ends when it is told to, since the store's client may lose a cancellation."""
    while not ended.is_set():
        await _tell(store, worker_id, seconds=COUNTS_FOR)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await ended.wait()
    await _tell(store, worker_id, seconds=0)


async def _tell(store: Store, worker_id: str, *, seconds: float) -> None:
    try:
        await store.beat(worker_id, extractor=version("yt-dlp"), seconds=seconds)
    except RedisError as error:
        log.warning("heartbeat not told", error=type(error).__name__)
