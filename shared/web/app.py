"""The application factory that every function is built with."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Final, TypeAlias

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, ControllerRouterHandler

from shared.access import Door, requires_access
from shared.metrics import Metrics
from shared.settings import Settings
from shared.web.body import MAX_BODY, JsonRequest, requires_json
from shared.web.cors import Cors
from shared.web.errors import HANDLERS
from shared.web.headers import DefaultHeaders
from shared.web.observation import Observation
from shared.web.openapi import openapi_handler
from shared.web.operations import operation_handlers
from shared.web.root_path import RootPath

Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[None]]
Readiness: TypeAlias = Callable[[Litestar], Awaitable[None]]

NOTHING: Final[Mapping[str, Provide]] = MappingProxyType({})


def build_app(
    *,
    name: str,
    settings: Settings,
    route_handlers: Sequence[ControllerRouterHandler],
    lifespan: Sequence[Lifespan] = (),
    dependencies: Mapping[str, Provide] = NOTHING,
    readiness: Readiness,
) -> Litestar:
    """A function's application: its handlers, and everything that all functions do alike.

    A handler says what is special about it with these options, given to its decorator:

    * ``access``: ``"public"`` needs no key; ``"signature"`` verifies its link itself; otherwise the access key is required
    * ``codes``: which problems it may answer, for the OpenAPI document
    * ``navigable``: people open it in a browser, and get a page instead of a problem
    * ``is_stream``: how long it takes says nothing, so it is not timed

    The lifespan puts ``store`` into ``app.state``, where wrong keys are counted.
    ``app.state`` holds ``settings``, ``metrics`` (whose registry takes a function's own metrics) and ``stopping``, an event set
    when the server begins to stop: answers that could go on for long end early then.

    :param readiness: returns when everything the function needs answers, else raises
    """
    metrics = Metrics()
    app = Litestar(
        [
            *route_handlers,
            *operation_handlers(readiness=readiness, metrics=metrics),
            openapi_handler(name=name, settings=settings, route_handlers=route_handlers, dependencies=dependencies),
        ],
        lifespan=list(lifespan),
        dependencies=dict(dependencies),
        guards=[requires_access(Door(settings), public_url=settings.public_url), requires_json],
        exception_handlers=HANDLERS,
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY,
        state=State({"settings": settings, "metrics": metrics, "stopping": asyncio.Event()}),
        openapi_config=None,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    # Around everything, routing included: Litestar's own middleware never sees what matches no route.
    inner: ASGIApp = DefaultHeaders(app.asgi_handler)
    if settings.cors_origins:
        inner = Cors(inner, settings.cors_origins)
    app.asgi_handler = RootPath(Observation(inner, settings=settings, metrics=metrics), settings.root_path)
    return app
