"""What every process counts. Every label comes from a small fixed set, whatever clients send.

``docs/monitoring.md`` lists all metrics; a test holds it against the code.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from redis.exceptions import ConnectionError as StoreConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as StoreTimeoutError

METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNMATCHED: Final = "unmatched"
NO_CODE: Final = "none"
"""The label ``code`` of what did not fail."""


class ProcessMetrics:
    """One process, whatever it does: its own use of the machine, and how the store treats it."""

    media_type: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")  # which Litestar adds itself

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.before: list[Callable[[], Awaitable[None]]] = []
        """Awaited before each exposition: what has to be looked up."""
        self._store_errors = Counter(
            "sluice_store_errors", "Commands to the store that failed, by kind", ["kind"], registry=self.registry
        )
        for kind in ("connection", "timeout", "other"):
            self._store_errors.labels(kind)
        ProcessCollector(registry=self.registry)

    def store_failed(self, error: RedisError) -> None:
        """One command failed for good."""
        timeout = isinstance(error, StoreTimeoutError)
        self._store_errors.labels(
            "timeout" if timeout else "connection" if isinstance(error, StoreConnectionError) else "other"
        ).inc()

    async def exposition(self) -> bytes:
        """In the text format of Prometheus."""
        for look in self.before:
            await look()
        return generate_latest(self.registry)


class Metrics(ProcessMetrics):
    """One application's registry: several functions in one process must not share counters.

    A function adds its own metrics to ``registry`` (``app.state.metrics.registry`` in a lifespan).
    """

    def __init__(self) -> None:
        super().__init__()
        self._requests = Counter(
            "sluice_http_requests",
            "Requests answered, broken off ones included",
            ["method", "route", "status_class"],
            registry=self.registry,
        )
        self._problems = Counter(
            "sluice_http_problems",
            "Requests answered with a problem, or broken off by one",
            ["route", "code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sluice_http_request_duration_seconds",
            "Time until the last byte of the answer, streams excluded",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("sluice_http_requests_in_flight", "Requests being answered", registry=self.registry)

    def record(self, *, method: str, route: str | None, status: int, seconds: float, is_stream: bool, code: str | None) -> None:
        """One request is over. ``route`` is its template, never its path; ``code`` that of its problem."""
        known = method if method in METHODS else "other"
        matched = route or UNMATCHED
        self._requests.labels(known, matched, f"{status // 100}xx").inc()
        if code is not None:
            self._problems.labels(matched, code).inc()
        if not is_stream:
            self._seconds.labels(known, matched).observe(seconds)
