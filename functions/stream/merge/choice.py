"""Which layout two files get: a function of their beginnings and tags alone, so that every replica makes the same. Pure."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

from functions.stream.merge import moof, mp4_head, webm_head
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import AUDIO, VIDEO, Layout
from functions.stream.merge.moof import Fragment
from functions.stream.merge.mp4 import fragmented
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.progressive import progressive
from functions.stream.merge.webm import webm
from functions.stream.merge.webm_head import WebM
from shared.sources import Source
from shared.tags import Tags

Container: TypeAlias = Literal["mp4", "webm"]
Head: TypeAlias = Mp4 | WebM

MAX_FRAGMENTS: Final = 192
"""Of both tracks together, whose beginnings are read before the first byte of a file without fragments: some ten minutes."""

MAX_HEAD: Final = max(mp4_head.MAX_HEAD, webm_head.MAX_HEAD)

_PAIRS: Final[dict[tuple[str, str], Container]] = {
    ("video/mp4", "audio/mp4"): "mp4",
    ("video/webm", "audio/webm"): "webm",
}
_CODECS: Final = {
    "mp4": (frozenset({b"avc1", b"avc3", b"av01"}), frozenset({b"mp4a"})),
    "webm": (frozenset({b"V_VP9", b"V_VP8", b"V_AV1"}), frozenset({b"A_OPUS", b"A_VORBIS"})),
}


def container(video: Source, audio: Source) -> Container:
    """What the merged file is.

    :raises Unsupported: ``containers`` where these two cannot be one
    """
    found = _PAIRS.get((video.content_type, audio.content_type))
    if found is None:
        raise Unsupported("containers")
    return found


def read_head(data: bytes, size: int, kind: Container) -> Head:
    """What the first bytes of a file of ``size`` bytes say.

    :raises Short: where more of them are needed
    :raises Unsupported: where no more would help
    """
    with _trusted():
        return mp4_head.read(data, size) if kind == "mp4" else webm_head.read(data, size)


def is_short(video: Head, audio: Head) -> bool:
    """Whether the file is to be one without fragments."""
    if not (isinstance(video, Mp4) and isinstance(audio, Mp4)):
        return False
    return len(video.index.sizes) + len(audio.index.sizes) <= MAX_FRAGMENTS


def check(video: Head, audio: Head) -> None:
    """Whether these are a video and a sound track that belong into one file.

    :raises Unsupported: ``codecs``
    """
    videos, sounds = _CODECS["mp4" if isinstance(video, Mp4) else "webm"]
    if (video.kind, audio.kind) != ("video", "audio") or video.codec not in videos or audio.codec not in sounds:
        raise Unsupported("codecs")


def plan_short(video: Mp4, audio: Mp4, beginnings: tuple[Sequence[bytes], Sequence[bytes]], tags: Tags) -> Layout:
    """The layout without fragments.

    :param beginnings: of every fragment of the video and of the sound, with the whole moof
    :raises Unsupported: where there is none
    """
    check(video, audio)
    with _trusted():
        return progressive(video, audio, (_fragments(video, beginnings[VIDEO]), _fragments(audio, beginnings[AUDIO])), tags)


def _fragments(track: Mp4, beginnings: Sequence[bytes]) -> list[Fragment]:
    index = track.index
    return [
        moof.read(data, at=at, size=size, defaults=track.defaults)
        for data, at, size in zip(beginnings, index.offsets[:-1], index.sizes, strict=True)
    ]


def plan(video: Head, audio: Head, tags: Tags) -> Layout:
    """The layout that takes nothing but the beginnings.

    :raises Unsupported: where there is none
    """
    check(video, audio)
    with _trusted():
        if isinstance(video, Mp4) and isinstance(audio, Mp4):
            return fragmented(video, audio, tags)
        if isinstance(video, WebM) and isinstance(audio, WebM):
            return webm(video, audio, tags)
    raise Unsupported("containers")


@contextmanager
def _trusted() -> Iterator[None]:
    """Numbers that no field can hold come from a file that is not what it says."""
    try:
        yield
    except (struct.error, OverflowError):
        raise Unsupported("malformed") from None
