"""Downloads in trouble, case by case, against one running function: how each ends, and what is left of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Literal, Protocol

import httpx
import pytest
from msgspec import Struct
from redis.asyncio import Redis

from functions.stream.app import CODES
from functions.stream.budget import Budget
from functions.stream.window import Pace
from shared.settings import Settings
from shared.upstream import Patience, open_upstream
from tests.streaming import Gateway, until
from tests.troubles import TROUBLES, End, Scene
from tests.youtube import LARGE, Fault, Slow

Result = Literal["identical", "broken", "problem"]
LEAST: Final = 32 << 10
"""Bytes of the first piece."""


class File(Protocol):
    """What a download has to be."""

    @property
    def size(self) -> int: ...

    async def read(self, start: int, end: int) -> bytes: ...


class Strike(Struct, frozen=True):
    """A trouble of the table, and one byte of one source."""

    trouble: str
    itag: int
    offset: int


class Case(Struct, frozen=True, kw_only=True):
    """One download of one range, or of the whole file."""

    path: str
    strikes: tuple[Strike, ...]
    range: tuple[int, int] | None
    must_end: End
    is_known: bool = True  # the same client has asked for the headers before


@contextmanager
def small_pieces() -> Iterator[list[Budget]]:
    """The applications that are started have small pieces, little patience, and as many connections as there may be."""
    made: list[Budget] = []

    def make(total: int) -> Budget:
        made.append(Budget(total))
        return made[-1]

    def connections(_pace: Pace, *, most: int) -> int:
        return most

    patience = Patience(connect=2.0, idle=0.2, head=2.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("functions.stream.app.Budget", make)
        patch.setattr("functions.stream.app.open_upstream", partial(open_upstream, patience=patience))
        patch.setattr("functions.stream.fetch.connections", connections)
        patch.setattr("functions.stream.window.FIRST_PIECE", LEAST)
        patch.setattr("functions.stream.window.MAX_RANGE", 256 << 10)
        patch.setattr("functions.stream.window.WINDOW", 512 << 10)
        patch.setattr("functions.stream.fetch.WINDOW", 512 << 10)
        patch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.002)
        patch.setattr("functions.stream.source.JUST_NOW", 0.0)  # each case is a video's first
        patch.setattr("shared.analyses._POLL_SECONDS", (0.01,))
        yield made


class Matrix:
    """Plays cases, and looks at what is left of each.

    :param file: what is there for a path at this moment
    """

    def __init__(
        self,
        stream: Gateway,
        settings: Settings,
        budgets: list[Budget],
        redis: "Redis",
        *,
        file: Callable[[str], Awaitable[File]],
    ) -> None:
        self.stream = stream
        self._settings = settings
        self._budgets = budgets
        self._redis = redis
        self._file = file
        self.connections = settings.stream_connections
        self.widest = 0
        """Upstream connections at once."""

    @property
    def has_turn(self) -> bool:
        """Whether it analyses what is asked for: there is one store."""
        return not self.stream.analyst.is_idle

    @has_turn.setter
    def has_turn(self, value: bool) -> None:
        self.stream.analyst.is_idle = not value

    async def play(self, case: Case, **video: object) -> None:
        """One case with the large video as ``video`` says."""
        stream, youtube = self.stream, self.stream.youtube
        youtube.clear()
        youtube.edit(LARGE, **video)
        stream.analyst.token = None
        if self.connections > 1:
            youtube.fault(Fault("media", Slow(20_000_000)))  # slow enough for others to begin
        await stream.analyst.analyze(LARGE)
        first = await self._file(case.path)
        files = {await self._etag(case.path): first} if case.is_known else {}
        scenes = [self._scene(strike) for strike in case.strikes]
        handles = [TROUBLES[strike.trouble].put(scene) for strike, scene in zip(case.strikes, scenes, strict=True)]
        before = asyncio.all_tasks()
        result, tag, received = await self._take(case)
        for thread in (thread for scene in scenes for thread in scene.restarts):
            await asyncio.to_thread(thread.join)
        if tag is not None:
            now = await self._file(case.path)
            # Nobody who knew of no file was promised the one that was there before.
            candidates = [files[tag]] if tag in files else [now] if case.is_known else [first, now]
            assert any([await _is_of(file, case, result, received) for file in candidates])
        if case.must_end != "either":
            assert (result == "identical") == (case.must_end == "identical"), result
        for handle in handles:
            assert handle is None or handle.hits or len(handles) > 1
            if handle is not None and len(handles) > 1:
                handle.release()  # with a request in its ears, a stand-in that is silent does not hear that its client leaves
        self.widest = max(self.widest, *(request.concurrency for request in youtube.requests.media))
        await self._nothing_is_left(before)

    def _scene(self, strike: Strike) -> Scene:
        return Scene(
            youtube=self.stream.youtube,
            analyst=self.stream.analyst,
            redis_url=self._settings.redis_url,
            itag=strike.itag,
            offset=strike.offset,
        )

    async def _etag(self, path: str) -> str:
        return str((await self.stream.http.head(path)).headers["ETag"])

    async def _take(self, case: Case) -> tuple[Result, str | None, bytes]:
        headers = {} if case.range is None else {"Range": f"bytes={case.range[0]}-{case.range[1] - 1}"}
        received = bytearray()
        async with self.stream.http.stream("GET", case.path, headers=headers) as answer:
            if answer.status_code >= 400:
                problem = await answer.aread()
                assert answer.headers["Content-Type"] == "application/problem+json", problem
                assert answer.json()["code"] in CODES
                assert "ETag" not in answer.headers
                return "problem", None, b""
            assert answer.status_code == (200 if case.range is None else 206)
            tag = answer.headers["ETag"]
            try:
                async for chunk in answer.aiter_raw():
                    received += chunk
            except (httpx.RemoteProtocolError, httpx.ReadError):
                return "broken", tag, bytes(received)
            assert len(received) == int(answer.headers["Content-Length"])
            return "identical", tag, bytes(received)

    async def _nothing_is_left(self, before: set["asyncio.Task[Any]"]) -> None:
        await until(lambda: all(request.ended for request in self.stream.youtube.requests.media), within=2)
        await until(lambda: not asyncio.all_tasks() - before, within=2)
        assert {budget.taken for budget in self._budgets} == {0}
        assert not await self._redis.keys("leases:*")


async def _is_of(file: File, case: Case, result: Result, received: bytes) -> bool:
    """Whether these are the bytes of the file, as far as they go; all of them where the download says so."""
    start, end = case.range or (0, file.size)
    return received == await file.read(start, end if result == "identical" else start + len(received))
