"""Clusters of a WebM file: what is written over them, as their bytes pass. Pure.

What tells of a cluster's old place or sum becomes filling of the same size, and blocks get another track number; nothing moves.
"""

from typing import Final

from functions.stream.merge import ebml
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import CLUSTER_HEAD

_STALE: Final = frozenset({ebml.POSITION, ebml.PREVIOUS_SIZE, ebml.CRC})
_ENTERED: Final = frozenset({ebml.CLUSTER, ebml.BLOCK_GROUP})
_BLOCKS: Final = frozenset({ebml.SIMPLE_BLOCK, ebml.BLOCK})
_BLOCK_DURATION, _REFERENCE_BLOCK, _DISCARD_PADDING, _BLOCK_ADDITIONS = 0x9B, 0xFB, 0x75A2, 0x75A1
_PASSED: Final = frozenset(
    {ebml.TIMESTAMP, ebml.VOID, ebml.TAGS, _BLOCK_DURATION, _REFERENCE_BLOCK, _DISCARD_PADDING, _BLOCK_ADDITIONS}
)
MAX_PASSING: Final = 1000
"""Elements from one cluster that the cues name to the next; in a real file that is one."""

_BETWEEN: Final = frozenset({ebml.VOID, ebml.TAGS})
_SHORT_NUMBER: Final = 0x80


def check(data: bytes) -> None:
    """Whether a cluster begins here.

    :raises Unsupported: ``unexpected``, ``unknown_size``, ``malformed``
    """
    head(data)


def head(data: bytes) -> bytes:
    """The first bytes of a cluster, at most :data:`CLUSTER_HEAD`, as they stand in the new file; its blocks keep their number.

    :raises Unsupported: where it is not a cluster
    """
    changed = bytearray(data[:CLUSTER_HEAD])
    cluster = ebml.header(changed, 0)
    if cluster is None or cluster.id != ebml.CLUSTER:
        raise Unsupported("unexpected")
    at = cluster.body
    while at < min(len(changed), cluster.end):
        is_stale = changed[at] in _STALE
        if is_stale:
            changed[at] = ebml.VOID
        element = ebml.header(changed, at)
        if element is None or not (is_stale or element.id in {ebml.TIMESTAMP, ebml.VOID}):
            break
        at = element.end
    return bytes(changed)


class Passing:
    """One or more clusters that fill ``size`` bytes, read once from the first byte on; from each to the next in one step.

    Those behind the first pass as they are, since a range may begin in their midst. They must not tell their place, which is
    another one now; and between them must be nothing that tells of the places of others.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self._next = 0  # where the next one begins, from the bytes that come
        self._held = b""
        self._count = 0

    def feed(self, chunk: bytes) -> None:
        """Look at these bytes, before they pass.

        :raises Unsupported: where they are not what they should be
        """
        data = self._held + chunk if self._held else chunk
        left = self._left + len(self._held)
        at = self._next
        while at < len(data):
            after = self._element(data[at : at + CLUSTER_HEAD], left - at)
            if after is None:
                break
            at += after
        self._left -= len(chunk)
        self._next, self._held = max(0, at - len(data)), data[at:]

    def _element(self, beginning: bytes, left: int) -> int | None:
        """The size of the one that begins like this; None where more of its bytes are needed, ``left`` being as many as come."""
        if len(beginning) < min(left, CLUSTER_HEAD):
            return None
        element = ebml.header(beginning, 0)
        if element is None or element.end > left or element.id not in {ebml.CLUSTER, *_BETWEEN}:
            raise Unsupported("unexpected")
        if self._count == MAX_PASSING or (element.id == ebml.CLUSTER and self._count and _is_placed(beginning)):
            raise Unsupported("unexpected")
        self._count += 1
        return element.end


def _is_placed(beginning: bytes) -> bool:
    """Whether a cluster tells where it is."""
    made = head(beginning)
    return any(before == ebml.POSITION != after for before, after in zip(beginning, made, strict=True))


class Renumbering:
    """The blocks of one or more clusters, read once from the first byte on: at most a dozen bytes are held back.

    :param old: the track number they have, :param new: the one they get; both below 127
    """

    def __init__(self, *, old: int, new: int) -> None:
        self._old = _SHORT_NUMBER | old
        self._new = _SHORT_NUMBER | new
        self._skip = 0
        self._held = b""
        self._is_first = True

    def feed(self, chunk: bytes) -> bytes:
        """What can be told of the bytes so far and of these.

        :raises Unsupported: where they are not what they should be
        """
        data = bytearray(self._held + chunk) if self._held else bytearray(chunk)
        at = self._skip
        while at < len(data):
            after = self._element(data, at)
            if after is None:
                self._skip, self._held = 0, bytes(data[at:])
                return bytes(data[:at])
            at = after
        self._skip, self._held = at - len(data), b""
        return bytes(data)

    def rest(self) -> bytes:
        """What is held back where no more comes, because no more is wanted."""
        held, self._held = self._held, b""
        return held

    @property
    def is_complete(self) -> bool:
        """Whether the bytes so far end with an element."""
        return not self._held and self._skip == 0

    def _element(self, data: bytearray, at: int) -> int | None:
        """Where the next one to look at begins, this one being changed; None where more bytes are needed."""
        if data[at] in _STALE:
            data[at] = ebml.VOID
        element = ebml.header(data, at)
        if element is None:
            return None
        if self._is_first and element.id != ebml.CLUSTER:
            raise Unsupported("unexpected")
        self._is_first = False
        if element.id in _ENTERED:
            return element.body
        if element.id in _BLOCKS:
            if element.body >= len(data):
                return None
            if data[element.body] != self._old:
                raise Unsupported("several_tracks")
            data[element.body] = self._new
        elif element.id not in _PASSED:
            raise Unsupported("unexpected")
        return element.end
