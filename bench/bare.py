"""What a submission is held against: a bare Litestar handler that makes one round trip to the store."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar, post
from litestar.datastructures import State

from shared.store import connect


@post("/v1/analyze", status_code=202)
async def bare(state: State) -> dict[str, int]:
    """One INCR."""
    return {"count": await state.redis.incr("bench:bare")}


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """The same client as the functions use."""
    app.state.redis = connect(os.environ["REDIS_URL"])
    yield
    await app.state.redis.aclose()


if __name__ == "__main__":
    app = Litestar([bare], lifespan=[lifespan], openapi_config=None)
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)
