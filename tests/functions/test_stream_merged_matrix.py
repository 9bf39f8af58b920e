"""All 66 troubles of the table against the video and against the sound of a merged file: while the layout is found, and at the
first, a middle and the last byte that a download takes of that source: 528 cases, which rotate over the three forms of a merged
file; then 24 with a trouble of each source.

However a download ends: what the client holds is the file, or visibly no file, and nothing of the download is left behind.
"""

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from itertools import product
from typing import Final, Literal

import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis

from functions.stream.merge.known import Known
from functions.stream.merge.layout import AUDIO, VIDEO, Track
from functions.stream.merge.layouts import Layouts
from shared.settings import RateLimit
from shared.sources import ByteRange
from shared.store import open_store
from tests.matrix import Case, Matrix, Strike, small_pieces
from tests.merging import Merged
from tests.streaming import gateway, settings_behind
from tests.troubles import TROUBLES, End
from tests.valkey import Valkey
from tests.youtube import LARGE, YouTube

Form = Literal["mp4", "progressive", "webm"]
Place = Literal["plan", "first", "middle", "last"]
PLACES: Final[tuple[Place, ...]] = ("plan", "first", "middle", "last")
TRACKS: Final[tuple[Track, ...]] = (VIDEO, AUDIO)
COMBINATIONS: Final = 24


class Pair(Struct, frozen=True):
    """Two sources, and their sizes where they are not those of the real files."""

    itags: tuple[int, int]
    sizes: Mapping[int, int]

    @property
    def path(self) -> str:
        video, audio = self.itags
        return f"/v1/stream/{LARGE}/{video}+{audio}"


PAIRS: Final[Mapping[Form, Pair]] = {
    "mp4": Pair((137, 140), {137: 1_000_003, 140: 400_009}),
    "progressive": Pair((137, 140), {}),
    "webm": Pair((248, 251), {}),
}
FORMS: Final = tuple(PAIRS)


class Setting(Struct, frozen=True):
    """One case: troubles, the sources they strike, and where."""

    form: Form
    place: Place
    strikes: tuple[tuple[str, Track], ...]
    is_ranged: bool

    @property
    def must_end(self) -> End:
        """Who has not had a byte yet may get the file that is there now."""
        troubles = [TROUBLES[name] for name, _ in self.strikes]
        if any(trouble.may_begin_anew for trouble in troubles):
            return "either"
        ends = {trouble.end for trouble in troubles}
        return ends.pop() if len(ends) == 1 else "either"

    def range(self, size: int) -> tuple[int, int] | None:
        """What the client asks for of so many bytes; None: all."""
        return (size // 3, size - size // 5) if self.is_ranged else None


def alone(name: str) -> Iterator[Setting]:
    """Every place of each source; all forms."""
    number = list(TROUBLES).index(name)
    for track, (which, place) in product(TRACKS, enumerate(PLACES)):
        turn = number + track + which
        yield Setting(FORMS[turn % len(FORMS)], place, ((name, track),), is_ranged=place != "plan" and turn % 2 == 0)


def combination(seed: int) -> Setting:
    """A trouble of each source."""
    chance = random.Random(seed)
    names = chance.sample(sorted(TROUBLES), len(TRACKS))
    place = chance.choice(PLACES)
    return Setting(chance.choice(FORMS), place, tuple(zip(names, TRACKS, strict=True)), is_ranged=place != "plan" and seed % 2 == 0)


CASES: Final = {name: list(alone(name)) for name in TROUBLES}


class Merges:
    """Plays cases, and knows what the files have to be."""

    def __init__(self, youtube: YouTube, made: list[Layouts]) -> None:
        self._youtube = youtube
        self._made = made
        self._known: dict[tuple[str, ...], Merged] = {}

    async def file(self, path: str) -> Merged:
        """What is there at this moment; made once."""
        video, audio = path.rpartition("/")[2].split("+")
        key = path, *(str((file.lmt, file.size)) for file in (self._youtube.media(LARGE, name) for name in (video, audio)))
        if key not in self._known:
            self._known[key] = Merged(self._youtube, LARGE, video, audio)
        return self._known[key]

    async def play(self, matrix: Matrix, redis: Redis, setting: Setting) -> None:
        """With a layout that is known from before, or with one that has to be found in the midst of trouble."""
        pair = PAIRS[setting.form]
        self._youtube.clear()
        self._youtube.edit(LARGE, itags=pair.itags, sizes=dict(pair.sizes))
        file = await self.file(pair.path)
        assert file.layout.form == setting.form
        asked = setting.range(file.size)
        if setting.place == "plan":
            for layouts in self._made:
                layouts._known = Known()  # as in a process that has just begun
            for key in await redis.keys("layout:*"):
                await redis.delete(key)
        case = Case(
            path=pair.path,
            strikes=tuple(
                Strike(name, pair.itags[track], offset(file, track, setting.place, asked)) for name, track in setting.strikes
            ),
            range=asked,
            must_end=setting.must_end,
            is_known=setting.place != "plan",
        )
        await matrix.play(case, itags=pair.itags, sizes=dict(pair.sizes))


def offset(file: Merged, track: Track, place: Place, asked: tuple[int, int] | None) -> int:
    """Of a byte of this source that is read at this place."""
    if place == "plan":
        return file.fragment(track, 2) + 10 if file.layout.form == "progressive" else 100
    need = file.layout.need(ByteRange(*(asked or (0, file.size))), track)
    assert need is not None
    return {"first": need.start, "middle": (need.start + need.end) // 2, "last": need.end - 1}[place]


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis(valkey: Valkey) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey.url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrix(youtube: YouTube, redis: Redis, valkey: Valkey) -> AsyncIterator[tuple[Matrix, Merges]]:
    made: list[Layouts] = []

    class Remembered(Layouts):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[arg-type]
            made.append(self)

    merges = Merges(youtube, made)
    settings = replace(settings_behind(youtube, redis_url=valkey.url), rate_limit=RateLimit(0, 60))
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("functions.stream.app.Layouts", Remembered)
        budgets = stack.enter_context(small_pieces())
        store = await stack.enter_async_context(open_store(settings))
        stream = await stack.enter_async_context(gateway(youtube, store, settings))
        yield Matrix(stream, settings, budgets, redis, file=merges.file), merges


def test_how_many_cases_there_are() -> None:
    assert len(TROUBLES) == 66
    assert sum(len(cases) for cases in CASES.values()) == 528
    assert all({case.form for case in cases} == set(FORMS) for cases in CASES.values())
    assert len({combination(seed) for seed in range(COMBINATIONS)}) == COMBINATIONS == 24


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", TROUBLES)
async def test_of_one_source(matrix: tuple[Matrix, Merges], redis: Redis, name: str) -> None:
    one, merges = matrix
    for setting in CASES[name]:
        await merges.play(one, redis, setting)


@pytest.mark.asyncio(loop_scope="module")
async def test_of_both_sources(matrix: tuple[Matrix, Merges], redis: Redis) -> None:
    one, merges = matrix
    for seed in range(COMBINATIONS):
        await merges.play(one, redis, combination(seed))
