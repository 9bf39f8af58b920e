"""All 66 troubles of the table, at the first, a middle and the last piece, of whole and of ranged requests: 396 cases; then 40
combinations of several. All of that over one connection and over four.

However a download ends: what the client holds is the file, or visibly no file, and nothing of the download is left behind.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from itertools import product
from typing import Any, Final, Literal

import httpx
import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.budget import Budget
from functions.stream.window import Pace
from shared.settings import RateLimit, Settings
from shared.store import open_store
from shared.upstream import Patience, open_upstream
from tests.streaming import Gateway, gateway, settings_behind, until
from tests.troubles import SIZE, TROUBLES, End, Scene
from tests.valkey import Valkey
from tests.youtube import LARGE, Fault, Slow, YouTube

PATH: Final = f"/v1/stream/{LARGE}/140"
PLACES: Final = ("first", "middle", "last")
RANGES: Final = (None, (123_457, SIZE - 98_765))
CONNECTIONS: Final = (1, 4)
COMBINATIONS: Final = 40
AT_ONCE: Final = 10
"""Combinations in one test."""
Result = Literal["identical", "broken", "problem"]


class Setting(Struct, frozen=True):
    """One case."""

    troubles: tuple[tuple[str, str], ...]  # names and places
    range: tuple[int, int] | None

    def offset(self, place: str) -> int:
        """Of the byte whose piece is struck."""
        start, end = self.range or (0, SIZE)
        return {"first": start, "middle": (start + end) // 2, "last": end - 1}[place]

    @property
    def must_end(self) -> End:
        """Troubles that can be overcome one by one can be so at places of their own."""
        ends = {TROUBLES[name].end for name, _ in self.troubles}
        places = [place for _, place in self.troubles]
        if len(self.troubles) == 1:
            return ends.pop()
        return "identical" if ends == {"identical"} and len(set(places)) == len(places) else "either"


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as opened:
        yield opened


@pytest.fixture(scope="module")
def budgets() -> Iterator[list[Budget]]:
    """Of the applications that are started: with small pieces, little patience, and as many connections as there may be."""
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
        patch.setattr("functions.stream.window.FIRST_PIECE", 32 << 10)
        patch.setattr("functions.stream.window.MAX_RANGE", 256 << 10)
        patch.setattr("functions.stream.window.WINDOW", 512 << 10)
        patch.setattr("functions.stream.fetch.WINDOW", 512 << 10)
        patch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.002)
        patch.setattr("functions.stream.source.JUST_NOW", 0.0)  # each case is a video's first
        patch.setattr("shared.analyses._POLL_SECONDS", (0.01,))
        yield made


class Matrix:
    """Plays cases, and looks at what is left of each."""

    def __init__(self, stream: Gateway, settings: Settings, budgets: list[Budget], redis: "Redis") -> None:
        self._stream = stream
        self._settings = settings
        self._budgets = budgets
        self._redis = redis
        self.connections = settings.stream_connections
        self.widest = 0
        """Upstream connections at once."""

    @property
    def has_turn(self) -> bool:
        """Whether it analyses what is asked for: there is one store."""
        return not self._stream.analyst.is_idle

    @has_turn.setter
    def has_turn(self, value: bool) -> None:
        self._stream.analyst.is_idle = not value

    async def play(self, setting: Setting) -> None:
        stream, youtube = self._stream, self._stream.youtube
        youtube.clear()
        youtube.edit(LARGE, itags=(140,), sizes={140: SIZE})
        stream.analyst.token = None
        if self.connections > 1:
            youtube.fault(Fault("media", Slow(20_000_000)))  # slow enough for others to begin
        await stream.analyst.analyze(LARGE)
        files = {await self._etag(): youtube.media(LARGE, "140")}
        scenes = [self._scene(setting.offset(place)) for _, place in setting.troubles]
        handles = [TROUBLES[name].put(scene) for (name, _), scene in zip(setting.troubles, scenes, strict=True)]
        before = asyncio.all_tasks()
        result, tag, received = await self._take(setting)
        for thread in (thread for scene in scenes for thread in scene.restarts):
            await asyncio.to_thread(thread.join)
        if tag is not None and tag not in files:  # nobody was promised the file that was there before
            files[tag] = youtube.media(LARGE, "140")
        if tag is not None:
            start, end = setting.range or (0, files[tag].size)
            assert received == files[tag].read(start, end if result == "identical" else start + len(received))
        if setting.must_end != "either":
            assert (result == "identical") == (setting.must_end == "identical"), result
        for handle in handles:
            assert handle is None or handle.hits or len(handles) > 1
            if handle is not None and len(handles) > 1:
                handle.release()  # with a request in its ears, a stand-in that is silent does not hear that its client leaves
        self.widest = max(self.widest, *(request.concurrency for request in youtube.requests.media))
        await self._nothing_is_left(before)

    def _scene(self, offset: int) -> Scene:
        return Scene(youtube=self._stream.youtube, analyst=self._stream.analyst, redis_url=self._settings.redis_url, offset=offset)

    async def _etag(self) -> str:
        return str((await self._stream.http.head(PATH)).headers["ETag"])

    async def _take(self, setting: Setting) -> tuple[Result, str | None, bytes]:
        headers = {} if setting.range is None else {"Range": f"bytes={setting.range[0]}-{setting.range[1] - 1}"}
        received = bytearray()
        async with self._stream.http.stream("GET", PATH, headers=headers) as answer:
            if answer.status_code >= 400:
                problem = await answer.aread()
                assert answer.headers["Content-Type"] == "application/problem+json", problem
                assert "ETag" not in answer.headers
                return "problem", None, b""
            assert answer.status_code == (200 if setting.range is None else 206)
            tag = answer.headers["ETag"]
            try:
                async for chunk in answer.aiter_raw():
                    received += chunk
            except (httpx.RemoteProtocolError, httpx.ReadError):
                return "broken", tag, bytes(received)
            assert len(received) == int(answer.headers["Content-Length"])
            return "identical", tag, bytes(received)

    async def _nothing_is_left(self, before: set["asyncio.Task[Any]"]) -> None:
        await until(lambda: all(request.ended for request in self._stream.youtube.requests.media), within=2)
        await until(lambda: not asyncio.all_tasks() - before, within=2)
        assert {budget.taken for budget in self._budgets} == {0}
        assert not await self._redis.keys("leases:*")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrices(youtube: YouTube, valkey: Valkey, budgets: list[Budget]) -> AsyncIterator[Mapping[int, Matrix]]:
    """For each number of connections."""
    known = replace(settings_behind(youtube, redis_url=valkey.url), rate_limit=RateLimit(0, 60))
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(known))
        redis = await stack.enter_async_context(Redis.from_url(valkey.url))
        made = {}
        for count in CONNECTIONS:
            settings = replace(known, stream_connections=count)
            stream = await stack.enter_async_context(gateway(youtube, store, settings))
            made[count] = Matrix(stream, settings, budgets, redis)
        yield made


@pytest.fixture(params=CONNECTIONS, ids=["one connection", "four connections"])
def matrix(request: pytest.FixtureRequest, matrices: Mapping[int, Matrix]) -> Matrix:
    chosen = matrices[request.param]
    for other in matrices.values():
        other.has_turn = other is chosen
    chosen.widest = 0
    return chosen


CASES: Final = {name: [Setting(((name, place),), asked) for place, asked in product(PLACES, RANGES)] for name in TROUBLES}


def test_how_many_cases_there_are() -> None:
    assert len(TROUBLES) == 66
    assert sum(len(cases) for cases in CASES.values()) == 396
    assert len({combination(seed) for seed in range(COMBINATIONS)}) == COMBINATIONS == 40


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", TROUBLES)
async def test_alone(matrix: Matrix, name: str) -> None:
    for case in CASES[name]:
        await matrix.play(case)
    assert matrix.widest > 1 or matrix.connections == 1


def combination(seed: int) -> Setting:
    """From two to four troubles."""
    chance = random.Random(seed)
    names = chance.sample(sorted(TROUBLES), chance.randint(2, 4))
    places = ((name, PLACES[1:] if TROUBLES[name].needs_bytes else PLACES) for name in names)
    return Setting(tuple((name, chance.choice(possible)) for name, possible in places), chance.choice(RANGES))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("first", range(0, COMBINATIONS, AT_ONCE))
async def test_together(matrix: Matrix, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        await matrix.play(combination(seed))
