"""What is read from the store is a layout that two files can have, or nothing."""

import random
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.stream.merge.kept import packed, unpacked
from functions.stream.merge.layout import AUDIO, BLOCKS, FRAGMENT, OWN, VIDEO, Layout, Span
from tests.merging import content, layouts

SIZES = (1000, 500)
GOOD = Layout(
    form="mp4",
    own=b"the head",
    spans=(Span(OWN, 0, 8), Span(VIDEO, 10, 490, FRAGMENT, 1), Span(AUDIO, 0, 500), Span(VIDEO, 500, 500)),
)


def end(span: Span) -> int:
    return span.offset + span.size


@pytest.mark.parametrize("pair", [("h264-bframes.mp4", "aac-edited.mp4"), ("av1.mp4", "aac.mp4")])
def test_real_ones_are_read_as_they_were(pair: tuple[str, str]) -> None:
    video, audio = map(content, pair)
    for layout in layouts(video, audio, "mp4"):
        assert unpacked(packed(layout), (len(video), len(audio))) == layout
        first, second = (max(end(span) for span in layout.spans if span.origin == track) for track in (VIDEO, AUDIO))
        assert unpacked(packed(layout), (first, second)) == layout
        assert unpacked(packed(layout), (first - 1, second)) is unpacked(packed(layout), (first, second - 1)) is None
    assert unpacked(packed(GOOD), SIZES) == GOOD


@pytest.mark.parametrize(
    "spans",
    [
        (),
        (Span(VIDEO, 0, 10),),
        (Span(OWN, 0, 9),),
        (Span(OWN, 0, 8), Span(VIDEO, 0, 1001)),
        (Span(OWN, 0, 8), Span(AUDIO, 500, 1)),
        (Span(OWN, 0, 8), Span(VIDEO, -1, 10)),
        (Span(OWN, 0, 8), Span(VIDEO, 5, 0)),
        (Span(OWN, 0, 8), Span(VIDEO, 5, -5)),
        (Span(OWN, 0, 8), Span(VIDEO, 0, 10), Span(VIDEO, 9, 10)),
        (Span(OWN, 0, 8, FRAGMENT, 1),),
        (Span(OWN, 0, 8), Span(VIDEO, 0, 100, FRAGMENT, 1 << 32)),
        (Span(OWN, 0, 8), Span(VIDEO, 0, 100, FRAGMENT, -1)),
        (Span(OWN, 0, 8), Span(AUDIO, 0, 100, BLOCKS, 2)),
    ],
    ids=str,
)
def test_spans_that_no_file_has(spans: tuple[Span, ...]) -> None:
    assert unpacked(packed(replace(GOOD, spans=spans)), SIZES) is None


@pytest.mark.parametrize(
    "value",
    [None, {}, [], {"form": "x", "own": b"a", "spans": [[2, 0, 1]]}, {"form": "mp4", "own": b"a", "spans": [[3, 0, 1, 0, 0]]}],
)
def test_what_is_no_layout(value: Any) -> None:
    assert unpacked(zlib.compress(msgspec.msgpack.encode(value)), SIZES) is None


@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    assert unpacked(data, SIZES) is None


def test_damage_anywhere() -> None:
    good, chance = packed(GOOD), random.Random(1)
    for at in range(len(good)):
        damaged = good[:at] + bytes([good[at] ^ chance.randrange(1, 256)]) + good[at + 1 :]
        assert unpacked(damaged, SIZES) in {None, GOOD}
        assert unpacked(good[:at], SIZES) is None


def test_nothing_grows_beyond_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    length = len(msgspec.msgpack.encode(GOOD))
    monkeypatch.setattr("functions.stream.merge.kept.MAX_BYTES", length)
    assert unpacked(packed(GOOD), SIZES) == GOOD
    monkeypatch.setattr("functions.stream.merge.kept.MAX_BYTES", length - 1)
    assert unpacked(packed(GOOD), SIZES) is None
