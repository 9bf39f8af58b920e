"""Merging real media: the bytes of any range, and what players' own readers find in the file."""

import asyncio
import random
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from functions.stream.merge import choice
from functions.stream.merge.clusters import Renumbering
from functions.stream.merge.layout import AUDIO, CLUSTER, VIDEO, Layout
from functions.stream.merge.webm_head import WebM
from shared.sources import ByteRange
from tests.merging import PAIRS, TAGS, Sources, content, layouts, merged, path_of

RANGES = 1000
LONGEST = 100_000
NEAR = 70


CASES = [
    (video, audio, form) for video, audio in PAIRS for form in (("webm",) if video.endswith(".webm") else ("mp4", "progressive"))
]


OF_ITS_OWN = {"h264-negative.mp4": (), "aac-edited.mp4": ("-copyts",), "aac-short.mp4": ("-copyts",)}
"""Sources that FFmpeg reads in another way once they are without fragments, whoever wrote the file; and its options for that.

It shows pictures with negative composition offsets a frame late, but only from fragments: by ISO 14496-12 they begin at 0. And it
tells of sound that an edit list cuts off, as a packet to be discarded, only where there are no fragments.
"""


@cache
def layout_of(video: str, audio: str, form: str) -> Layout:
    made = layouts(content(video), content(audio), "webm" if form == "webm" else "mp4", TAGS)
    return next(layout for layout in made if layout.form == form)


@cache
def merged_of(video: str, audio: str, form: str) -> bytes:
    return asyncio.run(merged(layout_of(video, audio, form), Sources(content(video), content(audio))))


def some_ranges(layout: Layout) -> Iterator[ByteRange]:
    """Anywhere, and often near the edges of spans."""
    chance = random.Random(layout.size)
    edges = [0]
    for span in layout.spans:
        edges.append(edges[-1] + span.size)
    for _ in range(RANGES):
        start = chance.randrange(layout.size)
        if chance.random() < 0.4:
            start = min(max(0, chance.choice(edges) + chance.randint(-NEAR, NEAR)), layout.size - 1)
        yield ByteRange(start, min(layout.size, start + chance.choice([1, 10, 100, 1000, LONGEST])))


@pytest.mark.parametrize(("video", "audio", "form"), CASES)
def test_any_range_is_a_part_of_the_whole(video: str, audio: str, form: str) -> None:
    layout, whole = layout_of(video, audio, form), merged_of(video, audio, form)
    assert len(whole) == layout.size

    async def check() -> None:
        sources = Sources(content(video), content(audio))
        for wanted in some_ranges(layout):
            assert await merged(layout, sources, wanted) == whole[wanted.start : wanted.end], wanted

    asyncio.run(check())


@pytest.mark.parametrize(("video", "audio", "form"), CASES)
async def test_each_source_is_read_once_and_little_that_is_not_used(video: str, audio: str, form: str) -> None:
    layout, sources = layout_of(video, audio, form), Sources(content(video), content(audio))
    await merged(layout, sources)
    assert [origin for origin, _ in sources.asked] == [VIDEO, AUDIO]
    read = sum(asked.length for _, asked in sources.asked)
    used = sum(span.size for span in layout.spans[1:])
    assert used <= read <= 1.02 * used
    # Less is more than that only where a cluster of sound has to be read from its beginning.
    longest = max(span.size for span in layout.spans if span.origin == AUDIO) if form == "webm" else 20_000
    for wanted in list(some_ranges(layout))[:100]:
        sources = Sources(content(video), content(audio))
        await merged(layout, sources, wanted)
        assert sum(asked.length for _, asked in sources.asked) <= wanted.length + longest + 200


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed (package ffmpeg)")
@pytest.mark.parametrize(("video", "audio", "form"), CASES)
def test_ffmpeg_finds_the_packets_of_the_sources(video: str, audio: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"merged{Path(video).suffix}"
    path.write_bytes(merged_of(video, audio, form))
    assert run("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-") == ""
    for source, stream in ((video, "v:0"), (audio, "a:0")):
        expected, found = packets(path_of(source), stream), packets(path, stream)
        if form == "progressive" and source in OF_ITS_OWN:
            expected = packets(without_fragments(source, tmp_path), stream)
        assert found == expected
    assert abs(duration(path) - max(duration(path_of(video)), duration(path_of(audio)))) < 0.05


@pytest.mark.skipif(shutil.which("mkvmerge") is None, reason="mkvmerge is not installed (package mkvtoolnix)")
@pytest.mark.parametrize(("video", "audio", "form"), CASES)
def test_mkvmerge_accepts_it(video: str, audio: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"merged{Path(video).suffix}"
    path.write_bytes(merged_of(video, audio, form))
    assert run("mkvmerge", "--quiet", "-o", tmp_path / "copy.mkv", path) == ""


@pytest.mark.skipif(shutil.which("mkvmerge") is None, reason="mkvmerge is not installed (package mkvtoolnix)")
@pytest.mark.parametrize("form", ["mp4", "progressive"])
def test_another_reader_finds_the_times_of_the_source(form: str, tmp_path: Path) -> None:
    """Where FFmpeg sees a frame's difference between fragments and none, there is no difference."""
    path = tmp_path / "merged.mp4"
    path.write_bytes(merged_of("h264-negative.mp4", "aac-longer.mp4", form))
    found = []
    for source in (path_of("h264-negative.mp4"), path):
        copy = tmp_path / "copy.mkv"
        assert run("mkvmerge", "--quiet", "-o", copy, "--no-audio", source) == ""
        found.append(packets.__wrapped__(copy, "v:0"))
    assert found[0] == found[1]
    assert found[0][0].startswith("0,")


def test_the_choice_is_by_the_number_of_fragments() -> None:
    few = [choice.read_head(content(name), len(content(name)), "mp4") for name in ("h264-long.mp4", "aac-long.mp4")]
    assert choice.is_short(*few)
    clusters = [choice.read_head(content(name), len(content(name)), "webm") for name in ("vp9.webm", "opus.webm")]
    assert not choice.is_short(*clusters)


def run(*command: str | Path) -> str:
    """What a program says; it must not fail."""
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return done.stderr + (done.stdout if command[0] == "mkvmerge" else "")


@cache
def packets(path: Path, stream: str) -> list[str]:
    """Time, flags and sum of every packet, as ffprobe tells them."""
    entries = ["-show_entries", "packet=pts,dts,flags,data_hash", "-show_data_hash", "md5", "-of", "csv=p=0"]
    command = ["ffprobe", "-v", "error", "-select_streams", stream, *entries, str(path)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.replace(",\n,", ",").splitlines()
    assert len(lines) > 50
    return lines


def without_fragments(source: str, folder: Path) -> Path:
    """What FFmpeg itself makes of the same source."""
    path = folder / f"remuxed-{source}"
    run("ffmpeg", "-v", "error", "-y", "-i", path_of(source), *OF_ITS_OWN[source], "-c", "copy", path)
    return path


@cache
def duration(path: Path) -> float:
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_sound_that_is_already_the_second_track_passes_as_it_is() -> None:
    video, audio = content("vp9.webm"), content("opus.webm")
    head = choice.read_head(audio[:20_000], len(audio), "webm")
    assert isinstance(head, WebM)
    first = head.chunks[0].offset
    number_at = audio.index(head.entry) + head.number_at[0]
    renumbered = audio[:number_at] + b"\x02" + audio[number_at + 1 : first] + Renumbering(old=1, new=2).feed(audio[first:])
    (layout,) = layouts(video, renumbered, "webm", TAGS)
    assert {span.edit for span in layout.spans if span.origin == AUDIO} == {CLUSTER}
    assert asyncio.run(merged(layout, Sources(video, renumbered))) == merged_of("vp9.webm", "opus.webm", "webm")
