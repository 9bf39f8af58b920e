"""Clusters of a WebM video that no cue names, and what else lies between two that cues do name."""

import asyncio
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.stream.merge import ebml
from functions.stream.merge.clusters import MAX_PASSING
from functions.stream.merge.edits import editor
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import BLOCKS, CLUSTER, CLUSTER_HEAD, VIDEO, Edit, Layout, Span
from shared.sources import ByteRange
from tests.merging import Sources, merged


def cluster(*, blocks: int = 20, position: int | None = None, previous: int | None = None) -> bytes:
    told = [(ebml.POSITION, position), (ebml.PREVIOUS_SIZE, previous)]
    inside = [ebml.make_number(ebml.TIMESTAMP, 1000, 2), *(ebml.make_number(id_, is_, 4) for id_, is_ in told if is_ is not None)]
    return ebml.make(ebml.CLUSTER, b"".join([*inside, ebml.make(ebml.SIMPLE_BLOCK, b"\x81\0\0\x80" + bytes(90)) * blocks]))


NAMED: Final = cluster(position=77, previous=9)
PASSED: Final = {
    "one cluster": NAMED,
    "a second one": NAMED + cluster(),
    "one that tells the size of the one before it": NAMED + cluster(previous=len(NAMED)),
    "filling and tags": NAMED + b"\xec\x80" + cluster(blocks=1) + ebml.make(ebml.TAGS, bytes(80)) + b"\xec\x82\0\0",
    "tiny ones": NAMED + b"\xec\x80" * 40 + cluster(blocks=0) * 9,
}
CUES: Final = ebml.make(ebml.CUES, bytes(200))
REFUSED: Final = {
    "one that tells its place": (NAMED, cluster(position=4000)),
    "cues": (NAMED, CUES),
    "a table of contents": (NAMED, ebml.make(ebml.SEEK_HEAD, bytes(200))),
    "cues behind a cluster that is not named": (NAMED + cluster(), CUES),
    "half a cluster": (NAMED, cluster()[:-1]),
    "half a header": (NAMED, b"\x1f\x43\xb6"),
    "a cluster of unknown size": (NAMED, b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + bytes(99)),
    "elements without end": (NAMED + b"\xec\x80" * (MAX_PASSING - 1), b"\xec\x80" * 1000),
    "bytes of nothing": (NAMED, bytes(100)),
}


def layout_of(data: bytes, edit: Edit = CLUSTER) -> Layout:
    return Layout(form="webm", own=b"", spans=(Span(VIDEO, 0, len(data), edit, 0x101 if edit == BLOCKS else 0),))


@pytest.mark.parametrize("what", PASSED)
def test_only_the_first_cluster_changes(what: str) -> None:
    data = PASSED[what]
    whole = asyncio.run(merged(layout_of(data), Sources(data, b"")))
    assert whole == data.replace(b"\xa7\x84", b"\xec\x84", 1).replace(b"\xab\x84", b"\xec\x84", 1)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PASSED)), st.integers(1, 300), st.data())
def test_any_range_is_a_part_of_the_whole(what: str, piece: int, data: st.DataObject) -> None:
    clusters = PASSED[what]
    layout, sources = layout_of(clusters), Sources(clusters, b"", chunk=piece)
    whole = asyncio.run(merged(layout, sources))
    start = data.draw(st.integers(0, layout.size - 1))
    end = data.draw(st.integers(start + 1, layout.size))
    assert asyncio.run(merged(layout, sources, ByteRange(start, end))) == whole[start:end]


def passed(data: bytes, edit: Edit, *, piece: int) -> int:
    """How many bytes pass before they are refused."""
    (part,) = layout_of(data, edit).parts(ByteRange(0, len(data)))
    editing = editor(part)
    assert editing
    count = 0
    for at in range(0, len(data), piece):
        try:
            count += len(editing.feed(data[at : at + piece]))
        except Unsupported:
            return count
    pytest.fail("all of it passed")


@pytest.mark.parametrize("piece", [1, 13, 1 << 20])
@pytest.mark.parametrize("what", REFUSED)
def test_nothing_else_passes(what: str, piece: int) -> None:
    before, more = REFUSED[what]
    assert passed(before + more, CLUSTER, piece=piece) < len(before) + min(len(more), CLUSTER_HEAD)


@pytest.mark.parametrize("piece", [1, 1 << 20])
@pytest.mark.parametrize("what", sorted(REFUSED.keys() - {"one that tells its place", "elements without end"}))
def test_the_last_byte_of_sound_is_not_sent_where_it_is_cut(what: str, piece: int) -> None:
    """Its clusters are read from the beginning whatever the range, so that all of them can be changed."""
    before, more = REFUSED[what]
    assert passed(before + more, BLOCKS, piece=piece) < len(before + more)
