"""The status function: how far an analysis is, on demand or as it happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp

from functions.status.events import TaskEvents
from functions.status.hub import open_hub
from functions.status.metrics import WholeMetrics
from functions.status.tasks import Tasks
from shared.links import Links
from shared.metrics import Metrics
from shared.schemas import Task
from shared.settings import Settings, load_settings
from shared.store import open_store
from shared.web import build_app

LONGEST_WAIT = 30
MOST_TASKS = 50


@get("/v1/status/{task_id:str}", codes=("unknown_task",), summary="One task")
async def status(
    task_id: FromPath[str],
    request: Request[Any, Any, State],
    tasks: NamedDependency[Tasks],
    wait: Annotated[
        int, QueryParameter(ge=0, le=LONGEST_WAIT, description="Answer when the task changes, or after that many seconds")
    ] = 0,
) -> Task:
    """The task now, or with `wait` as soon as it changes."""
    if wait == 0:
        return await tasks.read(task_id)
    return await tasks.changed(task_id, seconds=wait, receive=request.receive)


@get(
    "/v1/status/events",
    codes=("unknown_task",),
    is_stream=True,
    media_type="text/event-stream",
    responses={200: ResponseSpec(str, media_type="text/event-stream", description="Events `task`, whose data is a Task")},
    summary="Several tasks as they change",
)
async def events(
    tasks: NamedDependency[Tasks],
    task_id: Annotated[list[str], QueryParameter(min_items=1, max_items=MOST_TASKS, description="Repeatable")],
) -> ASGIApp:
    """A `task` event for each task at once and after each change; ends when all are final."""
    return TaskEvents(tasks, tuple(dict.fromkeys(task_id)))


def create_app(settings: Settings | None = None) -> Litestar:
    """The function as an ASGI application."""
    configured = settings or load_settings()

    @asynccontextmanager
    async def resources(app: Litestar) -> AsyncIterator[None]:
        metrics: Metrics = app.state.metrics
        async with (
            open_store(configured, on_error=metrics.store_failed) as store,
            open_hub(store.events, stopping=app.state.stopping) as hub,
        ):
            metrics.before.append(WholeMetrics(metrics.registry, store).look)
            app.state.store = store
            app.state.tasks = Tasks(store=store, hub=hub, links=Links(configured))
            yield

    return build_app(
        name="status",
        settings=configured,
        route_handlers=[status, events],
        lifespan=[resources],
        dependencies={"tasks": Provide(provide_tasks, sync_to_thread=False)},
        readiness=ready,
    )


def provide_tasks(state: State) -> Tasks:
    """Opened by the lifespan."""
    tasks: Tasks = state.tasks
    return tasks


async def ready(app: Litestar) -> None:
    """The store answers."""
    await provide_tasks(app.state).store.ping()
