"""MAX_CONCURRENT_DOWNLOADS across all replicas: a lease in the store, renewed while bytes flow.

A download is a client's file: its parallel ranges and its resume are one. A replica that is killed frees its downloads when
the leases end; a store that is away neither starts nor ends a download.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from redis.exceptions import RedisError

from shared.problems import ProblemError
from shared.store import Store

LEASE_SECONDS: Final = 12.0
HEARTBEAT: Final = 4.0
MAX_CONNECTIONS: Final = 16
RETRY_AFTER: Final = 10

log = structlog.get_logger()


class Leases:
    """Lets at most ``capacity`` downloads run at once."""

    def __init__(self, store: Store, *, capacity: int) -> None:
        self._store = store
        self._capacity = capacity

    @asynccontextmanager
    async def hold(self, client: str, media_id: str, target: str) -> AsyncIterator[None]:
        """One connection of a download.

        :raises ProblemError: ``too_many_downloads``, ``too_many_connections``
        """
        download_id = hashlib.sha256(f"{client}\n{media_id}\n{target}".encode()).hexdigest()[:32]
        connection_id = secrets.token_hex(8)
        try:
            answer = await self._store.acquire_download(
                download_id,
                connection_id,
                capacity=self._capacity,
                connections=MAX_CONNECTIONS,
                lease_seconds=LEASE_SECONDS,
            )
        except asyncio.CancelledError:  # nobody knows whether it was granted
            await asyncio.shield(self._release(download_id, connection_id))
            raise
        if answer != "ok":
            raise ProblemError(answer, retry_after=RETRY_AFTER)
        ended = asyncio.Event()
        keeping = asyncio.create_task(self._keep(download_id, connection_id, ended))
        try:
            yield
        finally:
            ended.set()
            await asyncio.shield(keeping)

    async def _keep(self, download_id: str, connection_id: str, ended: asyncio.Event) -> None:
        """Renews until the end, then releases: told, not cancelled.

        A renewal cut in two could arrive after the release, and the store's client may lose a cancellation altogether: such a
        heartbeat would hold its slot for ever.
        """
        while not await _is_set(ended, within=HEARTBEAT):
            try:
                await self._store.renew_download(download_id, connection_id, LEASE_SECONDS)
            except RedisError as error:
                log.warning("lease not renewed", error=type(error).__name__)
        await self._release(download_id, connection_id)

    async def _release(self, download_id: str, connection_id: str) -> None:
        try:
            await self._store.release_download(download_id, connection_id)
        except RedisError as error:
            log.warning("lease not released", error=type(error).__name__)


async def _is_set(event: asyncio.Event, *, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            return await event.wait()
    except TimeoutError:
        return False
