"""What is read for a plan beside the beginnings: where something lies behind media, it must be nothing that a player would show."""

import struct
from collections.abc import Callable
from typing import Final

import pytest
from msgspec.structs import replace

from functions.stream.merge import choice
from functions.stream.merge.boxes import make, make_full
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.fragments import MAX_MOOF, check
from functions.stream.merge.heads import MAX_BEGINNINGS, SPARE, read_beginnings, read_heads
from functions.stream.merge.layout import FRAGMENT_HEAD, VIDEO, Layout
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.reader import read
from shared.problems import ProblemError
from shared.sources import ByteRange, Identity, Source
from shared.tags import UNTAGGED
from tests.merging import Sources, content, layouts

VIDEO_FILE: Final = "h264.mp4"
SOUND: Final = "aac.mp4"


def source(data: bytes) -> Source:
    """So much of it as is looked at here."""
    return Source(
        media_id="a" * 11,
        format_id="137",
        url="",
        headers={},
        identity=Identity(itag="137", xtags="", lmt=1, size=len(data)),
        content_type="video/mp4",
        filename="a.mp4",
        expires_at=0.0,
        available_at=None,
        init_range=None,
        index_range=None,
        exit="",
        family=None,
    )


async def found(video: bytes, *, is_short: bool) -> Sources:
    """What was asked for.

    :param is_short: the beginnings of all fragments are read, too
    """
    sources = Sources(video, content(SOUND))
    heads = await read_heads(source(video), source(content(SOUND)), "mp4", sources.open)
    if is_short:
        first, second = heads
        assert isinstance(first, Mp4)
        assert isinstance(second, Mp4)
        beginnings = await read_beginnings(first, second, sources.open, at_once=3)
        choice.plan_short(first, second, beginnings, UNTAGGED)
    return sources


async def refused(video: bytes, *, is_short: bool) -> str:
    with pytest.raises(Unsupported) as raised:
        await found(video, is_short=is_short)
    return raised.value.reason


def grown(number: int, more: bytes) -> bytes:
    """The video with these bytes behind one of its fragments, as a part of it."""
    data = bytearray(content(VIDEO_FILE))
    sidx = data.index(b"sidx") - 4
    reference = sidx + (32 if data[sidx + 8] == 0 else 40) + 12 * number
    (size,) = struct.unpack_from(">I", data, reference)
    struct.pack_into(">I", data, reference, size + len(more))
    at = fragment(number).end
    return bytes(data[:at] + more + data[at:])


def fragment(number: int) -> ByteRange:
    head = choice.read_head(content(VIDEO_FILE), len(content(VIDEO_FILE)), "mp4")
    assert isinstance(head, Mp4)
    return ByteRange(head.index.offsets[number], head.index.offsets[number + 1])


def another() -> bytes:
    """A whole fragment."""
    return content(VIDEO_FILE)[fragment(1).start : fragment(1).end]


FILLING: Final = {
    "one box": make(b"free"),
    "one of another kind": make(b"skip", b"\0moof" * 20),
}
NO_FILLING: Final[dict[str, Callable[[], bytes]]] = {
    "a second fragment": another,
    "a second fragment behind filling": lambda: make(b"free") + another(),
    "more data": lambda: make(b"mdat", bytes(99)),
    "too few bytes for a box": lambda: bytes(7),
    "a box that ends elsewhere": lambda: make(b"free", bytes(99))[:-1],
    "a box to the end": lambda: bytes(4) + b"free" + bytes(99),
}


@pytest.mark.parametrize("what", FILLING)
@pytest.mark.parametrize("number", [0, 2, 5])
async def test_filling_passes_with_its_fragment(what: str, number: int) -> None:
    video = grown(number, FILLING[what])
    await found(video, is_short=True)
    (layout, without) = layouts(video, content(SOUND), "mp4")
    whole = await read_whole(layout, Sources(video, content(SOUND)))
    (expected, as_before) = layouts(content(VIDEO_FILE), content(SOUND), "mp4")
    at = end_of(layout, number) - len(FILLING[what])
    bare = (await read_whole(expected, Sources(content(VIDEO_FILE), content(SOUND))))[len(expected.own) :]
    assert whole[len(layout.own) : at] + whole[at + len(FILLING[what]) :] == bare
    assert [span.size for span in without.spans[1:]] == [span.size for span in as_before.spans[1:]]


@pytest.mark.parametrize("what", NO_FILLING)
async def test_a_fragment_is_one_moof_and_its_data(what: str) -> None:
    more = NO_FILLING[what]()
    assert await refused(grown(0, more), is_short=False) == "unexpected"
    assert await refused(grown(3, more), is_short=True) == "unexpected"


@pytest.mark.parametrize("piece", [1000, 4999, 1 << 20])
@pytest.mark.parametrize("what", NO_FILLING)
async def test_a_download_ends_before_what_lies_behind_the_data(what: str, piece: int) -> None:
    """Of a long file, whose fragments are not looked at before."""
    more = NO_FILLING[what]()
    video = grown(5, more)
    (layout, *_) = layouts(video, content(SOUND), "mp4")
    received = bytearray()
    with pytest.raises(ProblemError) as raised:
        await read_whole(layout, Sources(video, content(SOUND), chunk=piece), received)
    assert raised.value.code == "source_unreadable"
    assert len(received) < end_of(layout, 5) - len(more) + 8


def with_large_beginnings(size: int) -> tuple[Mp4, bytes]:
    """As many fragments as are read for a plan, each of so many bytes up to its data."""
    head = choice.read_head(content(VIDEO_FILE), len(content(VIDEO_FILE)), "mp4")
    assert isinstance(head, Mp4)
    inside = make(b"traf", make_full(b"tfhd", 0, 0, bytes(4)), make(b"free", bytes(size - 56)))
    one = make(b"moof", make_full(b"mfhd", 0, 0, bytes(4)), inside) + make(b"mdat", bytes(8))
    count = choice.MAX_FRAGMENTS - 10
    index = replace(head.index, start=0, sizes=(len(one),) * count, durations=(1,) * count, accesses=(0,) * count)
    return replace(head, index=index, first_moof=size), one * count


async def test_memory_for_beginnings() -> None:
    """Each of them within its bounds, and all of them together not."""
    sound = choice.read_head(content(SOUND), len(content(SOUND)), "mp4")
    assert isinstance(sound, Mp4)
    allowed = MAX_BEGINNINGS // choice.MAX_FRAGMENTS * 4 // 5 - SPARE
    video, data = with_large_beginnings(allowed)
    both = await read_beginnings(video, sound, Sources(data, content(SOUND)).open, at_once=3)
    assert {len(beginning) for beginning in both[VIDEO]} == {allowed}
    video, data = with_large_beginnings(allowed * 3 // 2)
    sources = Sources(data, content(SOUND))
    with pytest.raises(Unsupported) as raised:
        await read_beginnings(video, sound, sources.open, at_once=3)
    assert raised.value.reason == "too_large"
    assert sum(asked.length for _, asked in sources.asked) <= MAX_BEGINNINGS


async def test_memory_for_one_beginning() -> None:
    sound = choice.read_head(content(SOUND), len(content(SOUND)), "mp4")
    assert isinstance(sound, Mp4)
    video, data = with_large_beginnings(MAX_MOOF + 1)
    with pytest.raises(Unsupported) as raised:
        await read_beginnings(video, sound, Sources(data, content(SOUND)).open, at_once=1)
    assert raised.value.reason == "unexpected"
    video, data = with_large_beginnings(MAX_MOOF)
    assert check(data[:FRAGMENT_HEAD], video.index.sizes[0]) == MAX_MOOF <= 1 << 18


def with_tail(tail: bytes, *, listed: int = 6) -> bytes:
    """The video with this behind its last fragment; the index lists so many."""
    data = content(VIDEO_FILE)
    sidx = data.index(b"sidx") - 4
    (size,) = struct.unpack_from(">I", data, sidx)
    first = sidx + (32 if data[sidx + 8] == 0 else 40)
    index = struct.pack(">I", first + 12 * listed - sidx) + data[sidx + 4 : first - 2] + struct.pack(">H", listed)
    references = data[first : first + 12 * listed]
    return data[:sidx] + index + references + data[sidx + size : fragment(5).end] + tail


NO_MEDIA: Final = {
    "nothing": b"",
    "an index of another kind": make(b"mfra", bytes(2000)),
    "that and padding": make(b"mfra", bytes(2000)) + make(b"free", b"moof" * 50_000),
    "what nobody knows": make(b"abcd", bytes(9)),
}
MEDIA: Final[dict[str, Callable[[], bytes]]] = {
    "a fragment that is not listed": lambda: with_tail(b"", listed=5),
    "several of them": lambda: with_tail(make(b"mfra"), listed=2),
    "a small one": lambda: with_tail(make(b"moof", bytes(100)) + make(b"mdat", bytes(10))),
    "one behind something else": lambda: with_tail(make(b"mfra", bytes(200)) + another()),
    "one behind another index": lambda: with_tail(make(b"sidx", bytes(200)) + make(b"mdat", bytes(10))),
    "more boxes than are looked at": lambda: with_tail(make(b"free") * 9),
}


@pytest.mark.parametrize("what", NO_MEDIA)
async def test_what_is_behind_the_last_fragment_is_left_out(what: str) -> None:
    sources = await found(with_tail(NO_MEDIA[what]), is_short=False)
    end = fragment(5).end
    assert sum(asked.length for origin, asked in sources.asked if origin == VIDEO and asked.start >= end) < 100


@pytest.mark.parametrize("what", MEDIA)
async def test_media_that_the_index_does_not_list(what: str) -> None:
    assert await refused(MEDIA[what](), is_short=False) == "incomplete_index"


@pytest.mark.parametrize(("tail", "reason"), [(bytes(7), "malformed"), (make(b"free", bytes(99))[:-1], "truncated")])
async def test_a_file_that_ends_in_no_box(tail: bytes, reason: str) -> None:
    assert await refused(with_tail(tail), is_short=False) == reason


def end_of(layout: Layout, number: int) -> int:
    """Where a fragment of the video ends in the merged file."""
    at, left = 0, number + 1
    for span in layout.spans:
        at += span.size
        left -= span.origin == VIDEO
        if not left:
            break
    return at


async def read_whole(layout: Layout, sources: Sources, received: bytearray | None = None) -> bytes:
    received = bytearray() if received is None else received
    async for chunk in read(layout, ByteRange(0, layout.size), sources.open):
        received += chunk
    return bytes(received)
