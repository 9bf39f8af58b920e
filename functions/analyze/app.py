"""The analyze function: take a URL, answer with a task. The work itself is the worker's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from functions.analyze.metrics import SubmissionMetrics
from shared.access import session_handlers
from shared.analyses import Analyses, rate_limit_headers
from shared.clients import client_address
from shared.links import Links
from shared.metrics import Metrics
from shared.queue import open_queue
from shared.schemas import AnalyzeRequest, Task
from shared.settings import Settings, load_settings
from shared.store import Store, open_store
from shared.urls import parse_video
from shared.web import build_app

ACCEPTED = 202
ANSWERED = 200


@post(
    "/v1/analyze",
    status_code=ACCEPTED,
    summary="Analyse a video",
    codes=("unsupported_url", "rate_limited", "queue_full"),
    responses={ANSWERED: ResponseSpec(Task, description="Already completed: answered from the cache")},
)
async def analyze(
    data: JSONBody[AnalyzeRequest],
    request: Request[Any, Any, State],
    analyses: NamedDependency[Analyses],
    links: NamedDependency[Links],
    submissions: NamedDependency[SubmissionMetrics],
) -> Response[Task]:
    """Accept a video, or join the analysis of the same video already under way; 200 where a fresh result is cached."""
    video = parse_video(data.url)
    rate = await analyses.limit(client_address(request.scope, analyses.settings.trusted_proxies))
    submission = await analyses.submit(video, refresh=data.refresh)
    submissions.count(submission)
    headers = {"Location": links.status(submission.task.task_id)} | rate_limit_headers(rate)
    return Response(
        links.task(submission.task), status_code=ANSWERED if submission.outcome == "cached" else ACCEPTED, headers=headers
    )


def create_app(settings: Settings | None = None) -> Litestar:
    """The function as an ASGI application."""
    configured = settings or load_settings()

    @asynccontextmanager
    async def resources(app: Litestar) -> AsyncIterator[None]:
        metrics: Metrics = app.state.metrics
        async with open_store(configured, on_error=metrics.store_failed) as store, open_queue(configured) as queue:
            app.state.submissions = SubmissionMetrics(metrics.registry, configured)
            app.state.store = store
            app.state.analyses = Analyses(store, queue, configured)
            app.state.links = Links(configured)
            yield

    return build_app(
        name="analyze",
        settings=configured,
        route_handlers=[analyze, *session_handlers(configured)],
        lifespan=[resources],
        dependencies={
            "analyses": Provide(provide_analyses, sync_to_thread=False),
            "store": Provide(provide_store, sync_to_thread=False),
            "links": Provide(provide_links, sync_to_thread=False),
            "submissions": Provide(provide_submissions, sync_to_thread=False),
        },
        readiness=ready,
    )


def provide_analyses(state: State) -> Analyses:
    """Opened by the lifespan."""
    analyses: Analyses = state.analyses
    return analyses


def provide_store(state: State) -> Store:
    """Opened by the lifespan."""
    store: Store = state.store
    return store


def provide_links(state: State) -> Links:
    """Made by the lifespan."""
    links: Links = state.links
    return links


def provide_submissions(state: State) -> SubmissionMetrics:
    """Made by the lifespan."""
    submissions: SubmissionMetrics = state.submissions
    return submissions


async def ready(app: Litestar) -> None:
    """The store answers."""
    await provide_store(app.state).ping()
