"""Who may read the beginnings of files for a layout: so many at once in this process, few of them for the same client.

No download: asking for headers takes none of MAX_CONCURRENT_DOWNLOADS. Whoever asks for more than that waits, before those who wait
for somebody else: a client with a hundred questions delays nobody but itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from shared.problems import ProblemError

AT_ONCE: Final = 8
"""Layouts that are found at the same time, each over as many connections as a download."""

OF_ONE_CLIENT: Final = 2

PATIENCE: Final = 30.0
"""Seconds a client waits for its turn."""

RETRY_AFTER: Final = 10


class Turns:
    """One after the other, for each client and for all of them together."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._clients: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Held while something is read for this client.

        :raises ProblemError: ``too_many_downloads`` where it takes too long to come
        """
        own = self._clients.setdefault(client, asyncio.Semaphore(OF_ONE_CLIENT))
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE):
                    await held.enter_async_context(own)
                    await held.enter_async_context(self._all)
            except TimeoutError:
                raise ProblemError("too_many_downloads", retry_after=RETRY_AFTER) from None
            yield
