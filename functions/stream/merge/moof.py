"""The samples of one fragment of an MP4 file, from its moof. Pure."""

import struct
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from functions.stream.merge.boxes import Box, boxes, children, full, one
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.fragments import check
from functions.stream.merge.mp4_head import Defaults

MAX_SAMPLES: Final = 20_000
"""In one fragment; ten seconds of sound have five hundred."""

_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _SHIFT = 0x100, 0x200, 0x400, 0x800
_DESCRIPTION, _DEFAULT_DURATION, _DEFAULT_SIZE, _DEFAULT_FLAGS = 0x2, 0x8, 0x10, 0x20
_NOT_SYNC: Final = 0x10000


class Run(Struct, frozen=True, kw_only=True):
    """Samples that lie behind each other from ``offset`` of the file on; ``shifts`` from decoding to showing."""

    offset: int
    sizes: list[int]
    durations: list[int]
    shifts: list[int]
    syncs: list[bool]


class Fragment(Struct, frozen=True, kw_only=True):
    """``time`` is that of the first sample's decoding, if it is told."""

    time: int | None
    runs: list[Run]


def read(data: bytes, *, at: int, size: int, defaults: Defaults) -> Fragment:
    """The fragment of ``size`` bytes at ``at`` of the file, whose moof these bytes hold.

    :raises Unsupported: where it is not as expected
    """
    moof = check(data, size)
    if len(data) < moof:
        raise Unsupported("truncated")
    (box,) = boxes(data[:moof], 0, moof)
    traf = children(data, one(children(data, box), b"traf"))
    if defaults.description != 1:
        raise Unsupported("several_tracks")
    ours = _track(data, one(traf, b"tfhd"), defaults)
    time = None
    for inner in traf:
        if inner.kind == b"tfdt":
            version, body = full(data, inner, 8)
            if version == 1 and len(body) < 12:  # noqa: PLR2004 - a 64-bit field
                raise Unsupported("malformed")
            time = int.from_bytes(body[4:12] if version == 1 else body[4:8])
    runs = list(_runs(data, [inner for inner in traf if inner.kind == b"trun"], ours, at))
    if not runs or runs[0].offset < at + moof or runs[-1].offset + sum(runs[-1].sizes) > at + size:
        raise Unsupported("unexpected")
    return Fragment(time=time, runs=runs)


def _track(data: bytes, box: Box, defaults: Defaults) -> Defaults:
    """The file's defaults, as far as the fragment has none of its own."""
    _, body = full(data, box, 8)
    flags = int.from_bytes(body[1:4])
    at = 8
    for bit, name in (
        (_DESCRIPTION, "description"),
        (_DEFAULT_DURATION, "duration"),
        (_DEFAULT_SIZE, "size"),
        (_DEFAULT_FLAGS, "flags"),
    ):
        if flags & bit:
            if len(body) < at + 4:
                raise Unsupported("malformed")
            defaults = replace(defaults, **{name: int.from_bytes(body[at : at + 4])})
            at += 4
    if defaults.description != 1:
        raise Unsupported("several_tracks")
    return defaults


def _runs(data: bytes, found: list[Box], defaults: Defaults, at: int) -> Iterator[Run]:
    place: int | None = None
    for box in found:
        version, body = full(data, box, 8)
        flags, count = int.from_bytes(body[1:4]), int.from_bytes(body[4:8])
        cursor = 8
        if flags & _DATA_OFFSET:
            if len(body) < cursor + 4:
                raise Unsupported("malformed")
            begins = at + int.from_bytes(body[cursor : cursor + 4], signed=True)
            if place is not None and begins < place:
                raise Unsupported("unexpected")
            place = begins
            cursor += 4
        if place is None or count > MAX_SAMPLES:
            raise Unsupported("unexpected" if place is None else "too_large")
        if count == 0:
            continue
        run = _run(body, flags, count, cursor, defaults, place, is_signed=version == 1)
        place += sum(run.sizes)
        yield run


def _run(body: bytes, flags: int, count: int, cursor: int, defaults: Defaults, place: int, *, is_signed: bool) -> Run:
    first_flags = None
    if flags & _FIRST_FLAGS:
        first_flags = int.from_bytes(body[cursor : cursor + 4])
        cursor += 4
    present = [bit for bit in (_DURATION, _SIZE, _FLAGS, _SHIFT) if flags & bit]
    form = "".join("i" if bit == _SHIFT and is_signed else "I" for bit in present)
    record = struct.Struct(f">{form}")
    records = body[cursor : cursor + count * record.size]
    if len(records) < count * record.size:
        raise Unsupported("malformed")
    columns = dict(zip(present, zip(*record.iter_unpack(records), strict=True), strict=True)) if present else {}
    sample_flags = list(columns.get(_FLAGS, (defaults.flags,) * count))
    if first_flags is not None:
        sample_flags[0] = first_flags
    sizes = list(columns.get(_SIZE, (defaults.size,) * count))
    if min(sizes) == 0:
        raise Unsupported("unexpected")
    return Run(
        offset=place,
        sizes=sizes,
        durations=list(columns.get(_DURATION, (defaults.duration,) * count)),
        shifts=list(columns.get(_SHIFT, (0,) * count)),
        syncs=[not value & _NOT_SYNC for value in sample_flags],
    )
