"""What a function counts about its requests. Every label comes from a small fixed set, whatever clients send."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector

METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNMATCHED: Final = "unmatched"


class Metrics:
    """One application's registry: several functions in one process must not share counters.

    A function adds its own metrics to ``registry`` (``app.state.metrics.registry`` in a lifespan).
    """

    media_type: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")  # which Litestar adds itself

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sluice_http_requests",
            "Requests answered, broken off ones included",
            ["method", "route", "status_class"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sluice_http_request_duration_seconds",
            "Seconds until the last byte of the answer, streams excluded",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("sluice_http_requests_in_flight", "Requests being answered", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def record(self, *, method: str, route: str | None, status: int, seconds: float, is_stream: bool) -> None:
        """One request is over. ``route`` is its template, never its path."""
        known = method if method in METHODS else "other"
        matched = route or UNMATCHED
        self._requests.labels(known, matched, f"{status // 100}xx").inc()
        if not is_stream:
            self._seconds.labels(known, matched).observe(seconds)

    def exposition(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)
