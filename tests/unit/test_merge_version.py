"""The bytes of a layout are part of what a link promises: where they change, so must ``LAYOUT_VERSION``.

So must it where another one is chosen: what that depends on is listed here, for no small file shows it.
"""

import hashlib
import struct

import msgspec
import pytest
from msgspec.structs import replace

from functions.stream.merge import choice, ebml, layouts, moof, progressive, samples
from functions.stream.merge.boxes import make, make_full
from functions.stream.merge.choice import Container
from functions.stream.merge.layout import AUDIO, VIDEO, Layout
from functions.stream.merge.mp4_head import Mp4
from shared.merges import LAYOUT_VERSION, merged_version, versioned
from shared.sources import Identity
from shared.tags import UNTAGGED, Chapter, Tags
from shared.urls import Video
from tests.merging import TAGS, beginnings_of, head_of
from tests.results import media, merge, sound

FRAGMENTS = 4
SAMPLES = 10
PER_SECOND = 4
"""Samples: a fragment has two and a half seconds, and is cut."""

SIZE = 100
"""Bytes of a sample."""


def mp4(*, handler: bytes, codec: bytes, scale: int, step: int) -> bytes:
    """A file like YouTube's, the same everywhere."""
    clock = struct.pack(">IIII", 0, 0, scale, 0)
    media = make(
        b"mdia",
        make_full(b"mdhd", 0, 0, clock, bytes(4)),
        make_full(b"hdlr", 0, 0, bytes(4), handler, bytes(13)),
        make(b"minf", make(b"stbl", make_full(b"stsd", 0, 0, struct.pack(">I", 1), make(codec, bytes(70))))),
    )
    edits = make(b"edts", make_full(b"elst", 0, 0, struct.pack(">IIiI", 1, 0, step, 0x10000)))
    moov = make(
        b"moov",
        make_full(b"mvhd", 0, 0, struct.pack(">IIII", 1, 2, 1000, 0), bytes(80)),
        make(b"trak", make_full(b"tkhd", 0, 3, struct.pack(">IIIII", 0, 0, 1, 0, 0), bytes(60)), edits, media),
        make(b"mvex", make_full(b"trex", 0, 0, struct.pack(">5I", 1, 1, step, SIZE, 0x10000))),
    )
    fragments = [fragment(number, step) for number in range(FRAGMENTS)]
    references = b"".join(struct.pack(">III", len(one), SAMPLES * step, 0x90000000) for one in fragments)
    index = make_full(b"sidx", 0, 0, struct.pack(">IIIIHH", 1, scale, 0, 0, 0, FRAGMENTS), references)
    return make(b"ftyp", b"dash") + moov + index + b"".join(fragments)


def fragment(number: int, step: int) -> bytes:
    tfhd = make_full(b"tfhd", 0, 0x20000, struct.pack(">I", 1))
    tfdt = make_full(b"tfdt", 1, 0, struct.pack(">Q", number * SAMPLES * step))
    shifts = struct.pack(f">{SAMPLES}i", *([step, -step] * (SAMPLES // 2)))
    traf = [tfhd, tfdt, make_full(b"trun", 1, 0x805, struct.pack(">IiI", SAMPLES, 0, 0), shifts)]
    size = len(make(b"moof", make_full(b"mfhd", 0, 0, bytes(4)), make(b"traf", *traf)))
    traf[2] = make_full(b"trun", 1, 0x805, struct.pack(">IiI", SAMPLES, size + 8, 0), shifts)
    moof = make(b"moof", make_full(b"mfhd", 0, 0, struct.pack(">I", number)), make(b"traf", *traf))
    return moof + make(b"mdat", bytes(SAMPLES * SIZE))


def webm(*, kind: int, codec: bytes) -> bytes:
    def number(id_: int, value: int) -> bytes:
        return ebml.make_number(id_, value, 4)

    info = ebml.make(ebml.INFO, number(ebml.TIMESTAMP_SCALE, 1_000_000) + ebml.make(ebml.DURATION, struct.pack(">f", 8000)))
    entry = (
        number(ebml.TRACK_NUMBER, 1) + number(ebml.TRACK_UID, 9) + number(ebml.TRACK_TYPE, kind) + ebml.make(ebml.CODEC_ID, codec)
    )
    before = info + ebml.make(ebml.TRACKS, ebml.make(ebml.TRACK_ENTRY, entry))
    block = ebml.make(ebml.SIMPLE_BLOCK, b"\x81\0\0\x80" + bytes(SIZE))
    clusters = [
        ebml.make(ebml.CLUSTER, number(ebml.TIMESTAMP, 2000 * which) + number(ebml.POSITION, 77) + block * SAMPLES)
        for which in range(FRAGMENTS)
    ]

    def cues(at: int) -> bytes:
        points = [
            ebml.make(
                ebml.CUE_POINT,
                number(ebml.CUE_TIME, 2000 * which)
                + ebml.make(ebml.CUE_TRACK_POSITIONS, number(ebml.CUE_CLUSTER_POSITION, at + len(clusters[0]) * which)),
            )
            for which in range(FRAGMENTS)
        ]
        return ebml.make(ebml.CUES, b"".join(points))

    head = before + cues(len(before) + len(cues(0)))
    return ebml.make(ebml.EBML, b"") + ebml.make(ebml.SEGMENT, head + b"".join(clusters), size_length=8)


def layout_of(form: str, tags: Tags) -> Layout:
    if form == "webm":
        files = [webm(kind=1, codec=b"V_VP9"), webm(kind=2, codec=b"A_OPUS")]
    else:
        files = [
            mp4(handler=b"vide", codec=b"avc1", scale=90_000, step=90_000 // PER_SECOND),
            mp4(handler=b"soun", codec=b"mp4a", scale=48_000, step=48_000 // PER_SECOND),
        ]
    kind: Container = "webm" if form == "webm" else "mp4"
    heads = [head_of(file, kind) for file in files]
    if form != "progressive":
        return choice.plan(heads[0], heads[1], tags)
    tracks = [head for head in heads if isinstance(head, Mp4)]
    beginnings = [beginnings_of(file, track) for file, track in zip(files, tracks, strict=True)]
    return choice.plan_short(tracks[0], tracks[1], (beginnings[0], beginnings[1]), tags)


@pytest.mark.parametrize(
    ("form", "digest"),
    [("mp4", "cc60d1abe366ec61"), ("progressive", "b74a3db9f7150123"), ("webm", "df6f79ce9aa5b8f1")],
)
def test_the_bytes_of_a_layout_change_only_with_its_version(form: str, digest: str) -> None:
    layout = layout_of(form, TAGS)
    assert layout.form == form
    assert LAYOUT_VERSION == 2
    assert hashlib.sha256(msgspec.msgpack.encode(layout)).hexdigest()[:16] == digest


def test_what_is_chosen_changes_only_with_the_version() -> None:
    assert LAYOUT_VERSION == 2
    assert choice.MAX_FRAGMENTS == 192
    assert sorted(layouts.INSTEAD) == ["discontinuous", "sparse", "too_large"]
    assert samples.MAX_SAMPLES == 200_000
    assert moof.MAX_SAMPLES == 20_000
    assert samples.CHUNK_SECONDS == 1
    assert progressive._SPARE == 64 * 1024
    assert progressive._LARGE == (1 << 32) - (1 << 26)


def test_a_second_of_each_track_in_turn() -> None:
    cut = [PER_SECOND * SIZE, PER_SECOND * SIZE, (SAMPLES - 2 * PER_SECOND) * SIZE]
    spans = layout_of("progressive", UNTAGGED).spans[1:]
    for track in (VIDEO, AUDIO):
        assert [span.size for span in spans if span.origin == track] == cut * FRAGMENTS
    assert [span.origin for span in spans] == [VIDEO, AUDIO] * (len(cut) * FRAGMENTS)


def test_what_the_version_of_a_merged_file_depends_on() -> None:
    video = Identity(itag="137", xtags="", lmt=1, size=10).version("a" * 11, "137")
    audio = Identity(itag="140", xtags="lang=en", lmt=2, size=20).version("a" * 11, "140")
    version = merged_version(video, audio, UNTAGGED)
    assert version == "e9734ed04ab01ccb"
    assert merged_version(video, audio, TAGS) == "d720a9fdb9c22f7e"
    others = [
        TAGS,
        Tags(title="x"),
        Tags(artist="x"),
        Tags(date="x"),
        Tags(url="x"),
        Tags(chapters=(Chapter("x", 0),)),
        Tags(chapters=(Chapter("x", 1),)),
    ]
    found = {merged_version(video, audio, tags) for tags in others}
    assert len(found | {version, merged_version(audio, video, UNTAGGED), merged_version(video, video, UNTAGGED)}) == len(others) + 3


def test_a_result_gets_the_versions_of_its_merges_from_its_formats() -> None:
    found = media(Video("a" * 11))
    some = [replace(sound(name), version=version) for name, version in (("137", "1" * 16), ("18", None))]
    formats = replace(found.formats, video_only=some, audio_only=[sound("140")])
    merges = [replace(merge("137", "140"), version="of an earlier program"), merge("18", "140"), merge("137", "gone")]
    known = versioned(replace(found, formats=formats, merges=merges), TAGS)
    assert [one.version for one in known.merges] == [merged_version("1" * 16, "0123456789abcdef", TAGS), None, None]
