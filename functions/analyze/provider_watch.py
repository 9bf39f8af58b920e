"""Whether the token service answers, asked now and then: analyses may need no token for a long while."""

import asyncio
import ssl
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from functions.analyze.doctor import inside

EVERY: Final = 15.0
PATIENCE: Final = 5.0
"""Seconds the plugin waits for this answer."""


async def watch_provider(url: str, *, trust: ssl.SSLContext, tell: Callable[[bool], None]) -> None:
    """Ends only by being cancelled."""
    while True:
        tell(await answers(url, trust=trust))
        await asyncio.sleep(EVERY)


async def answers(url: str, *, trust: ssl.SSLContext) -> bool:
    """Whether it says that it is there."""
    try:
        async with asyncio.timeout(PATIENCE):
            return (await inside.ask(f"{url}/ping", trust=trust)).status == HTTPStatus.OK
    except (OSError, ValueError, TimeoutError):
        return False
