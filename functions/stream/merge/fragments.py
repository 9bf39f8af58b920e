"""Fragments of an MP4 file, seen from their beginnings: whether one is as expected, and what is written over it. Pure.

``moof(8) mfhd(16) traf(8) tfhd(…)``, one track, data placed relative to the fragment: everything else is refused, since it would no
longer be true at another place in another file.
"""

import struct
from typing import Final

from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import FRAGMENT_HEAD

MAX_MOOF: Final = 1024 * 1024
"""Bytes; a real one has a dozen for each sample."""

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


def check_data(header: bytes, moof: int, size: int) -> None:
    """Whether the 16 bytes behind the moof begin the data that fills the fragment; free space may follow.

    :raises Unsupported: where they do not
    """
    length, kind = struct.unpack_from(">I4s", header)
    if length == 1:
        length = int.from_bytes(header[8:16])
    if kind != b"mdat" or length < 8 or moof + length > size:  # noqa: PLR2004 - the header itself
        raise Unsupported("unexpected")


def edited(data: bytes, *, sequence: int, track: int) -> bytes:
    """The beginning of a fragment as it stands in the new file."""
    changed = bytearray(data)
    struct.pack_into(">I", changed, _SEQUENCE_AT, sequence)
    struct.pack_into(">I", changed, _TRACK_AT, track)
    return bytes(changed)
