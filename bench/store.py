"""What the store holds for many analysed videos: the tasks, results and sources of one with many formats, again and again."""

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import Any

import structlog
from msgspec.structs import replace
from redis import Redis

from bench.figures import Figure
from bench.scale import MIB, Scale
from bench.stand_in import stand_in
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.strategies import PLAIN
from shared.extracted import Extracted
from shared.schemas import Progress
from shared.settings import Settings
from shared.store import Claim, Store, open_store
from shared.urls import Video
from tests.valkey import Valkey
from tests.youtube import ORDINARY

URL_LENGTH = 1200
"""Characters: about as long as real ones with their signatures and tokens; the stand-in's are shorter."""


def measure(scale: Scale) -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="bench-") as name, stand_in() as youtube:
        server = Valkey(Path(name))
        server.start()
        try:
            settings = Settings(
                redis_url=server.url, global_proxy=youtube.proxy, ssl_cert_file=youtube.ca_file, secret_key="b" * 32
            )
            return asyncio.run(_measure(settings, scale.videos))
        finally:
            server.stop()


async def _measure(settings: Settings, videos: int) -> list[Figure]:
    found = await _analyzed(settings)
    async with open_store(settings) as store:
        with Redis.from_url(settings.redis_url, decode_responses=True) as owner:
            await _know(store, found, Video("0" * 11))  # the scripts, and whatever else comes once
            before = _used(owner)
            for number in range(1, videos + 1):
                await _know(store, found, Video(f"{number:011d}"))
            used = _used(owner) - before
            for number in range(1, videos + 1):
                owner.delete(f"sources:{number:011d}")
            kept = _used(owner) - before
    formats = len(found.sources)
    return [
        Figure(name="formats of each video", value=formats, unit="formats"),
        Figure(name="1,000 videos", value=used / videos * 1000 / MIB, unit="MiB"),
        Figure(name="  for each format of one video", value=used / videos / formats / 1024, unit="KiB"),
        Figure(name="1,000 videos whose media URLs have ended", value=kept / videos * 1000 / MIB, unit="MiB"),
    ]


async def _analyzed(settings: Settings) -> Extracted:
    async with Extractor.open(settings, children=1) as extractor:
        outcome = await extractor.attempt(Video(ORDINARY).url, ORDINARY, PLAIN, timeout=60, on_progress=_nobody_watches)
    assert outcome.facts is not None
    sources = {
        name: replace(source, url=f"{source.url}&n=".ljust(URL_LENGTH, "n")) for name, source in outcome.facts.sources.items()
    }
    return replace(outcome.facts, sources=sources)


async def _nobody_watches(progress: Progress) -> None: ...


async def _know(store: Store, found: Extracted, video: Video) -> None:
    """As if this video had been analysed, and had turned out to be the same."""
    await store.submit(video, task_id=f"{video.media_id:>032}", refresh=False, lane="analyze")
    claim = await store.claim(f"{video.media_id:>032}", run_id="bench", lease_ms=10_000)
    assert isinstance(claim, Claim)
    await store.complete(
        claim,
        replace(found.media, media_id=video.media_id, url=video.url),
        fresh_seconds=3600,
        sources={name: replace(source, media_id=video.media_id) for name, source in found.sources.items()},
        assets={name: replace(asset, media_id=video.media_id) for name, asset in found.assets.items()},
    )


def _used(owner: Redis) -> int:
    facts: Any = owner.info("memory")
    return int(facts["used_memory"])
