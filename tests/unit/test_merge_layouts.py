"""Who finds a layout for whom, how long anybody waits for it, and what is counted."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from redis.exceptions import ConnectionError as StoreConnectionError

from functions.stream.merge.kept import LayoutStore
from functions.stream.merge.layout import Layout
from functions.stream.merge.layouts import Layouts
from functions.stream.merge.turns import AT_ONCE, OF_ONE_CLIENT
from shared.problems import ProblemError
from shared.sources import ByteRange, Identity, Source
from shared.tags import UNTAGGED
from tests.merging import Sources, chosen, content
from tests.streaming import until
from tests.unit.test_stream_headers import SOURCE

SIZES = len(content("h264-bframes.mp4")), len(content("aac-edited.mp4"))


def source(content_type: str, size: int) -> Source:
    return replace(SOURCE, content_type=content_type, identity=Identity(itag="1", xtags="", lmt=1, size=size))


VIDEO, AUDIO = source("video/mp4", SIZES[0]), source("audio/mp4", SIZES[1])


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def layout(self, version: str, *, seconds: int) -> bytes | None:
        return self.kept.get(version)

    async def keep_layout(self, version: str, data: bytes, *, seconds: int) -> None:
        self.kept[version] = data


class Away:
    """A store that does not answer."""

    async def layout(self, version: str, *, seconds: int) -> bytes | None:
        raise StoreConnectionError("gone")

    async def keep_layout(self, version: str, data: bytes, *, seconds: int) -> None:
        raise StoreConnectionError("gone")


class Upstream:
    """Two files, which may hang or fail."""

    def __init__(self, video: bytes | None = None, audio: bytes | None = None) -> None:
        self._files = Sources(video or content("h264-bframes.mp4"), audio or content("aac-edited.mp4"))
        self.flows = asyncio.Event()
        self.flows.set()
        self.failure: ProblemError | None = None
        self.plans = self.open = 0

    async def __call__(self, origin: int, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        self.plans += origin == 0 and wanted.start == 0
        self.open += 1
        try:
            await self.flows.wait()
            if self.failure is not None:
                raise self.failure
            async for chunk in self._files.open(origin, wanted):  # type: ignore[arg-type]
                yield chunk
        finally:
            self.open -= 1


class Asking:
    """Requests to one process, and what it counted."""

    def __init__(self, upstream: Upstream, store: LayoutStore) -> None:
        self.upstream = upstream
        self.counted = Counter[str]()
        self.leases = self.most_leases = 0
        self._layouts = Layouts(store, at_once=4, on_layout=self._count)

    async def of(self, version: str = "v", *, client: str = "c", video: Source = VIDEO, audio: Source = AUDIO) -> Layout | str:
        """The layout, or why there is none."""
        try:
            return await self._layouts.of(
                video, audio, UNTAGGED, version=version, open_source=self.upstream, client=client, lease=self._lease()
            )
        except ProblemError as error:
            return error.code

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[None]:
        self.leases += 1
        self.most_leases = max(self.leases, self.most_leases)
        try:
            yield
        finally:
            self.leases -= 1

    def _count(self, origin: str) -> None:
        self.counted[origin] += 1


def asking(upstream: Upstream | None = None, store: LayoutStore | None = None) -> Asking:
    return Asking(upstream or Upstream(), store or Shelf())


def held() -> Upstream:
    upstream = Upstream()
    upstream.flows.clear()
    return upstream


async def test_where_it_came_from() -> None:
    shelf = Shelf()
    one, other = asking(store=shelf), asking(store=shelf)
    layout = await one.of()
    assert layout == chosen(content("h264-bframes.mp4"), content("aac-edited.mp4"), "mp4")
    assert layout == await one.of() == await other.of() == await other.of()
    assert (one.counted, other.counted) == ({"planned": 1, "known": 1}, {"stored": 1, "known": 1})
    assert (one.leases, one.most_leases, other.most_leases) == (0, 1, 0)


async def test_one_plan_serves_all_who_wait_for_it() -> None:
    asked = asking(held())
    waiting = [asyncio.create_task(asked.of(client=f"client {number % 5}")) for number in range(20)]
    await until(lambda: asked.upstream.open == 2)
    asked.upstream.flows.set()
    assert all([isinstance(await one, Layout) for one in waiting])
    assert (asked.upstream.plans, asked.counted) == (1, {"planned": 1, "known": 19})
    assert asked.most_leases == 20


async def test_a_failure_is_that_of_all_who_wait_for_it() -> None:
    asked = asking(held())
    waiting = [asyncio.create_task(asked.of(client=f"client {number % 4}")) for number in range(20)]
    await until(lambda: asked.upstream.open == 2)
    asked.upstream.failure = ProblemError("source_refused")
    asked.upstream.flows.set()
    assert {await one for one in waiting} == {"source_refused"}
    assert (asked.upstream.plans, asked.counted, asked.leases) == (1, {}, 0)
    asked.upstream.failure = None
    assert isinstance(await asked.of(), Layout)


async def test_nobody_waits_longer_than_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask for what hangs."""
    monkeypatch.setattr("functions.stream.merge.layouts.PATIENCE", 0.2)
    asked = asking(held())
    assert set(await asyncio.gather(*(asked.of(client=f"client {number % 4}") for number in range(40)))) == {"source_timeout"}
    assert (asked.upstream.plans, asked.upstream.open, asked.leases) == (1, 0, 0)


async def test_who_waits_for_one_file_is_in_nobodys_way() -> None:
    asked, other = asking(held()), Upstream()
    waiting = [asyncio.create_task(asked.of(client=f"client {number}")) for number in range(AT_ONCE * OF_ONE_CLIENT)]
    await until(lambda: asked.upstream.open == 2)
    hanging, asked.upstream = asked.upstream, other
    assert isinstance(await asked.of("another", client="another"), Layout)
    assert isinstance(await asked.of("yet another", client="client 0"), Layout)
    hanging.flows.set()
    await asyncio.gather(*waiting)


async def test_who_leaves_takes_along_what_nobody_else_waits_for() -> None:
    asked = asking(held())
    first, second = (asyncio.create_task(asked.of(client=client)) for client in ("one", "another"))
    await until(lambda: asked.upstream.open == 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (asked.upstream.open, asked.leases) == (2, 1)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (asked.upstream.open, asked.leases) == (0, 0)


async def test_what_is_refused_without_reading_waits_for_nothing() -> None:
    asked = asking(held())
    pair = source("video/webm", 10), AUDIO
    assert await asked.of(video=pair[0], audio=pair[1]) == "incompatible_formats"
    assert (asked.most_leases, asked.upstream.plans, asked.counted) == (0, 0, {"refused": 1})


def of_another_codec() -> bytes:
    return content("h264-bframes.mp4").replace(b"avc1", b"hvc1", 1)


async def test_a_refusal_is_remembered() -> None:
    asked = asking(Upstream(of_another_codec()))
    for _ in range(3):
        assert await asked.of() == "incompatible_formats"
    assert (asked.upstream.plans, asked.most_leases, asked.counted) == (1, 1, {"refused": 3})


async def test_only_so_many_refusals_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.merge.known.REFUSALS", 2)
    asked = asking(Upstream(of_another_codec()))
    for version in ("a", "b", "c", "b", "a"):
        assert await asked.of(version) == "incompatible_formats"
    assert asked.upstream.plans == 4


async def test_what_may_be_damage_on_the_way_is_looked_at_again() -> None:
    asked = asking(Upstream(b"\0" * SIZES[0]))
    assert [await asked.of() for _ in range(2)] == ["incompatible_formats"] * 2
    assert asked.upstream.plans == 2


def discontinuous() -> bytes:
    """The second fragment of the video begins where the first one did."""
    data = bytearray(content("h264-bframes.mp4"))
    second = data.index(b"tfdt", data.index(b"tfdt") + 4)
    data[second + 8 : second + 16] = bytes(8)
    return bytes(data)


@pytest.mark.parametrize("reason", ["discontinuous", "too_large"])
async def test_what_cannot_be_without_fragments_has_them(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is kept for the others, since the beginnings of all fragments had to be read for it."""
    video = content("h264-bframes.mp4")
    if reason == "too_large":
        monkeypatch.setattr("functions.stream.merge.samples.MAX_SAMPLES", 700)  # of 750
    else:
        video = discontinuous()
    shelf = Shelf()
    one, other = asking(Upstream(video), shelf), asking(held(), shelf)
    layout = await one.of()
    assert isinstance(layout, Layout)
    assert layout.form == "mp4"
    assert await other.of() == layout
    assert (one.counted, other.counted) == ({"planned": 1}, {"stored": 1})


async def test_without_the_store_all_is_found_anew() -> None:
    one, other = (asking(store=Away()) for _ in range(2))
    assert isinstance(await one.of(), Layout)
    assert await one.of() == await other.of()
    assert (one.counted, other.counted) == ({"planned": 1, "known": 1}, {"planned": 1})
