"""Who may read the beginnings of files for a layout: so many at once in this process, few of them for the same client.

No download: asking for headers takes none of MAX_CONCURRENT_DOWNLOADS. Whoever asks for more than that waits for its own turns
first, and only with one of them for those of all: a client with a hundred questions delays nobody but itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from shared.problems import ProblemError

AT_ONCE: Final = 8
"""Layouts that are found at the same time, each over as many connections as a download."""

OF_ONE_CLIENT: Final = 2

PATIENCE: Final = 30.0
"""Seconds a client waits for a turn."""

RETRY_AFTER: Final = 10


class Turns:
    """One after the other, for each client and for all of them together."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._clients: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of_client(self, client: str) -> AbstractAsyncContextManager[None]:
        """Held while this client waits for a layout.

        :raises ProblemError: ``too_many_downloads`` where it takes too long to come
        """
        return _held(self._clients.setdefault(client, asyncio.Semaphore(OF_ONE_CLIENT)))

    def of_all(self) -> AbstractAsyncContextManager[None]:
        """Held while a layout is found, whoever waits for it.

        :raises ProblemError: as :meth:`of_client`
        """
        return _held(self._all)


@asynccontextmanager
async def _held(turns: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(PATIENCE):
            await turns.acquire()
    except TimeoutError:
        raise ProblemError("too_many_downloads", retry_after=RETRY_AFTER) from None
    try:
        yield
    finally:
        turns.release()
