"""What a merged file says of itself, from whatever an analysis found."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.stream.merge.mp4_tags import udta
from shared.schemas import Channel, Media
from shared.schemas import Chapter as Listed
from shared.tags import (
    MAX_BYTES,
    MAX_CHAPTER_BYTES,
    MAX_CHAPTER_START,
    MAX_CHAPTERS,
    UNTAGGED,
    Chapter,
    Tags,
    is_sound,
    plain,
    tags_of,
)
from shared.urls import Video
from tests.results import media

FOUND = media(Video("dQw4w9WgXcQ"))


def found(**changes: object) -> Media:
    return replace(FOUND, **changes)


def chapters(*some: tuple[str, float], duration: float | None = 60) -> list[tuple[str, int]]:
    listed = [Listed(title=title, start=start, end=None) for title, start in some]
    return [(chapter.title, chapter.start) for chapter in tags_of(found(chapters=listed, duration=duration)).chapters]


def test_what_an_analysis_found() -> None:
    late = datetime(2026, 5, 4, 23, 30, tzinfo=timezone(timedelta(0)))
    assert tags_of(found(channel=Channel(name=" 频道 ", id=None, url=None), published_at=late)) == Tags(
        title="标题 🎬", artist="频道", date="2026-05-04", url="https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    )
    assert tags_of(found(published_at=datetime(987, 1, 2, tzinfo=UTC))).date == "0987-01-02"
    assert tags_of(FOUND).artist == tags_of(FOUND).date == ""


def test_chapters_are_in_order_and_within_the_video() -> None:
    assert chapters(("b", 30.0), ("a", 0), ("late", 60), ("c", 59.9991), ("before", -1), ("none", float("nan"))) == [
        ("a", 0),
        ("b", 30_000),
        ("c", 59_999),
    ]
    assert chapters(("b", 1), ("a", 1), ("c", 1.0004)) == [("a", 1000)]
    assert chapters(("a", 1e300), ("b", 1e9), duration=None) == [("b", 10**12)]
    assert len(chapters(*((str(number), number / 10) for number in range(400)))) == MAX_CHAPTERS


def test_text_is_one_line_of_what_can_be_seen() -> None:
    assert plain("\x00a\r\n\tb\u2028c\u202e\u200b\ufeff d\ud800\uffff\x85", 100) == "a b c d"
    england = "🏴󠁧󠁢󠁥󠁮󠁧󠁿"
    assert plain(f"{england} 👩‍🚀 می‌خواهم", 100) == f"{england} 👩‍🚀 می‌خواهم"
    assert plain(england * 2, len(england.encode()) * 2 - 1) == england
    assert plain("标题", 5) == "标"


@given(st.text(), st.integers(0, 50))
def test_any_text_fits(text: str, room: int) -> None:
    made = plain(text, room)
    assert len(made.encode()) <= room
    assert made == plain(made, room)
    assert all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in made)


@given(
    title=st.text(max_size=500),
    some=st.lists(st.tuples(st.text(max_size=300), st.floats()), max_size=20),
    duration=st.none() | st.floats(0, 1e9),
)
def test_any_result_has_tags(title: str, some: list[tuple[str, float]], duration: float | None) -> None:
    listed = [Listed(title=text, start=start, end=None) for text, start in some]
    tags = tags_of(found(title=title, chapters=listed, duration=duration))
    assert len(tags.title.encode()) <= MAX_BYTES
    assert all(len(chapter.title.encode()) <= MAX_CHAPTER_BYTES for chapter in tags.chapters)
    starts = [chapter.start for chapter in tags.chapters]
    assert starts == sorted(set(starts))
    assert msgspec.json.decode(msgspec.json.encode(tags), type=Tags) == tags
    assert is_sound(tags)


def test_what_every_kind_of_file_can_say() -> None:
    full = Tags(
        title="标" * 133 + "!",
        chapters=tuple(Chapter("标" * 85, start) for start in [*range(MAX_CHAPTERS - 1), MAX_CHAPTER_START - 1]),
    )
    assert is_sound(UNTAGGED)
    assert is_sound(full)
    assert udta(full)  # where a chapter's title, and how many there are, is told in one byte


@pytest.mark.parametrize(
    "tags",
    [
        *(replace(UNTAGGED, **{name: "标" * 134}) for name in ("title", "artist", "date", "url")),
        Tags(chapters=(Chapter("标" * 86, 0),)),
        Tags(chapters=tuple(Chapter("", start) for start in range(MAX_CHAPTERS + 1))),
        Tags(chapters=(Chapter("", 5), Chapter("", 5))),
        Tags(chapters=(Chapter("", -1),)),
        Tags(chapters=(Chapter("", MAX_CHAPTER_START),)),
    ],
    ids=str,
)
def test_what_some_file_cannot_say(tags: Tags) -> None:
    assert not is_sound(tags)


def test_the_digest_is_of_everything() -> None:
    """It is part of what links promise: these are for ever."""
    assert UNTAGGED.digest == "bfb725de01274710"
    assert Tags(title="标题", artist="a", date="d", url="u", chapters=(Chapter("c", 1),)).digest == "4ffa7063b7fd0dde"
