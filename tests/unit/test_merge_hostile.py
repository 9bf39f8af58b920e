"""Whatever the bytes of a source are: a named reason or a layout, in bounded time and memory, and never damage without a word."""

import asyncio
import random
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.stream.merge import choice, ebml
from functions.stream.merge.boxes import make, make_full
from functions.stream.merge.choice import Container, Head
from functions.stream.merge.clusters import Renumbering
from functions.stream.merge.errors import Short, Unsupported
from functions.stream.merge.layout import AUDIO, FRAGMENT_HEAD, VIDEO, Layout
from functions.stream.merge.mp4_head import MAX_HEAD, Mp4
from functions.stream.merge.webm import MAX_RENUMBERED
from functions.stream.merge.webm_head import WebM
from shared.problems import ProblemError
from shared.tags import UNTAGGED
from tests.merging import Sources, beginnings_of, content, head_of, layouts, merged

SECONDS = 5.0
"""Far more than any of these takes, even on a busy machine."""

MEMORY = 64 << 20
FILES: list[tuple[str, Container]] = [
    ("h264-bframes.mp4", "mp4"),
    ("aac-edited.mp4", "mp4"),
    ("av1.mp4", "mp4"),
    ("vp9.webm", "webm"),
    ("opus.webm", "webm"),
]
PARTNERS = {
    "h264-bframes.mp4": "aac.mp4",
    "av1.mp4": "aac.mp4",
    "aac-edited.mp4": "h264.mp4",
    "vp9.webm": "opus.webm",
    "opus.webm": "vp9.webm",
}


def outcome(data: bytes, size: int, kind: Container) -> Head | str | int:
    """What becomes of a head: what it says, why not, or how much of it is needed."""
    try:
        return choice.read_head(data, size, kind)
    except Unsupported as error:
        return error.reason
    except Short as short:
        needed = short.needed
    assert len(data) < needed <= min(size, MAX_HEAD)
    return needed


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_a_head_that_is_cut_anywhere(name: str, kind: Container) -> None:
    data = content(name)
    whole = head_of(data, kind)
    chance = random.Random(name)
    for cut in [*range(64), *(chance.randrange(6000) for _ in range(200))]:
        found = outcome(data[:cut], len(data), kind)
        assert isinstance(found, int) or found == whole
        assert isinstance(outcome(data[:cut], cut, kind), str)  # a file that ends there


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(FILES), st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 255)), min_size=1, max_size=6), st.booleans()
)
def test_a_head_with_wrong_bytes(file: tuple[str, Container], changes: list[tuple[int, int]], is_short: bool) -> None:
    name, kind = file
    data = bytearray(content(name)[:100_000])
    for at, value in changes:
        data[at] = value
    began = time.monotonic()
    found = outcome(bytes(data), len(content(name)), kind)
    if isinstance(found, str | int):
        assert time.monotonic() - began < SECONDS
        return
    partner = head_of(content(PARTNERS[name]), kind)
    pair = (found, partner) if partner.kind == "audio" else (partner, found)
    try:
        if is_short and isinstance(found, Mp4):
            sources = [content(PARTNERS[name])] * 2
            sources[int(partner.kind == "video")] = bytes(data) + content(name)[100_000:]
            heads = [head for head in pair if isinstance(head, Mp4)]
            beginnings = [beginnings_of(source, head) for source, head in zip(sources, heads, strict=True)]
            layout = choice.plan_short(heads[0], heads[1], (beginnings[0], beginnings[1]), UNTAGGED)
        else:
            layout = choice.plan(*pair, UNTAGGED)
    except Unsupported:
        pass
    else:
        sizes = {VIDEO: pair[0].size, AUDIO: pair[1].size}
        assert all(span.offset + span.size <= sizes[span.origin] for span in layout.spans[1:])
    assert time.monotonic() - began < SECONDS


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["mp4", "webm"]), st.integers(0, 1 << 40))
def test_anything_at_all(data: bytes, kind: Container, size: int) -> None:
    outcome(data, max(size, len(data)), kind)
    start = {"mp4": b"\0\0\0\x08ftyp", "webm": bytes.fromhex("1a45dfa380 18538067 01000000ffffffff")}[kind]
    outcome(start + data, max(size, len(data) + len(start)), kind)


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


def of_mp4(**changes: bytes) -> bytes:
    """A video's beginning with one box in the place of another; sizes around it are mended where they have to be."""
    data = content("h264.mp4")
    for kind, box in changes.items():
        at = data.index(kind.encode()) - 4
        size = int.from_bytes(data[at : at + 4])
        data = data[:at] + box + data[at + size :]
        if kind != "sidx":
            moov = data.index(b"moov") - 4
            grown = int.from_bytes(data[moov : moov + 4]) + len(box) - size
            data = data[:moov] + grown.to_bytes(4) + data[moov + 4 :]
    return data


def sidx(*references: tuple[int, int, int], count: int | None = None, timescale: int = 90_000) -> bytes:
    listed = len(references) if count is None else count
    body = b"".join(struct.pack(">III", *reference) for reference in references)
    return make_full(b"sidx", 1, 0, struct.pack(">IIQQHH", 1, timescale, 0, 0, 0, listed), body)


def shrunk_traf(data: bytes) -> bytes:
    at = data.index(b"traf") - 4
    size = int.from_bytes(data[at : at + 4])
    return data[:at] + (size - 64).to_bytes(4) + data[at + 4 :]


def first_data(size: int) -> bytes:
    """The data of the first fragment say that they have so many bytes; so many less than they have, if that is below 0."""
    data = content("h264.mp4")
    at = data.index(b"mdat") - 4
    if size < 0:
        size += int.from_bytes(data[at : at + 4])
    return data[:at] + size.to_bytes(4) + data[at + 4 :]


def without_data() -> bytes:
    """The index says that the first fragment ends with its moof."""
    data = content("h264.mp4")
    moof = data.index(b"moof") - 4
    return of_mp4(sidx=sidx((int.from_bytes(data[moof : moof + 4]), 90_000, 0), (len(data) - moof - 2000, 90_000, 0)))


def with_base(data: bytes) -> bytes:
    at = data.index(b"tfhd") + 7
    return data[:at] + bytes([data[at] | 1]) + data[at + 1 :]


def with_segment(size: bytes) -> bytes:
    data = content("vp9.webm")
    at = data.index(bytes.fromhex("18538067")) + 4
    return data[:at] + size + data[at + 8 :]


def cue(when: int, place: int) -> bytes:
    position = ebml.make_number(ebml.CUE_TRACK, 1, 1) + ebml.make_number(ebml.CUE_CLUSTER_POSITION, place, 6)
    return ebml.make(ebml.CUE_POINT, ebml.make_number(ebml.CUE_TIME, when, 5) + ebml.make(ebml.CUE_TRACK_POSITIONS, position))


def cues_of(data: bytes) -> int:
    """Where they are; what points to them names them too."""
    return data.rindex(bytes.fromhex("1c53bb6b"), 0, data.index(bytes.fromhex("1f43b675")))


def without_cues() -> bytes:
    data = content("vp9.webm")
    at = cues_of(data)
    return data[:at] + bytes.fromhex("1254c367") + data[at + 4 :]


def webm_with_cues(body: bytes) -> bytes:
    data = content("vp9.webm")
    at = cues_of(data)
    segment = ebml.header(data, data.index(bytes.fromhex("18538067")))
    assert segment
    return data[:at] + ebml.make(ebml.CUES, body) + data[at : segment.end]


HOSTILE: dict[str, tuple[Container, Callable[[], bytes], str]] = {
    "nested index": ("mp4", lambda: of_mp4(sidx=sidx((1 << 31 | 9000, 90_000, 0))), "nested_index"),
    "no references": ("mp4", lambda: of_mp4(sidx=sidx()), "no_index"),
    "more references than there are": ("mp4", lambda: of_mp4(sidx=sidx((9000, 90_000, 0), count=0xFFFF)), "malformed"),
    "references without size": ("mp4", lambda: of_mp4(sidx=sidx(*[(0, 90_000, 0)] * 100)), "malformed"),
    "references behind the end": ("mp4", lambda: of_mp4(sidx=sidx(*[((1 << 31) - 1, 1, 0)] * 0xFFFF)), "truncated"),
    "no time scale": ("mp4", lambda: of_mp4(sidx=sidx((9000, 90_000, 0), timescale=0)), "malformed"),
    "a file without fragments": ("mp4", lambda: of_mp4(mvex=b""), "no_index"),
    "no index": ("mp4", lambda: of_mp4(sidx=make(b"free")), "no_index"),
    "encrypted": ("mp4", lambda: replaced(content("h264.mp4"), b"avc1\0\0\0\0\0\0\0\x01", b"encv\0\0\0\0\0\0\0\x01"), "encrypted"),
    "protected": ("mp4", lambda: of_mp4(udta=make(b"pssh", bytes(20))), "encrypted"),
    "another handler": ("mp4", lambda: replaced(content("h264.mp4"), b"vide", b"text"), "codecs"),
    "a box to the end": ("mp4", lambda: bytes(4) + content("h264.mp4")[4:], "unknown_size"),
    "a box of two bytes": ("mp4", lambda: b"\0\0\0\2" + content("h264.mp4")[4:], "malformed"),
    "a box larger than any file": ("mp4", lambda: b"\0\0\0\1ftyp" + b"\xff" * 8 + bytes(99), "truncated"),
    "nothing but tiny boxes": ("mp4", lambda: make(b"free") * 300_000, "no_index"),
    "a movie of tiny boxes": ("mp4", lambda: make(b"moov", make(b"free") * 200_000) + content("h264.mp4"), "malformed"),
    "a fragment with an absolute place": (
        "mp4", lambda: replaced(content("h264.mp4"), b"tfhd\0\x02\0", b"tfhd\0\x02\0"[:-1] + b"\0"), "",
    ),
    "a moof that is none": ("mp4", lambda: replaced(content("h264.mp4"), b"moof", b"moov"), "unexpected"),
    "data that end behind their fragment": ("mp4", lambda: first_data(1 << 24), "unexpected"),
    "data that end before their header": ("mp4", lambda: first_data(7), "unexpected"),
    "data that leave four bytes": ("mp4", lambda: first_data(-4), "unexpected"),
    "a moof without data": ("mp4", without_data, "unexpected"),
    "several tracks in a moof": ("mp4", lambda: shrunk_traf(content("h264.mp4")), "several_tracks"),
    "base data offset": ("mp4", lambda: with_base(content("h264.mp4")), "outside_data"),
    "unknown size of the segment": ("webm", lambda: with_segment(b"\x01" + b"\xff" * 7), "unknown_size"),
    "a segment that ends before": ("webm", lambda: with_segment(b"\x01" + (200).to_bytes(7)), "no_index"),
    "a segment that ends behind": ("webm", lambda: with_segment(b"\x01" + (1 << 40).to_bytes(7)), "truncated"),
    "no cues": ("webm", without_cues, "no_index"),
    "cues of nothing": ("webm", lambda: webm_with_cues(b""), "no_index"),
    "cues that go back": ("webm", lambda: webm_with_cues(cue(0, 5000) + cue(9, 4000)), "malformed"),
    "cues into the head": ("webm", lambda: webm_with_cues(cue(0, 1)), "malformed"),
    "cues behind the end": ("webm", lambda: webm_with_cues(cue(0, 1 << 40)), "truncated"),
    "cues without end": ("webm", lambda: webm_with_cues(cue(0, 1) * 100_000), "malformed"),
    "tiny elements": ("webm", lambda: webm_with_cues(b"\xec\x80" * 500_000), "too_large"),
    "another first element": ("webm", lambda: b"\x1a\x45\xdf\xa4" + content("vp9.webm")[4:], "malformed"),
    "zeros": ("webm", lambda: bytes(3_000_000), "malformed"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_a_head_must_not_be(what: str) -> None:
    kind, made, reason = HOSTILE[what]
    data = made()
    tracemalloc.start()
    began = time.monotonic()
    found = outcome(data[: 3 << 20], len(data), kind)
    seconds, memory = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if reason:
        assert found == reason
    else:
        assert not isinstance(found, str)
    assert seconds < SECONDS
    assert memory < MEMORY


def test_more_samples_than_any_memory_holds() -> None:
    """A trun of four thousand million samples that takes twenty bytes."""
    head = head_of(content("h264.mp4"), "mp4")
    assert isinstance(head, Mp4)
    size = head.index.sizes[0]
    tfhd = make_full(b"tfhd", 0, 0x20018, struct.pack(">III", 1, 512, 1))
    trun = make_full(b"trun", 0, 1, struct.pack(">Ii", 0xFFFFFFFF, 100))
    traf = make(b"traf", tfhd, trun)
    data = make(b"moof", make_full(b"mfhd", 0, 0, bytes(4)), traf) + bytes(100)
    beginnings = beginnings_of(content("h264.mp4"), head)
    sound = head_of(content("aac.mp4"), "mp4")
    assert isinstance(sound, Mp4)
    assert size > len(data)
    with pytest.raises(Unsupported) as raised:
        choice.plan_short(head, sound, ([data, *beginnings[1:]], beginnings_of(content("aac.mp4"), sound)), UNTAGGED)
    assert raised.value.reason == "too_large"


def test_time_that_jumps() -> None:
    video, audio = (head_of(content(name), "mp4") for name in ("h264.mp4", "aac.mp4"))
    assert isinstance(video, Mp4)
    assert isinstance(audio, Mp4)
    beginnings = beginnings_of(content("h264.mp4"), video)
    swapped = [beginnings[1], beginnings[0], *beginnings[2:]]
    with pytest.raises(Unsupported):
        choice.plan_short(video, audio, (swapped, beginnings_of(content("aac.mp4"), audio)), UNTAGGED)


@pytest.mark.parametrize(
    ("video", "audio", "reason"),
    [
        ("h264.mp4", "h264-bframes.mp4", "codecs"),
        ("aac.mp4", "h264.mp4", "codecs"),
        ("vp9.webm", "av1.webm", "codecs"),
        ("opus.webm", "vp9.webm", "codecs"),
    ],
)
def test_pairs_that_are_none(video: str, audio: str, reason: str) -> None:
    kind: Container = "webm" if video.endswith("webm") else "mp4"
    with pytest.raises(Unsupported) as raised:
        choice.plan(head_of(content(video), kind), head_of(content(audio), kind), UNTAGGED)
    assert raised.value.reason == reason


def test_unequal_time_scales() -> None:
    other = replaced(content("opus.webm"), bytes.fromhex("2ad7b1830f4240"), bytes.fromhex("2ad7b1830f4241"))
    with pytest.raises(Unsupported) as raised:
        choice.plan(head_of(content("vp9.webm"), "webm"), head_of(other, "webm"), UNTAGGED)
    assert raised.value.reason == "timescales"


def test_sound_whose_cues_are_too_far_apart() -> None:
    """Every range would be read from a cue on: a whole file for one byte of it."""
    data = content("opus.webm")
    head = head_of(data, "webm")
    assert isinstance(head, WebM)

    def plan(size: int, *, number: int = 1) -> Layout:
        sound = replace(head, number=number, chunks=(replace(head.chunks[0], size=size), *head.chunks[1:]))
        return choice.plan(head_of(content("vp9.webm"), "webm"), sound, UNTAGGED)

    assert plan(MAX_RENUMBERED).size > MAX_RENUMBERED
    with pytest.raises(Unsupported) as raised:
        plan(MAX_RENUMBERED + 1)
    assert raised.value.reason == "incomplete_index"
    assert plan(MAX_RENUMBERED + 1, number=2).size > MAX_RENUMBERED  # of which nothing has to be changed


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_blocks_are_renumbered_however_their_bytes_come(data: st.DataObject) -> None:
    head = head_of(content("opus.webm"), "webm")
    assert isinstance(head, WebM)
    chunk = head.chunks[0]
    cluster = content("opus.webm")[chunk.offset : chunk.offset + 3000]
    expected = Renumbering(old=1, new=2).feed(cluster)
    renumbering, made, at = Renumbering(old=1, new=2), b"", 0
    while at < len(cluster):
        step = data.draw(st.integers(1, 300))
        made += renumbering.feed(cluster[at : at + step])
        assert at - 13 < len(made) <= at + step
        at += step
    assert made + renumbering.rest() == expected + cluster[len(expected) :]
    assert made != cluster[: len(made)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=20), st.booleans())
def test_anything_at_all_in_the_place_of_a_cluster(chunks: list[bytes], is_cluster: bool) -> None:
    renumbering = Renumbering(old=1, new=2)
    if is_cluster:
        chunks = [bytes.fromhex("1f43b67501ffff0000000000"), *chunks]
    made = b""
    with suppress(Unsupported):
        for chunk in chunks:
            made += renumbering.feed(chunk)
        made += renumbering.rest()
        assert len(made) == sum(map(len, chunks))


def damages(layout: Layout, form: str) -> Iterator[tuple[int, int, bytes]]:
    """Origin, place and bytes that must not pass: behind the first fragment, whose beginning was read for the plan."""
    for track in (0, 1):
        span = [span for span in layout.spans if span.origin == track][1]
        yield track, span.offset, b"\0" * 8
        if form == "mp4":
            yield track, span.offset + 24, b"\0\0\0\x20"  # traf
            yield track, span.offset + FRAGMENT_HEAD - 5, b"\x01"  # base data offset
    if form == "webm":
        span = [span for span in layout.spans if span.origin == 1][1]
        at = content("opus.webm").index(b"\xa3", span.offset)
        yield 1, at + 3, b"\x83"  # the track of a block, behind a size of two bytes
        yield 1, at, b"\xa8"  # an element that does not belong there


@pytest.mark.parametrize(("video", "audio", "form"), [("h264.mp4", "aac.mp4", "mp4"), ("vp9.webm", "opus.webm", "webm")])
def test_damage_behind_the_head_breaks_the_download(video: str, audio: str, form: Container) -> None:
    (layout, *_) = layouts(content(video), content(audio), form)
    for origin, at, wrong in damages(layout, form):
        files = [content(video), content(audio)]
        files[origin] = files[origin][:at] + wrong + files[origin][at + len(wrong) :]
        with pytest.raises(ProblemError) as raised:
            asyncio.run(merged(layout, Sources(*files)))
        assert raised.value.code == "source_unreadable"
