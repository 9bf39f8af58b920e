"""How far a download reads ahead, and over how many connections. Pure.

One connection streams straight through: its pieces may be as long as an upstream range, since nothing of them is kept. Pieces
fetched before their turn are kept until it comes, so that all of them together fit into the window.
"""

import math
from typing import Final

from msgspec import Struct

from shared.sources import ByteRange
from shared.upstream import MAX_RANGE

WINDOW: Final = 8 * 1024 * 1024
"""Bytes of one download that may be in memory, or on the way into it, before their turn."""

FIRST_PIECE: Final = 512 * 1024
"""Bytes of the first range: what has to be validated before the client gets its headers."""

SPARE_PIECES: Final = 2
"""Pieces in the window beyond one for each connection: nobody idles because the one whose turn it is happens to be slow."""

JITTER: Final = 0.05
"""Not every range has the same length: those are easily told from a player's."""

SWALLOWED: Final = 1024 * 1024
"""Bytes that sockets between us and a client may take from us at once, however slow it is."""

FAST_ENOUGH: Final = 96 * 1024 * 1024
"""Bytes per second of one connection beyond which a second one costs CPU time and gains nothing."""


class Pace(Struct, frozen=True, kw_only=True):
    """Bytes per second, as last measured; infinite where nobody had to wait."""

    client: float
    connection: float
    taken: int  # bytes that the client has taken in all


def connections(pace: Pace, *, most: int) -> int:
    """How many connections to use next: as many as the client is faster than one of them."""
    if pace.taken < SWALLOWED or pace.connection >= FAST_ENOUGH or pace.client <= pace.connection:
        return 1
    return most if math.isinf(pace.client) else min(most, math.ceil(pace.client / pace.connection))


def longest_piece(connections: int) -> int:
    """Bytes of a piece at most, with so many connections."""
    return MAX_RANGE if connections == 1 else min(MAX_RANGE, WINDOW // (connections + SPARE_PIECES))


def next_piece(start: int, end: int, *, previous: int, connections: int, chance: float) -> ByteRange:
    """The piece of ``[start, end)`` that comes next: twice as long as the one before, within bounds, and not quite.

    :param previous: length of the piece before, 0 for the first
    :param chance: from 0 to 1
    """
    if previous == 0:
        length = FIRST_PIECE
    else:
        length = round(min(2 * max(previous, FIRST_PIECE), longest_piece(connections)) * (1 - JITTER * chance))
    return ByteRange(start, min(end, start + length))
