"""Two fragmented MP4 files as one: ``ftyp moov sidx(sound) sidx(video)``, then all fragments as they are. Pure.

One index for each track: with the video's alone a player reads from the beginning. The index written last is that of the track
whose fragment comes first: FFmpeg, and with it Chromium, takes an index for complete only if nothing lies between the two.
"""

import struct
from typing import Final

from msgspec.structs import replace

from functions.stream.merge import sidx
from functions.stream.merge.boxes import boxes, children, make, make_full, raw
from functions.stream.merge.layout import AUDIO, FRAGMENT, OWN, VIDEO, Layout, Span
from functions.stream.merge.mp4_head import EditEntry, Mp4
from functions.stream.merge.mp4_tags import udta
from functions.stream.merge.order import follow
from shared.tags import Tags

VIDEO_ID: Final = 1
AUDIO_ID: Final = 2

_SHOWN: Final = 3  # enabled, and part of the movie
_UNITY: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_FTYP: Final = make(b"ftyp", b"iso6", bytes(4), b"iso6iso5isommp41dash")


def fragmented(video: Mp4, audio: Mp4, tags: Tags) -> Layout:
    """The layout."""
    movie = _FTYP + moov(video, audio, [media(video), media(audio)], mvex(video, audio), udta(tags))
    head = len(movie) + sidx.made_size(audio.index) + sidx.made_size(video.index)
    spans: list[Span] = []
    places: tuple[list[int], list[int]] = ([], [])
    at = head
    indexes = (video.index, audio.index)
    order = follow(video.index.times, audio.index.times, video_scale=video.index.timescale, audio_scale=audio.index.timescale)
    for number, (track, which) in enumerate(order, start=1):
        index = indexes[track]
        places[track].append(at)
        spans.append(Span(track, index.offsets[which], index.sizes[which], FRAGMENT, number))
        at += index.sizes[which]
    first = places[AUDIO][0] - len(movie) - sidx.made_size(audio.index)
    own = (
        movie
        + sidx.make(audio.index, track=AUDIO_ID, first=first, places=[*places[AUDIO], at])
        + sidx.make(video.index, track=VIDEO_ID, first=0, places=[*places[VIDEO], at])
    )
    return Layout(form="mp4", own=own, spans=(Span(OWN, 0, len(own)), *spans))


def moov(video: Mp4, audio: Mp4, medias: list[bytes], *more: bytes) -> bytes:
    """The movie: two tracks with these ``mdia``, in the video's units of time."""
    scale = video.movie_scale
    duration = longest(video, audio)
    mvhd = make_full(
        b"mvhd", 1, 0,
        struct.pack(">QQIQ", *video.created, scale, duration),
        struct.pack(">IH10x", 0x10000, 0x100), _UNITY, bytes(24), struct.pack(">I", AUDIO_ID + 1),
    )  # fmt: skip
    tracks = [
        make(b"trak", _tkhd(video, VIDEO_ID, scale), _edts(video, scale), medias[VIDEO]),
        make(b"trak", _tkhd(audio, AUDIO_ID, scale), _edts(audio, scale), medias[AUDIO]),
    ]
    return make(b"moov", mvhd, *tracks, *more)


def longest(video: Mp4, audio: Mp4) -> int:
    """The duration of the file in the video's units."""
    return max(video.duration_in_movie, _rescaled(audio.duration_in_movie, audio.movie_scale, video.movie_scale))


def mvex(video: Mp4, audio: Mp4) -> bytes:
    """What says that fragments follow."""
    extends = [
        make_full(
            b"trex", 0, 0,
            struct.pack(">5I", number, one.defaults.description, one.defaults.duration, one.defaults.size, one.defaults.flags),
        )
        for number, one in ((VIDEO_ID, video), (AUDIO_ID, audio))
    ]  # fmt: skip
    return make(b"mvex", make_full(b"mehd", 1, 0, struct.pack(">Q", longest(video, audio))), *extends)


def media(track: Mp4, table: bytes | None = None) -> bytes:
    """The ``mdia`` with its duration, and with another ``stbl`` if one is given."""
    data = track.media
    (box,) = boxes(data, 0, len(data))
    parts = []
    for child in children(data, box):
        if child.kind == b"mdhd":
            clock = struct.pack(">QQIQ", *track.created, track.media_scale, track.duration)
            parts.append(make_full(b"mdhd", 1, 0, clock, data[child.end - 4 : child.end]))
        elif child.kind == b"minf" and table is not None:
            inside = (table if inner.kind == b"stbl" else raw(data, inner) for inner in children(data, child))
            parts.append(make(b"minf", *inside))
        else:
            parts.append(raw(data, child))
    return make(b"mdia", *parts)


def _tkhd(track: Mp4, number: int, scale: int) -> bytes:
    duration = _rescaled(track.duration_in_movie, track.movie_scale, scale)
    return make_full(b"tkhd", 1, _SHOWN, struct.pack(">QQIIQ", *track.created, number, 0, duration), track.presentation)


def _edts(track: Mp4, scale: int) -> bytes:
    """The edit list in the movie's units, which may differ from the source's."""
    if not track.edits:
        return b""
    entries = [replace(entry, duration=_rescaled(entry.duration, track.movie_scale, scale)) for entry in track.edits]
    return make(b"edts", make_full(b"elst", 1, 0, struct.pack(">I", len(entries)), *map(_edit, entries)))


def _edit(entry: EditEntry) -> bytes:
    return struct.pack(">Qq4s", entry.duration, entry.time, entry.rate)


def _rescaled(duration: int, old: int, new: int) -> int:
    """Rounded up, so that nothing is cut."""
    return -(-duration * new // old)
