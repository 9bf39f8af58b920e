"""What is written over a span as its bytes pass. Pure.

Little of them is held back, and what is not as expected ends the download.
"""

from typing import Protocol

from functions.stream.merge import clusters, fragments
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import AUDIO, BLOCKS, CLUSTER, CLUSTER_HEAD, FRAGMENT, FRAGMENT_HEAD, Part
from functions.stream.merge.mp4 import AUDIO_ID, VIDEO_ID


class Editor(Protocol):
    """Reads a span once, from its first byte on."""

    def feed(self, chunk: bytes) -> bytes:
        """What can be told of the bytes so far.

        :raises Unsupported: where they are not what they should be
        """
        ...

    def rest(self) -> bytes:
        """What was held back; no more comes."""
        ...


def editor(part: Part) -> Editor | None:
    """For one that needs it; None where bytes pass as they are."""
    span = part.span
    if part.source.start >= span.offset + span.edited:
        return None
    if span.edit == FRAGMENT:
        return _Fragment(span.size, sequence=span.number, track=AUDIO_ID if span.origin == AUDIO else VIDEO_ID)
    if span.edit == CLUSTER:
        return _Cluster(span.size)
    if span.edit == BLOCKS:
        return _Blocks(span.number, span.size)
    return None


class _Fragment:
    def __init__(self, size: int, *, sequence: int, track: int) -> None:
        self._size = size
        self._sequence = sequence
        self._track = track
        self._held = bytearray()
        self._moof = 0
        self._passed = 0
        self._end = 0  # of the data, once it is known
        self._filling = b""

    def feed(self, chunk: bytes) -> bytes:
        if self._end:
            return self._looked_at(chunk)
        self._held += chunk
        if len(self._held) < FRAGMENT_HEAD:
            return b""
        self._moof = self._moof or fragments.check(bytes(self._held[:FRAGMENT_HEAD]), self._size)
        if len(self._held) < min(self._moof + fragments.DATA_HEADER, self._size):
            return b""
        header = bytes(self._held[self._moof : self._moof + fragments.DATA_HEADER])
        self._end = fragments.check_data(header, self._moof, self._size)
        return self._looked_at(self.rest())

    def rest(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return fragments.edited(held, sequence=self._sequence, track=self._track) if held else b""

    def _looked_at(self, chunk: bytes) -> bytes:
        """The same bytes, if those behind the data are filling."""
        behind = self._end - self._passed
        self._passed += len(chunk)
        missing = fragments.BOX_HEADER - len(self._filling)
        if missing and behind < len(chunk):
            self._filling += chunk[max(0, behind) :][:missing]
            if len(self._filling) == fragments.BOX_HEADER:
                fragments.check_filling(self._filling, self._size - self._end)
        return chunk


class _Cluster:
    def __init__(self, size: int) -> None:
        self._reach = min(size, CLUSTER_HEAD)
        self._passing = clusters.Passing(size)
        self._held: bytes | None = b""

    def feed(self, chunk: bytes) -> bytes:
        self._passing.feed(chunk)
        if self._held is None:
            return chunk
        self._held += chunk
        return self.rest() if len(self._held) >= self._reach else b""

    def rest(self) -> bytes:
        held, self._held = self._held, None
        return clusters.head(held) + held[CLUSTER_HEAD:] if held else b""


class _Blocks:
    def __init__(self, number: int, size: int) -> None:
        self._renumbering = clusters.Renumbering(old=number >> 8, new=number & 0xFF)
        self._left = size

    def feed(self, chunk: bytes) -> bytes:
        made = self._renumbering.feed(chunk)
        self._left -= len(chunk)
        if not self._left and not self._renumbering.is_complete:
            raise Unsupported("unexpected")
        return made

    def rest(self) -> bytes:
        return self._renumbering.rest()
