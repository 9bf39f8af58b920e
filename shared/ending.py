"""How tasks are ended."""

import asyncio
from typing import Any, Final

PATIENCE: Final = 0.1
"""Seconds until a task that did not end is cancelled again."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Each cancelled until it ends: one cancellation may get lost, and the task would go on without an owner.

    Python 3.11's ``wait_for``, by which the store's client sends, swallows it when the send is just done. Who waits here may be
    ended in the same way meanwhile: it is so only after the tasks. Their failures are the caller's to ask for; if it does not, the
    loop does not complain of them.
    """
    interrupted: asyncio.CancelledError | None = None
    while under_way := [task for task in tasks if not task.done()]:
        for task in under_way:
            task.cancel()
        try:
            await asyncio.wait(under_way, timeout=PATIENCE)
        except asyncio.CancelledError as error:
            interrupted = error
    for task in tasks:
        if not task.cancelled():
            task.exception()
    if interrupted is not None:
        raise interrupted
