"""A worker says that it lives, so that one that hangs or is gone is missed."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from redis.exceptions import RedisError

from shared.store import Store

EVERY: Final = 3.0
COUNTS_FOR: Final = 10.0
"""Seconds after its last word for which a worker is held to be alive."""

log = structlog.get_logger()


@asynccontextmanager
async def beating(store: Store) -> AsyncIterator[None]:
    """For as long as the worker takes work; an orderly end is told too."""
    worker_id = secrets.token_hex(8)

    async def beat_for_ever() -> None:
        while True:
            try:
                await store.beat(worker_id, seconds=COUNTS_FOR)
            except RedisError as error:
                log.warning("heartbeat not told", error=type(error).__name__)
            await asyncio.sleep(EVERY)

    beats = asyncio.create_task(beat_for_ever())
    try:
        yield
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
        with suppress(RedisError):
            await store.beat(worker_id, seconds=0)
