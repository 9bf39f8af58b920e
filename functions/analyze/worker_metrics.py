"""What a worker counts, besides what every process does. Labels come from small fixed sets."""

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from functions.analyze.failures import CLASSES, failure_class
from shared.metrics import NO_CODE
from shared.schemas import Problem
from shared.settings import Settings
from shared.store import LANES, RESERVED_REFRESHES, Claim

End: TypeAlias = Literal["completed", "degraded", "failed"]

BUCKETS: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0)


class WorkerMetrics:
    """Of one worker."""

    def __init__(self, registry: CollectorRegistry, settings: Settings) -> None:
        self._ended = Counter(
            "sluice_analyses",
            "Analyses that ended; failed ones by code and class of failure; abandoned ones had every attempt killed",
            ["outcome", "failure", "code"],
            registry=registry,
        )
        for end in ("completed", "degraded"):
            self._ended.labels(end, NO_CODE, NO_CODE)
        for code in ("internal_error", *(code for codes in CLASSES.values() for code in codes)):
            self._ended.labels("failed", failure_class(code), code)
        self._attempts = Counter(
            "sluice_analysis_attempts",
            "Attempts that ended by themselves, by strategy, verdict, and what went wrong",
            ["strategy", "verdict", "code"],
            registry=registry,
        )
        self._attempt_seconds = Histogram(
            "sluice_analysis_attempt_duration_seconds", "Time an attempt took", ["verdict"], buckets=BUCKETS, registry=registry
        )
        self._seconds = Histogram(
            "sluice_analysis_duration_seconds",
            "Time from submission to the end, waits included",
            ["outcome"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._wait = Histogram(
            "sluice_analysis_wait_seconds",
            "Time from submission to the first attempt",
            ["lane"],
            buckets=BUCKETS,
            registry=registry,
        )
        for lane in LANES:
            self._wait.labels(lane)
        self.provider_up = Gauge(
            "sluice_token_service_up",
            "Whether the token service answered this worker when it was last asked (1, or 0); absent where none is configured",
            registry=registry if settings.pot_provider_url is not None else None,
        )
        limit = Gauge("sluice_analyses_limit", "MAX_CONCURRENT_ANALYSES, and the slots for refreshes", ["slots"], registry=registry)
        limit.labels("ordinary").set(settings.max_concurrent_analyses)
        limit.labels("reserved").set(RESERVED_REFRESHES)
        information = Gauge(
            "sluice_worker_info", "1; the versions of yt-dlp and of its plugin for tokens", ["yt_dlp", "plugin"], registry=registry
        )
        information.labels(_version("yt-dlp"), _version("bgutil-ytdlp-pot-provider")).set(1)

    def claimed(self, claim: Claim) -> None:
        """An attempt begins."""
        if claim.attempt == 1:
            self._wait.labels(claim.lane).observe(time.monotonic() - claim.submitted)

    def attempted(self, strategy: str, verdict: str, why: Problem | None, *, seconds: float) -> None:
        """One attempt has come to a verdict."""
        self._attempts.labels(strategy, verdict, _code(why)).inc()
        self._attempt_seconds.labels(verdict).observe(seconds)

    def ended(self, end: End, claim: Claim, why: Problem | None = None) -> None:
        """A task has come to its final state."""
        self._ended.labels(end, NO_CODE if why is None else failure_class(why.code), _code(why)).inc()
        self._seconds.labels(end).observe(time.monotonic() - claim.submitted)

    def abandoned(self) -> None:
        """A task has come to its end because every attempt was killed."""
        self._ended.labels("abandoned", failure_class("internal_error"), "internal_error").inc()


def _code(why: Problem | None) -> str:
    return NO_CODE if why is None else why.code


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
