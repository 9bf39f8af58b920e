"""The beginning of a fragmented MP4 file of one track: what it is, and where its fragments are. Pure.

Nothing of it is trusted: whatever is not as expected is :class:`Unsupported`, whatever is behind the end :class:`Short`.
"""

import struct
from typing import Final, Literal

from msgspec import Struct

from functions.stream.merge import sidx
from functions.stream.merge.boxes import Box, boxes, children, full, header, one, raw
from functions.stream.merge.errors import Short, Unsupported
from functions.stream.merge.fragments import DATA_HEADER, check, check_data
from functions.stream.merge.layout import FRAGMENT_HEAD
from functions.stream.merge.sidx import Index

MAX_HEAD: Final = 2 * 1024 * 1024
"""Bytes; an index of ten hours has a hundred thousand."""

LARGEST_HEADER: Final = 16
"""Bytes of a box."""

_MEDIA: Final = frozenset({b"moof", b"mdat", b"sidx"})
_HANDLERS: Final[dict[bytes, Literal["video", "audio"]]] = {b"vide": "video", b"soun": "audio"}
_ENCRYPTED: Final = frozenset({b"encv", b"enca"})
_MOST_BOXES: Final = 32


class EditEntry(Struct, frozen=True):
    """Of an edit list; ``duration`` in units of the movie, ``time`` in units of the medium, -1: nothing is shown."""

    duration: int
    time: int
    rate: bytes


class Defaults(Struct, frozen=True):
    """Of the samples of all fragments (``trex``)."""

    description: int
    duration: int
    size: int
    flags: int


class Mp4(Struct, frozen=True, kw_only=True):
    """One file. Times of the movie in ``1 / movie_scale``, of the medium in ``1 / media_scale`` seconds."""

    kind: Literal["video", "audio"]
    codec: bytes
    size: int
    created: tuple[int, int]  # and modified, seconds since 1904
    movie_scale: int
    media_scale: int
    duration: int  # of the medium
    presentation: bytes  # the last 60 bytes of tkhd: layer, volume, matrix, width, height
    edits: tuple[EditEntry, ...]
    media: bytes  # the whole mdia
    defaults: Defaults
    index: Index
    first_moof: int  # bytes
    first_end: int  # of the first fragment's data, from where it begins

    @property
    def duration_in_movie(self) -> int:
        """Rounded up, so that nothing is cut."""
        return -(-self.duration * self.movie_scale // self.media_scale)


def read(data: bytes, size: int) -> Mp4:
    """What the first bytes of a file of ``size`` bytes say.

    :raises Short: where more of them are needed
    :raises Unsupported: where no more would help
    """
    movie, index_box = _top(data, size)
    index = sidx.read(data, index_box)
    if index.offsets[-1] > size:
        raise Unsupported("truncated")
    return _movie(data, movie, index, size, *_first(data, index, size))


def behind(data: bytes, room: int) -> int:
    """The size of the box that begins with these bytes, among the last ``room`` ones of the file, which the index does not list.

    Another kind of index may be there, and whatever else is no medium: it is left out.

    :raises Unsupported: ``incomplete_index``, and where it is no box
    """
    box = header(data, 0)
    if box.kind in _MEDIA:
        raise Unsupported("incomplete_index")
    if box.end > room:
        raise Unsupported("truncated")
    return box.end


def _top(data: bytes, size: int) -> tuple[Box, Box]:
    """Where moov and sidx are, complete; both come before the first fragment."""
    found: dict[bytes, Box] = {}
    at = 0
    for _ in range(_MOST_BOXES):
        if at >= size:
            break
        if len(data) < min(size, at + LARGEST_HEADER):
            raise _short(min(size, at + LARGEST_HEADER), size)
        box = header(data, at)
        if box.kind in {b"moof", b"mdat"}:
            break
        if box.kind in {b"moov", b"sidx"}:
            if box.end > len(data):
                raise _short(box.end, size)
            found.setdefault(box.kind, box)
        if len(found) == 2:  # noqa: PLR2004 - both
            return found[b"moov"], found[b"sidx"]
        at = box.end
    raise Unsupported("truncated" if at > size else "no_index")


def _short(needed: int, size: int) -> Exception:
    if needed > size:
        return Unsupported("truncated")
    return Unsupported("too_large") if needed > MAX_HEAD else Short(needed)


def _first(data: bytes, index: Index, size: int) -> tuple[int, int]:
    """The size of the first moof, and where the data behind it end in the fragment."""
    at, length = index.offsets[0], index.sizes[0]
    if len(data) < at + FRAGMENT_HEAD:
        raise _short(at + FRAGMENT_HEAD, size)
    moof = check(data[at : at + FRAGMENT_HEAD], length)
    need = at + min(moof + DATA_HEADER, length)
    if len(data) < need:
        raise _short(need, size)
    return moof, check_data(data[at + moof : need], moof, length)


def _movie(data: bytes, movie: Box, index: Index, size: int, first_moof: int, first_end: int) -> Mp4:
    inside = children(data, movie)
    if any(box.kind == b"pssh" for box in inside):
        raise Unsupported("encrypted")
    if sum(box.kind == b"trak" for box in inside) != 1:
        raise Unsupported("several_tracks")
    created, movie_scale, _ = _clock(*full(data, one(inside, b"mvhd"), 20))
    extends = [box for box in inside if box.kind == b"mvex"]
    if not extends:
        raise Unsupported("no_index")
    track = children(data, one(inside, b"trak"))
    media = one(track, b"mdia")
    in_media = children(data, media)
    _, media_scale, duration = _clock(*full(data, one(in_media, b"mdhd"), 20))
    _, handler = full(data, one(in_media, b"hdlr"), 12)
    kind = _HANDLERS.get(handler[8:12])
    if kind is None:
        raise Unsupported("codecs")
    return Mp4(
        kind=kind,
        codec=_codec(data, one(in_media, b"minf")),
        size=size,
        created=created,
        movie_scale=movie_scale,
        media_scale=media_scale,
        duration=duration or index.duration * media_scale // index.timescale,
        presentation=_presentation(*full(data, one(track, b"tkhd"), 84)),
        edits=_edits(data, track),
        media=raw(data, media),
        defaults=_defaults(data, one(children(data, extends[0]), b"trex")),
        index=index,
        first_moof=first_moof,
        first_end=first_end,
    )


def _clock(version: int, body: bytes) -> tuple[tuple[int, int], int, int]:
    """Of mvhd and mdhd: when it was made and changed, units per second, duration."""
    if version == 0:
        created, modified, scale, duration = struct.unpack_from(">IIII", body, 4)
    elif len(body) >= 32:  # noqa: PLR2004 - three 64-bit fields
        created, modified, scale, duration = struct.unpack_from(">QQIQ", body, 4)
    else:
        raise Unsupported("malformed")
    if scale == 0:
        raise Unsupported("malformed")
    is_unknown = duration == (0xFFFFFFFF if version == 0 else 0xFFFFFFFFFFFFFFFF)
    return (created, modified), scale, 0 if is_unknown else duration


def _presentation(version: int, body: bytes) -> bytes:
    if len(body) != (84 if version == 0 else 96):
        raise Unsupported("malformed")
    return body[-60:]


def _codec(data: bytes, information: Box) -> bytes:
    table = one(children(data, information), b"stbl")
    described = one(children(data, table), b"stsd")
    _, body = full(data, described, 16)
    if int.from_bytes(body[4:8]) != 1:
        raise Unsupported("several_tracks")
    entry = one(boxes(data, described.body + 8, described.end), body[12:16])
    if entry.kind in _ENCRYPTED:
        raise Unsupported("encrypted")
    return entry.kind


def _edits(data: bytes, track: list[Box]) -> tuple[EditEntry, ...]:
    lists = [box for box in track if box.kind == b"edts"]
    if not lists:
        return ()
    version, body = full(data, one(children(data, lists[0]), b"elst"), 8)
    entry = struct.Struct(">Ii4s" if version == 0 else ">Qq4s")
    count = int.from_bytes(body[4:8])
    if len(body) - 8 < count * entry.size:
        raise Unsupported("malformed")
    return tuple(EditEntry(*fields) for fields in entry.iter_unpack(body[8 : 8 + count * entry.size]))


def _defaults(data: bytes, extends: Box) -> Defaults:
    _, body = full(data, extends, 24)
    return Defaults(*struct.unpack_from(">IIII", body, 8))
