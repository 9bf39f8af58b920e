"""What a merged file says of itself: title, channel, day, link and chapters. Pure.

They are part of its bytes, so they are bounded, and of each video the store keeps all that links may have been made with: YouTube
tries titles out on people and translates them, and a download goes on whatever the title is today.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Final

import msgspec
from msgspec import Struct

from shared.schemas import Media
from shared.text import EMOJI_TAGS, JOINER, cut
from shared.urls import Video

MAX_BYTES: Final = 400
"""UTF-8 bytes of a title or a name: YouTube allows a hundred characters."""

MAX_CHAPTERS: Final = 255
MAX_CHAPTER_BYTES: Final = 255
"""What MP4 can say: the number of its chapters, and the length of each title, are one byte."""

MAX_CHAPTER_START: Final = 1 << 40
"""Milliseconds; thirty years."""

_NON_JOINER: Final = "\u200c"
_NONCHARACTER: Final = 0xFFFE
_ENCODER: Final = msgspec.json.Encoder()


class Chapter(Struct, frozen=True):
    """It ends where the next one begins, the last one with the video; ``start`` in milliseconds."""

    title: str
    start: int


class Tags(Struct, frozen=True, kw_only=True, dict=True):
    """Nothing is known of what is empty; ``date`` is ``2026-05-04``; chapters in order, no two at one moment."""

    title: str = ""
    artist: str = ""
    date: str = ""
    url: str = ""
    chapters: tuple[Chapter, ...] = ()

    @cached_property
    def digest(self) -> str:
        """16 hex digits."""
        return hashlib.sha256(_ENCODER.encode(self)).hexdigest()[:16]


UNTAGGED: Final = Tags()
"""Where nothing is known."""


def tags_of(media: Media) -> Tags:
    """What an analysis found, as far as it fits."""
    length = MAX_CHAPTER_START if media.duration is None else round(media.duration * 1000)
    starts = ((chapter.start, chapter.title) for chapter in media.chapters)
    return Tags(
        title=plain(media.title, MAX_BYTES),
        artist=plain(media.channel.name or "", MAX_BYTES),
        date="" if media.published_at is None else media.published_at.date().isoformat(),
        url=Video(media.media_id).url,
        chapters=tuple(_chapters(starts, min(length, MAX_CHAPTER_START)))[:MAX_CHAPTERS],
    )


def is_sound(tags: Tags) -> bool:
    """Whether they are within the bounds of what :func:`tags_of` finds, so that every kind of file can say them."""
    starts = [chapter.start for chapter in tags.chapters]
    return (
        all(_fits(text, MAX_BYTES) for text in (tags.title, tags.artist, tags.date, tags.url))
        and all(_fits(chapter.title, MAX_CHAPTER_BYTES) for chapter in tags.chapters)
        and len(starts) <= MAX_CHAPTERS
        and all(before < after for before, after in pairwise([-1, *starts, MAX_CHAPTER_START]))
    )


def _fits(text: str, room: int) -> bool:
    return len(text.encode()) <= room


def plain(text: str, room: int) -> str:
    """One line of at most ``room`` UTF-8 bytes, with no invisible characters but those that emoji and some scripts need."""
    spaced = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_kept(char))
    return cut(" ".join(spaced.split()), room).rstrip()


def _chapters(found: Iterable[tuple[float, str]], length: int) -> Iterator[Chapter]:
    """Those that begin within ``length`` milliseconds."""
    before = -1
    within = (one for one in found if 0 <= one[0] * 1000 < length)
    for start, title in sorted((round(start * 1000), title) for start, title in within):
        if before < start < length:
            yield Chapter(plain(title, MAX_CHAPTER_BYTES), start)
            before = start


def _is_kept(char: str) -> bool:
    if char in {JOINER, _NON_JOINER} or ord(char) in EMOJI_TAGS:
        return True
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs"} and ord(char) & _NONCHARACTER != _NONCHARACTER
