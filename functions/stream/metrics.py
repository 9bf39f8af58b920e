"""What the stream function counts, besides what every function does. Labels come from small fixed sets."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from prometheus_client import CollectorRegistry, Counter, Gauge

from functions.stream.budget import Budget
from functions.stream.piece import Step
from shared.upstream import Reason


class StreamMetrics:
    """Adds to an application's registry."""

    def __init__(self, registry: CollectorRegistry, budget: Budget) -> None:
        self._recoveries = Counter(
            "sluice_stream_recoveries",
            "Upstream failures during downloads, by cause and by what was done about them",
            ["reason", "step"],
            registry=registry,
        )
        self._sent = Counter("sluice_stream_sent_bytes", "Bytes of files handed to clients", registry=registry)
        self._connections = Gauge("sluice_stream_connections", "Clients' connections that are being served", registry=registry)
        buffers = Gauge("sluice_stream_buffer_bytes", "Memory taken by running downloads, of STREAM_MEMORY", registry=registry)
        buffers.set_function(lambda: budget.taken)

    def recovered(self, reason: Reason, step: Step) -> None:
        """One failure."""
        self._recoveries.labels(reason, type(step).__name__.lower()).inc()

    async def counted(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The same bytes; each counts once the client has taken it."""
        with self._connections.track_inprogress():
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
                    self._sent.inc(len(chunk))
