"""What an orchestrator asks of every function: does it live, is it ready, how is it doing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from shared.metrics import Metrics
from shared.problems import ProblemError

READINESS_SECONDS: Final = 2.0

_log = structlog.stdlib.get_logger(__name__)


def operation_handlers(*, readiness: Callable[[Litestar], Awaitable[None]], metrics: Metrics) -> Sequence[HTTPRouteHandler]:
    """The three routes that a reverse proxy does not publish; they need no key and are not in the OpenAPI document."""

    @get("/healthz", include_in_schema=False, access="public", is_quiet=True)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @get("/readyz", include_in_schema=False, access="public", is_quiet=True)
    async def readyz(request: Request[Any, Any, State]) -> dict[str, str]:
        await check(request.app, readiness)
        return {"status": "ready"}

    @get("/metrics", include_in_schema=False, access="public", is_quiet=True)
    async def exposition() -> Response[bytes]:
        return Response(await metrics.exposition(), media_type=metrics.media_type)

    return [healthz, readyz, exposition]


async def check(app: Litestar, readiness: Callable[[Litestar], Awaitable[None]]) -> None:
    """Whatever is wrong, and however long it takes to be wrong: 503.

    :raises ProblemError: with status 503
    """
    try:
        async with asyncio.timeout(READINESS_SECONDS):
            await readiness(app)
    except Exception as error:  # noqa: BLE001 - a check that crashes is a check that fails
        _log.warning("not ready", error=repr(error))
        unready = ProblemError("store_unavailable", "Something this function needs does not answer.", retry_after=1)
        raise unready from None
