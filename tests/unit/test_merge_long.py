"""Ten hours: the size of the head, the time a plan takes, and ranges of files that nobody could hold."""

import asyncio
import struct
import time
import tracemalloc
from collections.abc import AsyncGenerator
from functools import cache
from itertools import accumulate

import pytest

from functions.stream.merge import choice, ebml
from functions.stream.merge.boxes import make_full
from functions.stream.merge.choice import Container
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import AUDIO, VIDEO, Layout, Origin
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.reader import read
from shared.sources import ByteRange
from shared.tags import UNTAGGED
from tests.merging import content, head_of

HOURS = 10 * 3600
PICTURE, SOUND = 5, 10
"""Seconds of a fragment."""

SIZES = {VIDEO: 2_500_000, AUDIO: 160_000}
"""Bytes of a fragment."""


class Endless:
    """A head, then so many fragments of the same size that begin alike and are zeros behind that."""

    def __init__(self, head: bytes, fragment: bytes, size: int, count: int) -> None:
        self.head = head
        self._fragment = fragment
        self._size = size
        self.size = len(head) + size * count

    def read(self, start: int, end: int) -> bytes:
        parts, at = [self.head[start:end]], max(start, len(self.head))
        while at < end:
            offset = (at - len(self.head)) % self._size
            until = min(end - at, self._size - offset)
            part = self._fragment[offset : offset + until]
            parts += [part, bytes(until - len(part))]
            at += until
        return b"".join(parts)


def mp4(name: str, seconds: int, size: int) -> Endless:
    data = content(name)
    head = head_of(data, "mp4")
    assert isinstance(head, Mp4)
    count = HOURS // seconds
    references = struct.pack(">III", size, seconds * head.index.timescale, 0x90000000) * count
    index = make_full(b"sidx", 1, 0, struct.pack(">IIQQHH", 1, head.index.timescale, 0, 0, 0, count), references)
    fragment = data[head.index.offsets[0] : head.index.offsets[0] + head.first_moof] + struct.pack(
        ">I4s", size - head.first_moof, b"mdat"
    )
    return Endless(data[: data.index(b"sidx") - 4] + index, fragment, size, count)


def webm(name: str, seconds: int, size: int) -> Endless:
    data = content(name)
    cues_at = data.rindex(bytes.fromhex("1c53bb6b"), 0, data.index(bytes.fromhex("1f43b675")))
    segment_at = data.index(bytes.fromhex("18538067"))
    count = HOURS // seconds
    body_at = segment_at + 12
    first = cues_at + 8 + 22 * count
    cues = b"".join(
        ebml.make(
            ebml.CUE_POINT,
            ebml.make_number(ebml.CUE_TIME, 1000 * seconds * which, 5)
            + ebml.make(
                ebml.CUE_TRACK_POSITIONS,
                ebml.make_number(ebml.CUE_TRACK, 1, 1)
                + ebml.make_number(ebml.CUE_CLUSTER_POSITION, first + size * which - body_at, 6),
            ),
        )
        for which in range(count)
    )
    total = first + size * count
    segment = ebml.head(ebml.SEGMENT, total - body_at, size_length=8)
    head = data[:segment_at] + segment + data[body_at:cues_at] + ebml.make(ebml.CUES, cues, size_length=4)
    inside = ebml.make_number(ebml.TIMESTAMP, 0, 4)
    block = ebml.head(ebml.SIMPLE_BLOCK, size - 12 - len(inside) - 12 + 3, size_length=8) + b"\x81\0\0\x80"
    fragment = ebml.head(ebml.CLUSTER, size - 12, size_length=8) + inside + block
    return Endless(head, fragment, size, count)


@cache
def files_of(form: Container) -> dict[Origin, Endless]:
    if form == "mp4":
        return {VIDEO: mp4("h264.mp4", PICTURE, SIZES[VIDEO]), AUDIO: mp4("aac.mp4", SOUND, SIZES[AUDIO])}
    return {VIDEO: webm("vp9.webm", PICTURE, SIZES[VIDEO]), AUDIO: webm("opus.webm", SOUND, SIZES[AUDIO])}


def layout_of(form: Container) -> Layout:
    heads = [choice.read_head(file.read(0, 200_000), file.size, form) for file in files_of(form).values()]
    assert not choice.is_short(*heads)
    return choice.plan(heads[0], heads[1], UNTAGGED)


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_no_more_than_a_few_bytes_are_held_back(form: Container) -> None:
    """Of fragments of megabytes, however many of them pass."""
    layout, piece = layout_of(form), 1 << 16

    async def open_source(origin: Origin, part: ByteRange) -> AsyncGenerator[bytes, None]:
        for at in range(part.start, part.end, piece):
            yield files_of(form)[origin].read(at, min(at + piece, part.end))

    async def drain() -> int:
        return sum([len(chunk) async for chunk in read(layout, ByteRange(0, 30_000_000), open_source)])

    asyncio.run(drain())
    tracemalloc.start()
    assert asyncio.run(drain()) == 30_000_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * piece


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_ten_hours(form: Container) -> None:
    began = time.process_time()
    layout = layout_of(form)
    assert time.process_time() - began < 2
    assert len(layout.own) < 150_000
    assert layout.weight < 3_000_000
    count = HOURS // PICTURE + HOURS // SOUND
    assert len(layout.spans) == 1 + count
    assert layout.size == len(layout.own) + sum(span.size for span in layout.spans[1:])

    async def some(wanted: ByteRange) -> tuple[bytes, list[ByteRange]]:
        asked = []

        async def open_source(origin: Origin, part: ByteRange) -> AsyncGenerator[bytes, None]:
            asked.append(part)
            yield files_of(form)[origin].read(part.start, part.end)

        return b"".join([chunk async for chunk in read(layout, wanted, open_source)]), asked

    ends = list(accumulate(span.size for span in layout.spans))
    for which in (1, 2, 3, count // 2, count - 1):
        # Across the edge of two fragments in the midst of ten hours: few bytes are asked for.
        found, asked = asyncio.run(some(ByteRange(ends[which - 1] - 100, ends[which - 1] + 100)))
        assert len(found) == 200
        assert sum(part.length for part in asked) <= 200 + SIZES[AUDIO]
        kind = b"moof" if form == "mp4" else bytes.fromhex("1f43b675")
        assert kind in found
    assert asyncio.run(some(ByteRange(layout.size - 1, layout.size)))[0] == b"\0"


def test_fragments_beyond_what_an_index_can_tell() -> None:
    """Two thousand million bytes from one fragment of the sound to the next: three gigabits a second."""
    files = mp4("h264.mp4", PICTURE, 1_100_000_000), mp4("aac.mp4", SOUND, SIZES[AUDIO])
    heads = [choice.read_head(file.read(0, 200_000), file.size, "mp4") for file in files]
    with pytest.raises(Unsupported) as refused:
        choice.plan(heads[0], heads[1], UNTAGGED)
    assert refused.value.reason == "too_large"
