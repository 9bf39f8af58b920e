"""Videos that count as analysed: their sources are in the store, as a worker would have left them."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Final

from shared.settings import Settings
from shared.sources import Identity, Source
from shared.store import Claim, open_store
from shared.upstream.exits import exit_digest
from shared.urls import Video
from tests.results import media

VIDEO: Final = "bench-video"
HOUR: Final = 3600


class NotClaimedError(Exception):
    """Somebody else works on this store."""


def file(url: str, size: int, settings: Settings) -> Source:
    """A format's bytes at this address, of :data:`VIDEO`."""
    return Source(
        media_id=VIDEO,
        format_id="137",
        url=url,
        headers={"User-Agent": "Mozilla/5.0"},
        identity=Identity(itag="137", xtags="", lmt=None, size=size),
        content_type="video/mp4",
        filename="A video.mp4",
        expires_at=time.time() + 6 * HOUR,
        available_at=None,
        init_range=None,
        index_range=None,
        exit=exit_digest(settings, None),
        family=None,
    )


def know(settings: Settings, media_id: str, sources: Mapping[str, Source]) -> None:
    """From now on these are the formats of the video; keys are format ids."""
    asyncio.run(_know(settings, media_id, sources))


async def _know(settings: Settings, media_id: str, sources: Mapping[str, Source]) -> None:
    task_id = secrets.token_hex(8)
    async with open_store(settings) as store:
        await store.submit(Video(media_id), task_id=task_id, refresh=True, lane="analyze")
        claim = await store.claim(task_id, run_id=secrets.token_hex(8), lease_ms=10_000)
        if not isinstance(claim, Claim):
            raise NotClaimedError(claim)
        await store.complete(claim, media(Video(media_id)), fresh_seconds=HOUR, sources=sources, assets={})
