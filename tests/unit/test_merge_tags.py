"""What the merged file says of itself, as readers of other people find it, and any text as it is written."""

import asyncio
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.stream.merge import ebml
from functions.stream.merge.boxes import Box, boxes, children, header, one
from functions.stream.merge.choice import Container
from functions.stream.merge.layout import Layout
from shared.tags import MAX_BYTES, MAX_CHAPTER_BYTES, MAX_CHAPTERS, UNTAGGED, Chapter, Tags, plain
from tests.merging import TAGS, Sources, content, layouts, merged
from tests.unit.test_merge_version import layout_of

FORMS = ["mp4", "progressive", "webm"]
FULL = Tags(
    title="题" * (MAX_BYTES // 3),
    artist="🎬" * (MAX_BYTES // 4),
    date="2026-05-04",
    url=TAGS.url,
    chapters=tuple(Chapter(("章" * 85)[: 85 - number % 3], 100 * number) for number in range(MAX_CHAPTERS)),
)


@cache
def files_of(form: str) -> tuple[bytes, bytes, Container]:
    if form == "webm":
        return content("vp9.webm"), content("opus.webm"), "webm"
    return content("h264-bframes.mp4"), content("aac-edited.mp4"), "mp4"


@cache
def tagged(form: str, tags: Tags) -> tuple[Layout, bytes]:
    """The layout, and the whole file."""
    video, audio, kind = files_of(form)
    layout = next(layout for layout in layouts(video, audio, kind, tags) if layout.form == form)
    return layout, asyncio.run(merged(layout, Sources(video, audio, chunk=1 << 20)))


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def written(data: bytes, form: str, folder: Path) -> Path:
    path = folder / f"merged.{'webm' if form == 'webm' else 'mp4'}"
    path.write_bytes(data)
    return path


def run(*command: str | Path) -> str:
    """What a program says; it must not fail."""
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def probed(path: Path) -> dict[str, Any]:
    found = run("ffprobe", "-v", "error", "-show_format", "-show_chapters", "-show_streams", "-of", "json", path)
    return dict(json.loads(found))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed (package ffmpeg)")
@pytest.mark.parametrize("tags", [TAGS, FULL], ids=["some", "full"])
def test_ffprobe_shows_tags_and_chapters(form: str, tags: Tags, tmp_path: Path) -> None:
    layout, data = tagged(form, tags)
    assert len(data) == layout.size
    found = probed(written(data, form, tmp_path))
    said = {name.lower(): text for name, text in found["format"]["tags"].items()}
    date = said["date_released" if form == "webm" else "date"]
    assert (said["title"], said["artist"], date, said["comment"]) == (tags.title, tags.artist, tags.date, tags.url)
    shown = found["chapters"]
    assert [(one.get("tags", {}).get("title", ""), round(float(one["start_time"]) * 1000)) for one in shown] == [
        (chapter.title, chapter.start) for chapter in tags.chapters
    ]
    ends = [float(one["end_time"]) for one in shown]
    assert ends[:-1] == [chapter.start / 1000 for chapter in tags.chapters[1:]]
    assert abs(ends[-1] - float(found["format"]["duration"])) < 0.05
    assert [stream["codec_type"] for stream in found["streams"]] == ["video", "audio"]


@pytest.mark.skipif(shutil.which("mkvmerge") is None, reason="mkvmerge is not installed (package mkvtoolnix)")
@pytest.mark.parametrize("tags", [TAGS, FULL], ids=["some", "full"])
def test_mkvmerge_takes_them_over(form: str, tags: Tags, tmp_path: Path) -> None:
    path = written(tagged(form, tags)[1], form, tmp_path)
    copy = tmp_path / "copy.mkv"
    assert run("mkvmerge", "--quiet", "-o", copy, path) == ""
    found = json.loads(run("mkvmerge", "-J", copy))
    assert found["warnings"] == found["errors"] == []
    assert [some["num_entries"] for some in found["chapters"]] == [len(tags.chapters)]
    if form == "webm":  # of MP4 it takes nothing but chapters
        assert found["container"]["properties"]["title"] == tags.title
        assert [some["num_entries"] for some in found["global_tags"]] == [3]


def test_media_are_where_they_were_and_as_they_were(form: str) -> None:
    """Tags change nothing but the beginning, the places told in it, and what follows from them."""
    (bare, before), (layout, data) = tagged(form, UNTAGGED), tagged(form, TAGS)
    assert layout.spans[1:] == bare.spans[1:]
    assert data[len(layout.own) :] == before[len(bare.own) :]
    assert len(data) - len(before) == len(layout.own) - len(bare.own) > 0


def test_the_index_of_the_first_fragment_is_still_the_last(tmp_path: Path) -> None:
    """FFmpeg takes an index for complete only if nothing lies between it and its first fragment."""
    own = tagged("mp4", TAGS)[0].own
    found = boxes(own, 0, len(own))
    assert [box.kind for box in found] == [b"ftyp", b"moov", b"sidx", b"sidx"]
    firsts = [int.from_bytes(own[box.body + 20 : box.body + 28]) for box in found[2:]]
    assert firsts[0] > 0 == firsts[1]


texts = st.text(max_size=120)
any_tags = st.builds(
    lambda title, artist, date, url, marks: Tags(
        title=plain(title, MAX_BYTES),
        artist=plain(artist, MAX_BYTES),
        date=date,
        url=url,
        chapters=tuple(Chapter(plain(text, MAX_CHAPTER_BYTES), start) for start, text in sorted(marks.items())),
    ),
    texts,
    texts,
    st.sampled_from(["", "2026-05-04"]),
    st.sampled_from(["", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"]),
    st.dictionaries(st.integers(0, (1 << 40) - 1), texts, max_size=MAX_CHAPTERS),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(tags=any_tags)
def test_any_text_reads_back_and_the_size_is_exact(form: str, tags: Tags) -> None:
    layout = layout_of(form, tags)
    assert layout.spans[0].size == len(layout.own)
    assert read_back(form, layout.own) == tags


def read_back(form: str, own: bytes) -> Tags:
    return from_webm(own) if form == "webm" else from_mp4(own)


def from_mp4(own: bytes) -> Tags:
    movie = children(own, header(own, header(own, 0).end))
    data = next((box for box in movie if box.kind == b"udta"), None)
    inside = {box.kind: box for box in children(own, data)} if data else {}
    said = texts_of(own, inside.get(b"meta"))
    marks: list[Chapter] = []
    if b"chpl" in inside:
        at = inside[b"chpl"].body + 9
        for _ in range(own[at - 1]):
            start, length = int.from_bytes(own[at : at + 8]), own[at + 8]
            marks.append(Chapter(own[at + 9 : at + 9 + length].decode(), start // 10_000))
            at += 9 + length
        assert at == inside[b"chpl"].end
    return Tags(
        title=said.get(b"\xa9nam", ""),
        artist=said.get(b"\xa9ART", ""),
        date=said.get(b"\xa9day", ""),
        url=said.get(b"\xa9cmt", ""),
        chapters=tuple(marks),
    )


def texts_of(own: bytes, meta: Box | None) -> dict[bytes, str]:
    if meta is None:
        return {}
    items = children(own, one(boxes(own, meta.body + 4, meta.end), b"ilst"))
    return {item.kind: own[one(children(own, item), b"data").body + 8 : item.end].decode() for item in items}


def from_webm(own: bytes) -> Tags:
    """By the places that the beginning tells; behind each of them the element is complete."""
    start = ebml.header(own, 0)
    assert start is not None
    segment = ebml.header(own, start.end)
    assert segment is not None
    first = ebml.header(own, segment.body)
    assert first is not None
    places = {}
    for seek in ebml.children(own, first):
        id_, place = (ebml.number(own, element) for element in ebml.children(own, seek))
        element = ebml.header(own, segment.body + place)
        assert element is not None
        assert (element.id, element.end <= len(own)) == (id_, True)
        places[id_] = element
    assert list(places) == [id_ for id_ in (ebml.INFO, ebml.TRACKS, ebml.CHAPTERS, ebml.TAGS, ebml.CUES) if id_ in places]
    assert places[ebml.CUES].end == len(own)
    said = {}
    for simple in all_of(own, places.get(ebml.TAGS), 0x7373, 0x67C8):
        named, text = (one for one in ebml.children(own, simple) if one.id in {0x45A3, 0x4487})
        said[own[named.body : named.end].decode()] = own[text.body : text.end].decode()
    marks = []
    for number, atom in enumerate(all_of(own, places.get(ebml.CHAPTERS), 0x45B9, 0xB6), start=1):
        inside = {element.id: element for element in ebml.children(own, atom)}
        display = {element.id: element for element in ebml.children(own, inside[0x80])}
        assert ebml.number(own, inside[0x73C4]) == number
        title = own[display[0x85].body : display[0x85].end].decode()
        marks.append(Chapter(title, ebml.number(own, inside[0x91]) // 1_000_000))
    titles = [own[one.body : one.end].decode() for one in ebml.children(own, places[ebml.INFO]) if one.id == ebml.TITLE]
    return Tags(
        title="".join(titles),
        artist=said.get("ARTIST", ""),
        date=said.get("DATE_RELEASED", ""),
        url=said.get("COMMENT", ""),
        chapters=tuple(marks),
    )


def all_of(own: bytes, element: ebml.Element | None, *path: int) -> list[ebml.Element]:
    """The elements at the end of a path of ids."""
    found = [] if element is None else [element]
    for id_ in path:
        found = [inner for outer in found for inner in ebml.children(own, outer) if inner.id == id_]
    return found
