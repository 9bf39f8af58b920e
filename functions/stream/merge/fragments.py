"""Fragments of an MP4 file, seen from their beginnings: whether one is as expected, and what is written over it. Pure.

``moof(8) mfhd(16) traf(8) tfhd(…)``, one track, data placed relative to the fragment: everything else is refused, since it would no
longer be true at another place in another file. What the index lists as one fragment is one moof and its data: a second moof would
keep its number and its track.
"""

import struct
from typing import Final

from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import FRAGMENT_HEAD

MAX_MOOF: Final = 256 * 1024
"""Bytes, held in memory; a real one has a dozen for each sample, thus some four thousand."""

DATA_HEADER: Final = 16
"""Bytes; eight where the data are not of a size that takes 64 bits."""

BOX_HEADER: Final = 8

_FREE: Final = frozenset({b"free", b"skip"})
_BOX: Final = struct.Struct(">I4s")
_HEAD: Final = struct.Struct(">I4s I4s II I4s I4s I I")
_MFHD_SIZE: Final = 16
_TRAF_AT: Final = 24
_BASE_DATA_OFFSET: Final = 1
_SEQUENCE_AT: Final = 20
_TRACK_AT: Final = 44


def check(data: bytes, size: int) -> int:
    """How long the moof is with which these bytes of a fragment of ``size`` bytes begin.

    :raises Unsupported: where it is not as expected
    """
    if len(data) < FRAGMENT_HEAD:
        raise Unsupported("truncated")
    moof, kind, mfhd, mfhd_kind, _, _, traf, traf_kind, tfhd, tfhd_kind, flags, _ = _HEAD.unpack_from(data)
    kinds = (kind, mfhd_kind, traf_kind, tfhd_kind)
    if kinds != (b"moof", b"mfhd", b"traf", b"tfhd") or mfhd != _MFHD_SIZE or moof > min(size, MAX_MOOF):
        raise Unsupported("unexpected")
    if traf != moof - _TRAF_AT:
        raise Unsupported("several_tracks" if traf < moof - _TRAF_AT else "malformed")
    if tfhd < FRAGMENT_HEAD - 32 or tfhd > traf - 8:
        raise Unsupported("malformed")
    if flags & _BASE_DATA_OFFSET:
        raise Unsupported("outside_data")
    return int(moof)


def check_data(header: bytes, moof: int, size: int) -> int:
    """Where the data that begin behind the moof with these bytes, 16 if there are as many, end in the fragment.

    :raises Unsupported: where they do not begin, or leave less than :func:`check_filling` looks at
    """
    if len(header) < BOX_HEADER:
        raise Unsupported("unexpected")
    length, kind = _BOX.unpack_from(header)
    least = BOX_HEADER
    if length == 1:
        length, least = int.from_bytes(header[BOX_HEADER:DATA_HEADER]), DATA_HEADER
    end = moof + length
    if kind != b"mdat" or length < least or (end != size and end + BOX_HEADER > size):
        raise Unsupported("unexpected")
    return int(end)


def check_filling(header: bytes, room: int) -> None:
    """Whether the 8 bytes behind the data begin a box that is not used for anything and fills the rest of the fragment.

    :raises Unsupported: where they do not
    """
    if len(header) < BOX_HEADER:
        raise Unsupported("truncated")
    length, kind = _BOX.unpack_from(header)
    if kind not in _FREE or length != room:
        raise Unsupported("unexpected")


def edited(data: bytes, *, sequence: int, track: int) -> bytes:
    """The beginning of a fragment as it stands in the new file."""
    changed = bytearray(data)
    struct.pack_into(">I", changed, _SEQUENCE_AT, sequence)
    struct.pack_into(">I", changed, _TRACK_AT, track)
    return bytes(changed)
