"""Two WebM files as one: head, tags, cues, then all clusters as they are but for a few bytes. Pure.

Cues name only video clusters with sound right behind them: a seek goes to one place in the file, and one from which sound has to be
looked for means seconds of silence.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from functions.stream.merge import ebml, webm_tags
from functions.stream.merge.ebml import make, make_number
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import AUDIO, BLOCKS, CLUSTER, OWN, VIDEO, Edit, Layout, Span
from functions.stream.merge.order import follow
from functions.stream.merge.webm_head import WebM
from shared.tags import Tags

MAX_RENUMBERED: Final = 4 * 1024 * 1024
"""Bytes of sound from one cluster that the cues name to the next: they are read from there for any byte between. Ten seconds have
a twentieth of it."""

_APP: Final = b"Sluice"
_TIME_BYTES: Final = 5
_PLACE_BYTES: Final = 6
_CUE_SIZE: Final = 22
_CUES_HEADER: Final = 8
_SEGMENT_HEADER: Final = 12
_EBML: Final = make(
    ebml.EBML,
    b"".join(
        [
            make_number(0x4286, 1, 1),  # EBMLVersion
            make_number(0x42F7, 1, 1),  # EBMLReadVersion
            make_number(0x42F2, 4, 1),  # EBMLMaxIDLength
            make_number(0x42F3, 8, 1),  # EBMLMaxSizeLength
            make(0x4282, b"webm"),  # DocType
            make_number(0x4287, 4, 1),  # DocTypeVersion
            make_number(0x4285, 2, 1),  # DocTypeReadVersion
        ]
    ),
)


def webm(video: WebM, audio: WebM, tags: Tags) -> Layout:
    """The layout.

    :raises Unsupported: ``timescales``, ``incomplete_index``
    """
    if video.scale != audio.scale:
        raise Unsupported("timescales")
    number = audio.number if audio.number != video.number else 1 + video.number % 2
    order = list(follow(video.times, audio.times))
    entries = [index for (track, index), (after, _) in pairwise(order) if track == VIDEO and after == AUDIO]
    before = _before_cues(video, audio, number, tags)
    at = len(before) + _CUES_HEADER + _CUE_SIZE * len(entries)  # from the beginning of the segment's body
    places: list[int] = []
    spans: list[Span] = []
    # YouTube's two files both call their track 1: then every block of the sound has to be told apart.
    audio_edit: Edit = CLUSTER if number == audio.number else BLOCKS
    if audio_edit == BLOCKS and max(chunk.size for chunk in audio.chunks) > MAX_RENUMBERED:
        raise Unsupported("incomplete_index")
    for track, index in order:
        chunk = (video, audio)[track].chunks[index]
        if track == VIDEO:
            places.append(at)
            spans.append(Span(VIDEO, chunk.offset, chunk.size, CLUSTER))
        else:
            spans.append(Span(AUDIO, chunk.offset, chunk.size, audio_edit, audio.number << 8 | number))
        at += chunk.size
    cues = [_cue(video.number, video.chunks[index].time, places[index]) for index in entries]
    own = b"".join(
        [
            _EBML,
            ebml.head(ebml.SEGMENT, at, size_length=8),
            before,
            make(ebml.CUES, b"".join(cues), size_length=4),
        ]
    )
    return Layout(form="webm", own=own, spans=(Span(OWN, 0, len(own)), *spans))


def _before_cues(video: WebM, audio: WebM, number: int, tags: Tags) -> bytes:
    """All that the segment begins with. What nothing is said of is left out.

    :param number: the sound's track
    """
    duration = max((one.duration for one in (video, audio) if one.duration is not None), default=None)
    entries = make(ebml.TRACK_ENTRY, video.entry) + make(ebml.TRACK_ENTRY, _entry(audio, number, video.uid))
    parts = {
        ebml.INFO: _info(video.scale, duration, tags.title),
        ebml.TRACKS: make(ebml.TRACKS, entries),
        ebml.CHAPTERS: webm_tags.chapters(tags, None if duration is None else int(duration * video.scale)),
        ebml.TAGS: webm_tags.whole(tags),
    }
    there = {id_: part for id_, part in parts.items() if part}
    return _seek_head([(id_, len(part)) for id_, part in there.items()]) + b"".join(there.values())


def _info(scale: int, duration: float | None, title: str) -> bytes:
    said = b"" if duration is None else make(ebml.DURATION, struct.pack(">d", duration))
    named = make(ebml.TITLE, title.encode()) if title else b""
    apps = make(ebml.MUXING_APP, _APP) + make(ebml.WRITING_APP, _APP)
    return make(ebml.INFO, make_number(ebml.TIMESTAMP_SCALE, scale, 8) + said + named + apps)


def _entry(track: WebM, number: int, taken: bytes) -> bytes:
    """The description of the sound, with another number, and with another id if the video's is the same."""
    changed = bytearray(track.entry)
    start, end = track.number_at
    changed[start:end] = number.to_bytes(end - start)
    if int.from_bytes(track.uid) == int.from_bytes(taken):
        last = track.uid_at + len(track.uid) - 1
        changed[last] = changed[last] ^ 1 or 2
    return bytes(changed)


def _seek_head(parts: Sequence[tuple[int, int]]) -> bytes:
    """Where the others are: these, by id and size, and the cues behind them; its own size does not depend on theirs."""
    own = 0
    for _ in range(2):
        places = accumulate((size for _, size in parts), initial=own)
        seeks = (
            make(ebml.SEEK, make(ebml.SEEK_ID, ebml.identified(id_)) + make_number(ebml.SEEK_POSITION, place, 4))
            for id_, place in zip([*(id_ for id_, _ in parts), ebml.CUES], places, strict=True)
        )
        made = make(ebml.SEEK_HEAD, b"".join(seeks))
        own = len(made)
    return made


def _cue(track: int, time: int, place: int) -> bytes:
    """22 bytes, whatever the numbers."""
    position = make_number(ebml.CUE_TRACK, track, 1) + make_number(ebml.CUE_CLUSTER_POSITION, place, _PLACE_BYTES)
    return make(ebml.CUE_POINT, make_number(ebml.CUE_TIME, time, _TIME_BYTES) + make(ebml.CUE_TRACK_POSITIONS, position))
