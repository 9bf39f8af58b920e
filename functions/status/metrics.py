"""How the whole stands, read from the store whenever somebody asks: the same from every replica, so that one of them is enough."""

import asyncio
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from shared.releases import age_in_days
from shared.store import Overview, Store

PATIENCE: Final = 2.0
"""Seconds for the store's answer; Prometheus itself waits ten."""

_DAY: Final = 86_400

_log = structlog.stdlib.get_logger(__name__)


class WholeMetrics(Collector):
    """Adds to an application's registry. While the store does not answer, all but ``sluice_store_up`` are absent, never old."""

    def __init__(self, registry: CollectorRegistry, store: Store) -> None:
        self._store = store
        self._overview: Overview | None = None
        registry.register(self)

    async def look(self) -> None:
        """Before they are read."""
        self._overview = None
        try:
            async with asyncio.timeout(PATIENCE):
                self._overview = await self._store.overview()
        except (RedisError, TimeoutError) as error:
            _log.warning("store not looked at", error=type(error).__name__)

    def collect(self) -> Iterable[Metric]:
        """As of the last look."""
        return families(self._overview, today=datetime.now(UTC).date())

    def describe(self) -> Iterable[Metric]:
        """Their names, asked for when they are registered."""
        return families(None, today=date.min)


def families(overview: Overview | None, *, today: date) -> list[Metric]:
    """The overview as metrics; without one, those that cannot be told have no samples. Pure."""
    up = _gauge("sluice_store_up", "Whether the store answered when it was last asked for the whole (1, or 0)")
    workers = _gauge("sluice_workers", "Workers alive: those that have reported within the last ten seconds")
    age = _gauge(
        "sluice_ytdlp_age_seconds",
        "Time since the release of the yt-dlp that workers run, in whole days, by its version; NaN where that is no day",
        "version",
    )
    downloads = _gauge("sluice_downloads_running", "Downloads running on all replicas, of sluice_downloads_limit")
    slots = _gauge("sluice_analyses_running", "Attempts running on all workers, of sluice_analyses_limit, by their slots", "slots")
    length = _gauge("sluice_queue_length", "Tasks whose first attempt has not begun", "lane")
    oldest = _gauge("sluice_queue_oldest_seconds", "How long the first task of the queue has waited; 0 where none waits", "lane")
    due = _gauge("sluice_queue_due", "Tasks whose next attempt could begin: their wait is over, or their worker has died", "lane")
    scheduled = _gauge("sluice_queue_scheduled", "Tasks that run, or wait for their next attempt", "lane")
    up.add_metric([], float(overview is not None))
    if overview is not None:
        workers.add_metric([], len(overview.extractors))
        for version in sorted(set(overview.extractors)):
            days = age_in_days(version, today=today)
            age.add_metric([version], math.nan if days is None else days * _DAY)
        downloads.add_metric([], overview.downloads)
        slots.add_metric(["ordinary"], overview.ordinary_slots)
        slots.add_metric(["reserved"], overview.reserved_slots)
        for lane, waiting in overview.lanes.items():
            length.add_metric([lane], waiting.length)
            oldest.add_metric([lane], waiting.oldest)
            due.add_metric([lane], waiting.due)
            scheduled.add_metric([lane], waiting.scheduled)
    return [up, workers, age, downloads, slots, length, oldest, due, scheduled]


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)
