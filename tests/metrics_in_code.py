"""Every metric that the code can emit, read from the code: by name, what is fixed about it."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from functions.analyze.metrics import SubmissionMetrics
from functions.analyze.worker_metrics import WorkerMetrics
from functions.status.metrics import families
from functions.stream.budget import Budget
from functions.stream.metrics import StreamMetrics
from shared.metrics import Metrics, ProcessMetrics
from shared.settings import Settings

TOKEN_SERVICE: Final = Path(__file__).parents[1] / "pot-provider"
ALL: Final = "analyze, status, stream, worker"
FUNCTIONS: Final = "analyze, status, stream"
_SETTINGS: Final = Settings(pot_provider_url="http://127.0.0.1:4416")
_COUNTED: Final = re.compile(r'new Counter\(\s*"(\w+)",\s*"([^"]+)"(.*?)\);', re.DOTALL)
_WATCHED: Final = re.compile(r'\.watch\(\s*"(\w+)",\s*"([^"]+)"', re.DOTALL)
_UNITS: Final = ("seconds", "bytes")


class Fixed(NamedTuple):
    """A row of the list. ``labels`` is None where the code does not tell."""

    type: str
    labels: tuple[str, ...] | None
    unit: str
    origin: str
    meaning: str


def in_code() -> dict[str, Fixed]:
    """By the name that queries use; a histogram's without ``_bucket``, ``_count`` and ``_sum``."""
    found: dict[str, Fixed] = {}
    for origin, registry in _registries():
        for name, kind, labels, meaning in _registered(registry):
            found.setdefault(name, Fixed(kind, labels, _unit(name), origin, meaning))
    for family in families(None, today=date.min):
        labels = tuple(family._labelnames)  # type: ignore[attr-defined] # of every GaugeMetricFamily
        found[family.name] = Fixed("gauge", labels, _unit(family.name), "status", family.documentation)
    for name, kind, meaning in _of_token_service():
        found.setdefault(name, Fixed(kind, None, _unit(name), "pot-provider", meaning))
    return found


def _registries() -> Iterator[tuple[str, CollectorRegistry]]:
    yield ALL, ProcessMetrics().registry
    yield FUNCTIONS, Metrics().registry
    for origin, make in (
        ("analyze", lambda registry: SubmissionMetrics(registry, _SETTINGS)),
        ("worker", lambda registry: WorkerMetrics(registry, _SETTINGS)),
        ("stream", lambda registry: StreamMetrics(registry, Budget(1), _SETTINGS)),
    ):
        registry = CollectorRegistry()
        make(registry)
        yield origin, registry


def _registered(registry: CollectorRegistry) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    for collector in registry._collector_to_names:
        if isinstance(collector, MetricWrapperBase):
            kind = str(collector._type)
            yield _exposed(collector._name, kind), kind, tuple(collector._labelnames), collector._documentation
        else:
            for family in collector.collect():
                yield _exposed(family.name, family.type), family.type, (), family.documentation


def _exposed(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


def _of_token_service() -> Iterator[tuple[str, str, str]]:
    for name in ("metrics.ts", "service.ts"):
        text = (TOKEN_SERVICE / name).read_text(encoding="utf-8")
        yield from ((found, "counter", meaning) for found, meaning, _ in _COUNTED.findall(text))
        yield from ((found, "gauge", meaning) for found, meaning in _WATCHED.findall(text))


def _unit(name: str) -> str:
    stem = name.removesuffix("_total")
    return next((unit for unit in _UNITS if stem.endswith(unit)), "–")
