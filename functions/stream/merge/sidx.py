"""The index of a fragmented MP4 file (``sidx``): reading and writing it. Pure."""

import struct
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Final

from msgspec import Struct

from functions.stream.merge.boxes import Box, full, make_full
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import FRAGMENT_HEAD

MAX_REFERENCES: Final = 0xFFFF
_FIXED: Final = 40
_REFERENCE: Final = struct.Struct(">III")
_NESTED: Final = 1 << 31
_MAX_SIZE: Final = _NESTED - 1


class Index(Struct, frozen=True, kw_only=True, dict=True):
    """Where each fragment is, and when. Times in ``1 / timescale`` seconds."""

    timescale: int
    earliest: int
    start: int  # where the first fragment is in the file
    sizes: tuple[int, ...]
    durations: tuple[int, ...]
    accesses: tuple[int, ...]  # 32 bits on stream access points, as they are

    @cached_property
    def offsets(self) -> list[int]:
        """Where each fragment begins in the file, and where the last one ends."""
        return list(accumulate(self.sizes, initial=self.start))

    @cached_property
    def times(self) -> list[int]:
        """When each fragment begins."""
        return list(accumulate(self.durations, initial=self.earliest))[:-1]

    @property
    def duration(self) -> int:
        """Of all fragments."""
        return sum(self.durations)


def read(data: bytes, box: Box) -> Index:
    """The index that is in this box.

    :raises Unsupported: ``malformed``, ``nested_index``, ``no_index``
    """
    version, body = full(data, box, 24)
    timescale = int.from_bytes(body[8:12])
    if version == 0:
        earliest, first = struct.unpack_from(">II", body, 12)
        at = 20
    else:
        if len(body) < 32:  # noqa: PLR2004 - two 64-bit fields
            raise Unsupported("malformed")
        earliest, first = struct.unpack_from(">QQ", body, 12)
        at = 28
    count = int.from_bytes(body[at + 2 : at + 4])
    at += 4
    if timescale == 0 or len(body) - at < count * _REFERENCE.size:
        raise Unsupported("malformed")
    if count == 0:
        raise Unsupported("no_index")
    references = list(_REFERENCE.iter_unpack(body[at : at + count * _REFERENCE.size]))
    if any(size & _NESTED for size, _, _ in references):
        raise Unsupported("nested_index")
    if any(size < FRAGMENT_HEAD for size, _, _ in references):
        raise Unsupported("malformed")
    return Index(
        timescale=timescale,
        earliest=earliest,
        start=box.end + first,
        sizes=tuple(size for size, _, _ in references),
        durations=tuple(duration for _, duration, _ in references),
        accesses=tuple(access for _, _, access in references),
    )


def made_size(index: Index) -> int:
    """Bytes of the box that :func:`make` writes."""
    return _FIXED + _REFERENCE.size * len(index.sizes)


def make(index: Index, *, track: int, first: int, places: Sequence[int]) -> bytes:
    """The same index for other places: a reference reaches from one fragment of the track to its next.

    :param first: bytes between the box and the first fragment
    :param places: where each fragment begins in the new file, and where that file ends
    """
    sizes = [end - start for start, end in pairwise(places)]
    if max(sizes) > _MAX_SIZE:
        raise Unsupported("too_large")
    references = map(_REFERENCE.pack, sizes, index.durations, index.accesses)
    fixed = struct.pack(">IIQQHH", track, index.timescale, index.earliest, first, 0, len(sizes))
    return make_full(b"sidx", 1, 0, fixed, *references)
