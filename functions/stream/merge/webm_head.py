"""The beginning of a WebM file of one track, and where its clusters are. Pure.

Nothing of it is trusted: whatever is not as expected is :class:`Unsupported`, whatever is behind the end :class:`Short`.
"""

import math
import struct
from typing import Final, Literal

from msgspec import Struct

from functions.stream.merge import ebml
from functions.stream.merge.clusters import check
from functions.stream.merge.ebml import Element, children, header, number
from functions.stream.merge.errors import Short, Unsupported
from functions.stream.merge.layout import CLUSTER_HEAD

MAX_HEAD: Final = 2 * 1024 * 1024
"""Bytes; the cues of ten hours take a hundred and thirty thousand."""

MAX_TRACK_NUMBER: Final = 126
"""What one byte in front of each block can say."""

_DEFAULT_SCALE: Final = 1_000_000
_WANTED: Final = frozenset({ebml.INFO, ebml.TRACKS, ebml.CUES})
_KINDS: Final[dict[int, Literal["video", "audio"]]] = {1: "video", 2: "audio"}
_MOST_ELEMENTS: Final = 64
_MAX_TICKS: Final = 1 << 40
_LEAST_CLUSTER: Final = 8


class Chunk(Struct, frozen=True, gc=False):
    """From one cluster that the cues name to the next; ``time`` in ticks."""

    time: int
    offset: int
    size: int


class WebM(Struct, frozen=True, kw_only=True):
    """One file. A tick has ``scale`` nanoseconds."""

    kind: Literal["video", "audio"]
    codec: bytes
    size: int
    scale: int
    duration: float | None  # in ticks
    number: int
    number_at: tuple[int, int]  # where in the entry its track number is, [start, end)
    uid: bytes
    uid_at: int
    entry: bytes  # the body of the TrackEntry
    chunks: tuple[Chunk, ...]

    @property
    def times(self) -> list[int]:
        """When each chunk begins."""
        return [chunk.time for chunk in self.chunks]


def read(data: bytes, size: int) -> WebM:
    """What the first bytes of a file of ``size`` bytes say.

    :raises Short: where more of them are needed
    :raises Unsupported: where no more would help
    """
    segment = _segment(data, size)
    found = _found(data, segment, size)
    if not found.keys() >= _WANTED:
        raise Unsupported("no_index" if ebml.CUES not in found else "malformed")
    chunks = _chunks(data, segment, found[ebml.CUES], size)
    _check_first(data, max(element.end for element in found.values()), chunks[0], size)
    scale, duration = _info(data, found[ebml.INFO])
    return _track(data, found[ebml.TRACKS], size=size, scale=scale, duration=duration, chunks=chunks)


def _at(data: bytes, at: int, size: int) -> Element:
    element = header(data, at)
    if element is None:
        if at >= size or len(data) >= size:
            raise Unsupported("truncated")
        raise _short(min(size, at + ebml.LONGEST_HEADER), size)
    return element


def _short(needed: int, size: int) -> Exception:
    if needed > size:
        return Unsupported("truncated")
    return Unsupported("too_large") if needed > MAX_HEAD else Short(needed)


def _segment(data: bytes, size: int) -> Element:
    first = _at(data, 0, size)
    if first.id != ebml.EBML:
        raise Unsupported("malformed")
    segment = _at(data, first.end, size)
    if segment.id != ebml.SEGMENT:
        raise Unsupported("malformed")
    return segment


def _found(data: bytes, segment: Element, size: int) -> dict[int, Element]:
    """What stands before the first cluster, complete."""
    found: dict[int, Element] = {}
    at = segment.body
    for _ in range(_MOST_ELEMENTS):
        if at >= min(segment.end, size) or found.keys() >= _WANTED:
            break
        element = _at(data, at, size)
        if element.id == ebml.CLUSTER:
            break
        if element.id in _WANTED:
            if element.id in found:
                raise Unsupported("malformed")
            if element.end > len(data):
                raise _short(element.end, size)
            found[element.id] = element
        at = element.end
    return found


def _chunks(data: bytes, segment: Element, cues: Element, size: int) -> tuple[Chunk, ...]:
    """Clusters that no cue names go with the one before them; the last one ends with the segment."""
    starts: list[tuple[int, int]] = []
    for point in children(data, cues):
        if point.id != ebml.CUE_POINT:
            continue
        time, position = _cue(data, point)
        place = segment.body + position
        if (starts and place < starts[-1][1]) or place < cues.end or time > _MAX_TICKS:
            raise Unsupported("malformed")
        if starts and time < starts[-1][0]:
            raise Unsupported("discontinuous")
        if not starts or place > starts[-1][1]:
            starts.append((time, place))
    if not starts:
        raise Unsupported("no_index")
    end = min(segment.end, size)
    ends = [place for _, place in starts[1:]] + [end]
    chunks = tuple(Chunk(time, place, until - place) for (time, place), until in zip(starts, ends, strict=True))
    if segment.end > size or any(chunk.size < _LEAST_CLUSTER for chunk in chunks):
        raise Unsupported("truncated")
    return chunks


def _cue(data: bytes, point: Element) -> tuple[int, int]:
    time = position = None
    for element in children(data, point):
        if element.id == ebml.CUE_TIME:
            time = number(data, element)
        elif element.id == ebml.CUE_TRACK_POSITIONS and position is None:
            inside = {one.id: one for one in children(data, element)}
            if ebml.CUE_CLUSTER_POSITION in inside:
                position = number(data, inside[ebml.CUE_CLUSTER_POSITION])
    if time is None or position is None:
        raise Unsupported("malformed")
    return time, position


def _check_first(data: bytes, at: int, first: Chunk, size: int) -> None:
    """Nothing but filling lies before the first cluster that the cues name, and that one is there."""
    for _ in range(_MOST_ELEMENTS):
        if at >= first.offset:
            break
        element = _at(data, at, size)
        if element.id == ebml.CLUSTER:
            raise Unsupported("incomplete_index")
        at = element.end
    if at != first.offset:
        raise Unsupported("malformed")
    need = min(first.offset + CLUSTER_HEAD, first.offset + first.size)
    if len(data) < need:
        raise _short(need, size)
    check(data[first.offset : need])


def _info(data: bytes, info: Element) -> tuple[int, float | None]:
    inside = {element.id: element for element in children(data, info)}
    scale = number(data, inside[ebml.TIMESTAMP_SCALE]) if ebml.TIMESTAMP_SCALE in inside else _DEFAULT_SCALE
    if scale == 0:
        raise Unsupported("malformed")
    if ebml.DURATION not in inside:
        return scale, None
    said = data[inside[ebml.DURATION].body : inside[ebml.DURATION].end]
    form = {4: ">f", 8: ">d"}.get(len(said))
    if form is None:
        raise Unsupported("malformed")
    (duration,) = struct.unpack(form, said)
    return scale, duration if math.isfinite(duration) and duration > 0 else None


def _track(data: bytes, tracks: Element, *, size: int, scale: int, duration: float | None, chunks: tuple[Chunk, ...]) -> WebM:
    entries = [element for element in children(data, tracks) if element.id == ebml.TRACK_ENTRY]
    if len(entries) != 1:
        raise Unsupported("several_tracks")
    inside = {element.id: element for element in children(data, entries[0])}
    if ebml.CONTENT_ENCODINGS in inside:
        raise Unsupported("encrypted")
    if not inside.keys() >= {ebml.TRACK_NUMBER, ebml.TRACK_UID, ebml.TRACK_TYPE, ebml.CODEC_ID}:
        raise Unsupported("malformed")
    kind = _KINDS.get(number(data, inside[ebml.TRACK_TYPE]))
    if kind is None:
        raise Unsupported("codecs")
    base = entries[0].body
    named, unique = inside[ebml.TRACK_NUMBER], inside[ebml.TRACK_UID]
    track = number(data, named)
    if not 0 < track <= MAX_TRACK_NUMBER or number(data, unique) == 0:
        raise Unsupported("malformed")
    return WebM(
        kind=kind,
        codec=data[inside[ebml.CODEC_ID].body : inside[ebml.CODEC_ID].end].rstrip(b"\0"),
        size=size,
        scale=scale,
        duration=duration,
        number=track,
        number_at=(named.body - base, named.end - base),
        uid=data[unique.body : unique.end],
        uid_at=unique.body - base,
        entry=data[base : entries[0].end],
        chunks=chunks,
    )
