"""Two fragmented MP4 files as one without fragments: ``ftyp moov mdat``, a second of each in turn. Pure.

What every player reads, and seeks in with one request. It takes the samples of all fragments, which only their own beginnings tell.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from msgspec.structs import replace

from functions.stream.merge.boxes import make
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import AUDIO, OWN, VIDEO, Layout, Span, Track
from functions.stream.merge.moof import Fragment
from functions.stream.merge.mp4 import media, moov
from functions.stream.merge.mp4_head import EditEntry, Mp4
from functions.stream.merge.mp4_tags import udta
from functions.stream.merge.samples import Samples, gathered, table
from shared.tags import Tags

_LARGE: Final = (1 << 32) - (1 << 26)
"""Bytes of media from which on places are written with 64 bits."""

_SPARE: Final = 64 * 1024


def progressive(video: Mp4, audio: Mp4, fragments: tuple[Sequence[Fragment], Sequence[Fragment]], tags: Tags) -> Layout:
    """The layout.

    :param fragments: all of the video, all of the sound
    :raises Unsupported: where the samples do not fit into one time line
    """
    samples = (gathered(video, fragments[VIDEO]), gathered(audio, fragments[AUDIO]))
    for some in samples:
        _check_density(some)
    tracks = (_timed(video, samples[VIDEO]), _timed(audio, samples[AUDIO]))
    order = sorted(chain(_turns(samples[VIDEO], VIDEO, audio.media_scale), _turns(samples[AUDIO], AUDIO, video.media_scale)))
    length = sum(sum(some.sizes) for some in samples)
    is_wide = length >= _LARGE
    header = struct.pack(">I4sQ", 1, b"mdat", 16 + length) if is_wide else struct.pack(">I4s", 8 + length, b"mdat")
    ftyp = make(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41", video.codec if video.codec == b"av01" else b"avc1")

    def head(base: int) -> tuple[bytes, list[Span]]:
        """Everything before the media, which begin at ``base``, and the media."""
        places: tuple[list[int], list[int]] = ([], [])
        spans: list[Span] = []
        at = base
        for _, track, index in order:
            chunk = samples[track].chunks[index]
            places[track].append(at)
            spans.append(Span(track, chunk.offset, chunk.size))
            at += chunk.size
        tables = (table(track, some, at, is_wide=is_wide) for track, some, at in zip(tracks, samples, places, strict=True))
        medias = list(map(media, tracks, tables))
        return ftyp + moov(tracks[VIDEO], tracks[AUDIO], medias, udta(tags)) + header, spans

    measured, _ = head(0)
    own, spans = head(len(measured))
    return Layout(form="progressive", own=own, spans=(Span(OWN, 0, len(own)), *spans))


def _check_density(samples: Samples) -> None:
    """What lies between the samples is read as well, and dropped: in real files that is a few bytes for each of them."""
    used = sum(samples.sizes)
    between = samples.chunks[-1].offset + samples.chunks[-1].size - samples.chunks[0].offset - used
    if between > used // 2 + _SPARE:
        raise Unsupported("sparse")


def _turns(samples: Samples, track: Track, unit: int) -> Iterator[tuple[int, Track, int]]:
    """Each chunk by when it begins, in a unit that is the same for both tracks: the other's times this one's."""
    return ((chunk.time * unit, track, index) for index, chunk in enumerate(samples.chunks))


def _timed(track: Mp4, samples: Samples) -> Mp4:
    """The track with the duration of its samples; an edit without an end gets one, behind all of them."""
    exact = replace(track, duration=sum(samples.durations))

    def length(edit: EditEntry) -> int:
        if edit.duration:
            return edit.duration
        return -(-max(0, samples.end - max(0, edit.time)) * track.movie_scale // track.media_scale)

    return replace(exact, edits=tuple(replace(edit, duration=length(edit)) for edit in track.edits))
