"""Sends a new wake-up for whatever could run and may have lost its message: pending, due after a wait, or its worker died."""

import asyncio
import random
from typing import Final

import structlog
from redis.exceptions import RedisError

from shared.queue import Queue
from shared.store import Store

EVERY: Final = 2.0
SPREAD: Final = 1.0
"""Seconds; several workers do not sweep in step."""

log = structlog.get_logger()


async def sweep_for_ever(store: Store, queue: Queue) -> None:
    """Ends only by being cancelled. A duplicate message does nothing, since only one run can claim a task."""
    while True:
        try:
            wake_ups = await store.sweep()
            if wake_ups:
                log.debug("swept", count=len(wake_ups))
            await queue.wake(wake_ups)
        except RedisError as error:
            log.warning("sweep failed", error=type(error).__name__)
        except Exception:
            log.exception("sweep crashed")  # if this ended, a lost message would strand its task
        await asyncio.sleep(EVERY + SPREAD * random.random())  # noqa: S311 - spread, not secrecy
