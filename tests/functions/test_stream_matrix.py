"""All 66 troubles of the table, at the first, a middle and the last piece, of whole and of ranged requests: 396 cases; then 40
combinations of several. All of that over one connection and over four.

However a download ends: what the client holds is the file, or visibly no file, and nothing of the download is left behind.
"""

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from itertools import product
from typing import Final

import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.budget import Budget
from shared.settings import RateLimit
from shared.store import open_store
from tests.matrix import Case, Matrix, Strike, small_pieces
from tests.streaming import gateway, settings_behind
from tests.troubles import TROUBLES, End
from tests.valkey import Valkey
from tests.youtube import LARGE, MediaFile, YouTube

ITAG: Final = 140
PATH: Final = f"/v1/stream/{LARGE}/{ITAG}"
SIZE: Final = 1_000_003
PLACES: Final = ("first", "middle", "last")
RANGES: Final = (None, (123_457, SIZE - 98_765))
CONNECTIONS: Final = (1, 4)
COMBINATIONS: Final = 40
AT_ONCE: Final = 10
"""Combinations in one test."""


class Setting(Struct, frozen=True):
    """One case."""

    troubles: tuple[tuple[str, str], ...]  # names and places
    range: tuple[int, int] | None

    @property
    def case(self) -> Case:
        strikes = tuple(Strike(name, ITAG, self.offset(place)) for name, place in self.troubles)
        return Case(path=PATH, strikes=strikes, range=self.range, must_end=self.must_end)

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


class Single:
    """A format as it is."""

    def __init__(self, file: MediaFile) -> None:
        self._file = file
        self.size = file.size

    async def read(self, start: int, end: int) -> bytes:
        return self._file.read(start, end)


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as opened:
        yield opened


@pytest.fixture(scope="module")
def budgets() -> Iterator[list[Budget]]:
    """Of the applications that are started."""
    with small_pieces() as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrices(youtube: YouTube, valkey: Valkey, budgets: list[Budget]) -> AsyncIterator[Mapping[int, Matrix]]:
    """For each number of connections."""

    async def file(_path: str) -> Single:
        return Single(youtube.media(LARGE, ITAG))

    known = replace(settings_behind(youtube, redis_url=valkey.url), rate_limit=RateLimit(0, 60))
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(known))
        redis = await stack.enter_async_context(Redis.from_url(valkey.url))
        made = {}
        for count in CONNECTIONS:
            settings = replace(known, stream_connections=count)
            stream = await stack.enter_async_context(gateway(youtube, store, settings))
            made[count] = Matrix(stream, settings, budgets, redis, file=file)
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
    for setting in CASES[name]:
        await play(matrix, setting)
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
        await play(matrix, combination(seed))


async def play(matrix: Matrix, setting: Setting) -> None:
    await matrix.play(setting.case, itags=(ITAG,), sizes={ITAG: SIZE})
