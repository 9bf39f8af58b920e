"""Layouts as arithmetic: what a range consists of, what it needs, in which order tracks follow each other."""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.stream.merge.layout import AUDIO, OWN, VIDEO, Layout, Origin, Span
from functions.stream.merge.order import follow
from functions.stream.merge.reader import QUANTUM, read
from shared.problems import ProblemError
from shared.sources import ByteRange
from tests.merging import Sources, merged

FILES = {VIDEO: bytes(range(200)) * 3, AUDIO: bytes(range(255, 55, -1)) * 3, OWN: b"own bytes of the layout"}


@st.composite
def plain(draw: st.DrawFn) -> Layout:
    """Spans of any size that go forward in each source, with gaps."""
    at = {VIDEO: 0, AUDIO: 0}
    spans = [Span(OWN, 0, draw(st.integers(1, len(FILES[OWN]))))]
    for track, gap, size in draw(st.lists(st.tuples(st.sampled_from([VIDEO, AUDIO]), st.integers(0, 9), st.integers(1, 60)))):
        if at[track] + gap + size > 600:
            break
        spans.append(Span(track, at[track] + gap, size))  # type: ignore[arg-type]
        at[track] += gap + size
    return Layout(form="progressive", own=FILES[OWN], spans=tuple(spans))


def whole(layout: Layout) -> bytes:
    return b"".join(FILES[span.origin][span.offset : span.offset + span.size] for span in layout.spans)


@given(plain(), st.data())
def test_any_range_is_a_part_of_the_whole(layout: Layout, data: st.DataObject) -> None:
    complete = whole(layout)
    assert layout.size == len(complete)
    start = data.draw(st.integers(0, layout.size - 1))
    end = data.draw(st.integers(start + 1, layout.size))
    sources = Sources(FILES[VIDEO], FILES[AUDIO], chunk=7)
    assert asyncio.run(merged(layout, sources, ByteRange(start, end))) == complete[start:end]
    # Each source is opened once, for what lies between its first and its last byte in the range.
    for origin, asked in sources.asked:
        used = [part.source for part in layout.parts(ByteRange(start, end)) if part.span.origin == origin]
        assert (asked.start, asked.end) == (used[0].start, used[-1].end)
    assert len({origin for origin, _ in sources.asked}) == len(sources.asked)


def test_nothing_is_asked_for_what_is_known() -> None:
    layout = Layout(form="mp4", own=b"head", spans=(Span(OWN, 0, 4), Span(VIDEO, 0, 600)))
    sources = Sources(FILES[VIDEO], FILES[AUDIO])
    assert asyncio.run(merged(layout, sources, ByteRange(1, 4))) == b"ead"
    assert sources.asked == []


async def test_small_spans_are_put_together() -> None:
    spans = tuple(Span(track, 10 * at, 10) for at in range(20_000) for track in (VIDEO, AUDIO))
    sources = Sources(bytes(200_000), bytes(200_000))
    layout = Layout(form="progressive", own=b"", spans=spans)
    sizes = [len(chunk) async for chunk in read(layout, ByteRange(0, layout.size), sources.open)]
    assert sum(sizes) == 400_000
    assert min(sizes[:-1]) >= QUANTUM


async def test_both_sources_are_asked_at_once_and_closed_in_the_end() -> None:
    asked, closed = [], []
    both = asyncio.Event()

    async def open_source(origin: Origin, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        asked.append(origin)
        try:
            if len(asked) == 2:
                both.set()
            await both.wait()  # forever, if one waited for the other
            while True:
                yield bytes(10)
        finally:
            closed.append(origin)

    layout = Layout(form="mp4", own=b"head", spans=(Span(OWN, 0, 4), Span(VIDEO, 0, 10**6), Span(AUDIO, 0, 10**6)))
    chunks = read(layout, ByteRange(0, layout.size), open_source)
    async with asyncio.timeout(5):
        assert (await anext(chunks)).startswith(b"head")
    await chunks.aclose()
    assert sorted(closed) == [VIDEO, AUDIO]


async def test_one_that_fails_ends_the_other() -> None:
    closed = []

    async def open_source(origin: Origin, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        try:
            if origin == AUDIO:
                raise ProblemError("source_refused")
            await asyncio.Event().wait()
            yield b""
        finally:
            closed.append(origin)

    layout = Layout(form="mp4", own=b"head", spans=(Span(OWN, 0, 4), Span(VIDEO, 0, 10), Span(AUDIO, 0, 10)))
    with pytest.raises(ProblemError, match="refused"):
        await anext(read(layout, ByteRange(0, layout.size), open_source))
    assert sorted(closed) == [VIDEO, AUDIO]


async def test_a_source_that_ends_early_is_an_error() -> None:
    layout = Layout(form="mp4", own=b"", spans=(Span(VIDEO, 0, 10),))

    async def open_source(origin: Origin, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        yield b"short"

    with pytest.raises(ProblemError):
        async for _ in read(layout, ByteRange(0, 10), open_source):
            pass


times = st.lists(st.integers(1, 1000), min_size=1, max_size=40).map(sorted)


@given(times, times, st.integers(1, 90_000), st.integers(1, 48_000))
def test_sound_follows_the_first_picture_that_begins_with_it(
    video: list[int], audio: list[int], video_scale: int, audio_scale: int
) -> None:
    order = list(follow(video, audio, video_scale=video_scale, audio_scale=audio_scale))
    assert [which for track, which in order if track == VIDEO] == list(range(len(video)))
    assert [which for track, which in order if track == AUDIO] == list(range(len(audio)))
    assert order[:2] == [(VIDEO, 0), (AUDIO, 0)]
    for which, begins in enumerate(audio[1:], start=1):
        before = [other for track, other in order[: order.index((AUDIO, which))] if track == VIDEO]
        first = bisect_left([time * audio_scale for time in video], begins * video_scale)
        assert before[-1] == min(first, len(video) - 1)
