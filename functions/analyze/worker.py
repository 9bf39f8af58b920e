"""The worker: Dramatiq actors on Redis that run analyses. ``python -m functions.analyze.worker``.

One process with one event loop that owns everything; Dramatiq's threads only carry wake-ups into it. Dramatiq's time limit is off,
since it also counts waiting: an attempt is ended by killing its process.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

import dramatiq
import redis.exceptions
import structlog
from dramatiq.errors import Retry
from dramatiq.middleware import Retries

from functions.analyze.analyst import Analyst, Postponed
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.heartbeat import beating
from functions.analyze.operations import serving_operations
from functions.analyze.provider_watch import watch_provider
from functions.analyze.sweeper import sweep_for_ever
from functions.analyze.worker_metrics import WorkerMetrics
from shared.ending import end
from shared.logs import configure_logging
from shared.metrics import ProcessMetrics
from shared.queue import ACTORS, QUEUES, open_queue, redis_broker
from shared.settings import Settings, SettingsError, load_settings
from shared.store import RESERVED_REFRESHES, connect_blocking, open_store
from shared.upstream.exits import trust

POLL_MS: Final = 100
"""How often an idle worker looks for messages: measured, a wake-up then takes 36 ms instead of 259 ms."""

STORE_RETRY_MS: Final = 1_000
STOP_MS: Final = 5_000
"""Dramatiq waits this long for its threads and then as long for its consumers, which a store that is away may hold up."""

log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = load_settings(has_clients=False)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    configure_logging(settings, name="worker")
    asyncio.run(run(settings))


async def run(settings: Settings) -> None:
    """Own every resource; on the way out the claims are given back before anything closes."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    slots = settings.max_concurrent_analyses + RESERVED_REFRESHES
    metrics = ProcessMetrics()
    async with (
        open_store(settings, on_error=metrics.store_failed) as store,
        open_queue(settings) as queue,
        Extractor.open(settings, children=slots) as extractor,
    ):
        counted = WorkerMetrics(metrics.registry, settings)
        analyst = Analyst(store, queue, extractor, settings, counted)
        async with (
            serving_operations(settings, metrics, store),
            beside(watch_provider(settings.pot_provider_url, trust=trust(settings), tell=counted.provider_up.set))
            if settings.pot_provider_url
            else nullcontext(),
            consuming(settings, analyst, threads=slots + 1),
            beside(sweep_for_ever(store, queue)),
            beating(store),
        ):
            log.info("worker started", slots=slots)
            await stopped.wait()
            log.info("worker stopping")
            await analyst.stop()


class DiscreetRetries(Retries):
    """Dramatiq's, but the message that comes again is without the traceback: what may be in one is nobody's business."""

    def before_enqueue(self, _broker: dramatiq.Broker, message: "dramatiq.Message[Any]", _delay: int | None) -> None:
        """The last moment before a message is written."""
        message.options.pop("traceback", None)


@asynccontextmanager
async def consuming(settings: Settings, analyst: Analyst, *, threads: int) -> AsyncIterator[None]:
    """Dramatiq's threads, each carrying one wake-up at a time to the analyst."""
    client = connect_blocking(settings.redis_url)
    # A wait between attempts can come any number of times; the task counts its attempts itself.
    untyped: Any = DiscreetRetries  # Dramatiq's annotation forgets that None means any number
    broker = redis_broker(client, middleware=[untyped(max_retries=None)])
    declare_actors(broker, analyst, asyncio.get_running_loop())
    worker = dramatiq.Worker(broker, worker_timeout=POLL_MS, worker_threads=threads)
    worker.queue_prefetch = threads  # more would wait here while another worker idles
    worker.start()
    try:
        yield
    finally:
        await asyncio.to_thread(worker.stop, STOP_MS)
        client.close()


def declare_actors(broker: dramatiq.Broker, analyst: Analyst, loop: asyncio.AbstractEventLoop) -> None:
    """One actor per lane; both do the same, on queues of their own."""

    def work(task_id: str) -> None:
        # What is raised here ends up in a message: a code and a delay, never a foreign exception's text.
        try:
            asyncio.run_coroutine_threadsafe(analyst.run(task_id), loop).result()
        except Postponed as postponed:
            again = Retry(str(postponed), delay=postponed.wait_ms)
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            again = Retry("store_unavailable", delay=STORE_RETRY_MS)
        except Exception:
            # The message ends here: if there is still something to do, the sweeper sends another one, and two would never end.
            log.exception("wake-up failed", task_id=task_id)
            return
        else:
            return
        raise again from None

    for lane, queue_name in QUEUES.items():
        dramatiq.actor(broker=broker, actor_name=ACTORS[lane], queue_name=queue_name)(work)


@asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Something that goes on beside the consumers until they end."""
    going_on = asyncio.create_task(work)
    try:
        yield
    finally:
        await end(going_on)


if __name__ == "__main__":
    main()
