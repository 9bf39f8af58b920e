"""What the stream function counts, besides what every function does. Labels come from small fixed sets."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import product
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from functions.stream.budget import Budget
from functions.stream.merge.layouts import Origin
from functions.stream.piece import Step
from functions.stream.source import Cause
from shared.settings import Settings
from shared.upstream import Reason

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class StreamMetrics:
    """Adds to an application's registry."""

    def __init__(self, registry: CollectorRegistry, budget: Budget, settings: Settings) -> None:
        self._recoveries = Counter(
            "sluice_stream_recoveries",
            "Upstream failures during downloads, by cause and by what was done: retry, renew (a fresh URL), giveup",
            ["reason", "step"],
            registry=registry,
        )
        for reason, step in product(get_args(Reason), ("retry", "renew", "giveup")):
            self._recoveries.labels(reason, step)
        self._analyses = Counter(
            "sluice_stream_analyses",
            "Analyses asked for by downloads: the video is unknown, a URL has expired, belongs to another exit, or was refused",
            ["cause"],
            registry=registry,
        )
        for cause in get_args(Cause):
            self._analyses.labels(cause)
        self._layouts = Counter(
            "sluice_stream_merges",
            "Layouts of merged files: known to this process, stored by another, planned anew, refused since the formats do not fit",
            ["origin"],
            registry=registry,
        )
        for origin in get_args(Origin):
            self._layouts.labels(origin)
        self._sent = Counter("sluice_stream_sent_bytes", "Bytes of files handed to clients", registry=registry)
        self._first_byte = Histogram(
            "sluice_stream_first_byte_seconds",
            "Time from the request for a file to its first byte, analyses and waits included",
            buckets=BUCKETS,
            registry=registry,
        )
        self._connections = Gauge("sluice_stream_connections", "Clients' connections that are being served", registry=registry)
        buffers = Gauge("sluice_stream_buffer_bytes", "Memory taken by running downloads, of STREAM_MEMORY", registry=registry)
        buffers.set_function(lambda: budget.taken)
        most = Gauge("sluice_stream_buffer_limit_bytes", "STREAM_MEMORY", registry=registry)
        most.set(settings.stream_memory)
        limit = Gauge("sluice_downloads_limit", "MAX_CONCURRENT_DOWNLOADS, of all replicas together", registry=registry)
        limit.set(settings.max_concurrent_downloads)

    def recovered(self, reason: Reason, step: Step) -> None:
        """One failure."""
        self._recoveries.labels(reason, type(step).__name__.lower()).inc()

    def analyzed(self, cause: Cause) -> None:
        """One analysis was asked for."""
        self._analyses.labels(cause).inc()

    def laid_out(self, origin: Origin) -> None:
        """One merged file was asked for."""
        self._layouts.labels(origin).inc()

    async def counted(self, chunks: AsyncGenerator[bytes, None], *, since: float) -> AsyncGenerator[bytes, None]:
        """The same bytes; each counts once the client has taken it.

        :param since: when the request came, on the monotonic clock
        """
        is_first = True
        with self._connections.track_inprogress():
            async with aclosing(chunks):
                async for chunk in chunks:
                    if is_first:
                        self._first_byte.observe(time.monotonic() - since)
                        is_first = False
                    yield chunk
                    self._sent.inc(len(chunk))
