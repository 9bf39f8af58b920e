"""The samples of one track and their tables (``stbl``), for an MP4 file without fragments. Pure."""

import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby
from typing import Final

from msgspec import Struct

from functions.stream.merge.boxes import boxes, children, make, make_full, one, raw
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.moof import Fragment
from functions.stream.merge.mp4_head import Mp4

MAX_SAMPLES: Final = 200_000
"""Of one track; an hour at 50 pictures a second has as many."""

CHUNK_SECONDS: Final = 1
"""Sound and picture lie this close together, which is what players read comfortably."""


class Chunk(Struct, frozen=True, gc=False):
    """Samples behind each other, from one place of the source; ``time`` of the first one's decoding."""

    time: int
    offset: int
    size: int
    count: int


class Samples(Struct, frozen=True, kw_only=True):
    """All of a track, in order of decoding."""

    sizes: list[int]
    durations: list[int]
    shifts: list[int]
    syncs: list[bool]
    chunks: list[Chunk]

    @property
    def end(self) -> int:
        """When the sample that is shown last ends."""
        ends = accumulate(self.durations)
        return max((end + shift for end, shift in zip(ends, self.shifts, strict=True)), default=0)


def gathered(track: Mp4, fragments: Sequence[Fragment]) -> Samples:
    """The samples of all fragments; where time jumps ahead between two, the sample before lasts until then.

    :raises Unsupported: ``discontinuous`` where it jumps back or does not begin at 0, ``too_large``
    """
    found = Samples(sizes=[], durations=[], shifts=[], syncs=[], chunks=[])
    clock = 0
    for fragment in fragments:
        gap = 0 if fragment.time is None else fragment.time - clock
        if gap < 0 or (gap > 0 and not found.durations):
            raise Unsupported("discontinuous")
        if gap > 0:
            found.durations[-1] += gap
            clock += gap
        for run in fragment.runs:
            if len(found.sizes) + len(run.sizes) > MAX_SAMPLES:
                raise Unsupported("too_large")
            found.sizes.extend(run.sizes)
            found.durations.extend(run.durations)
            found.shifts.extend(run.shifts)
            found.syncs.extend(run.syncs)
            offset = run.offset
            longest = CHUNK_SECONDS * track.media_scale
            time, size, count = clock, 0, 0
            for length, duration in zip(run.sizes, run.durations, strict=True):
                if count and clock - time >= longest:
                    found.chunks.append(Chunk(time, offset, size, count))
                    offset += size
                    time, size, count = clock, 0, 0
                clock += duration
                size += length
                count += 1
            found.chunks.append(Chunk(time, offset, size, count))
    return found


def table(track: Mp4, samples: Samples, places: Sequence[int], *, is_wide: bool) -> bytes:
    """The ``stbl`` for chunks at these places of the new file."""
    data = track.media
    (media,) = boxes(data, 0, len(data))
    described = one(children(data, one(children(data, one(children(data, media), b"minf")), b"stbl")), b"stsd")
    parts = [raw(data, described), _runs(b"stts", 0, samples.durations)]
    if any(samples.shifts):
        parts.append(_runs(b"ctts", int(min(samples.shifts) < 0), samples.shifts))
    if not all(samples.syncs):
        parts.append(_numbers(b"stss", [number for number, is_sync in enumerate(samples.syncs, start=1) if is_sync]))
    parts.append(_chunk_sizes(samples.chunks))
    parts.append(make_full(b"stsz", 0, 0, struct.pack(f">II{len(samples.sizes)}I", 0, len(samples.sizes), *samples.sizes)))
    if is_wide:
        parts.append(make_full(b"co64", 0, 0, struct.pack(f">I{len(places)}Q", len(places), *places)))
    else:
        parts.append(_numbers(b"stco", places))
    return make(b"stbl", *parts)


def _numbers(kind: bytes, values: Sequence[int]) -> bytes:
    return make_full(kind, 0, 0, struct.pack(f">I{len(values)}I", len(values), *values))


def _runs(kind: bytes, version: int, values: Iterable[int]) -> bytes:
    """How many times each value, in order."""
    runs = [(sum(1 for _ in same), value) for value, same in groupby(values)]
    entry = struct.Struct(">Ii" if version == 1 else ">II")
    return make_full(kind, version, 0, struct.pack(">I", len(runs)), *(entry.pack(*run) for run in runs))


def _chunk_sizes(chunks: Sequence[Chunk]) -> bytes:
    """``stsc``: from which chunk on there are how many samples in each."""
    entries: list[bytes] = []
    before = 0
    for number, chunk in enumerate(chunks, start=1):
        if chunk.count != before:
            entries.append(struct.pack(">III", number, chunk.count, 1))
            before = chunk.count
    return make_full(b"stsc", 0, 0, struct.pack(">I", len(entries)), *entries)
