"""What the analyze function counts, besides what every function does."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.settings import Settings
from shared.store import Submission


class SubmissionMetrics:
    """Of the function that takes URLs."""

    def __init__(self, registry: CollectorRegistry, settings: Settings) -> None:
        self._submissions = Counter(
            "sluice_submissions",
            "Videos submitted: answered from the cache, joined to an analysis under way, or a task created; refusals are problems",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("cached", "joined", "created"):
            self._submissions.labels(outcome)
        limit = Gauge("sluice_queue_limit", "MAX_QUEUE_LENGTH", registry=registry)
        limit.set(settings.max_queue_length)

    def count(self, submission: Submission) -> None:
        """One was accepted."""
        self._submissions.labels(submission.outcome).inc()
