"""A file that is stored nowhere: its bytes are some of its own and ranges of two others. Pure.

Size, and every byte, follow from the layout alone, so that any range can be served without those before it.
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from shared.sources import ByteRange

Track: TypeAlias = Literal[0, 1]
Origin: TypeAlias = Literal[0, 1, 2]
VIDEO: Final = 0
AUDIO: Final = 1
OWN: Final = 2

Edit: TypeAlias = Literal[0, 1, 2, 3]
PLAIN: Final = 0
FRAGMENT: Final = 1
"""MP4: its sequence number and track."""
CLUSTER: Final = 2
"""WebM: what its beginning says of its place in the file."""
BLOCKS: Final = 3
"""WebM: the same, and the track number of every block."""

FRAGMENT_HEAD: Final = 48
CLUSTER_HEAD: Final = 64


class Span(Struct, frozen=True, array_like=True, gc=False):
    """``size`` bytes from ``offset`` on: of the video, of the sound, or of the layout's own.

    :param number: for :data:`FRAGMENT` its sequence number, for :data:`BLOCKS` the track number they get
    """

    origin: Origin
    offset: int
    size: int
    edit: Edit = PLAIN
    number: int = 0

    @property
    def edited(self) -> int:
        """Bytes at the beginning that can only be made together with all those before them."""
        reach = (0, FRAGMENT_HEAD, CLUSTER_HEAD, self.size)[self.edit]
        return min(reach, self.size)


class Part(Struct, frozen=True):
    """What a range takes of one span: made from ``source``, less the first ``skip`` bytes, no more than ``length``."""

    span: Span
    source: ByteRange
    skip: int
    length: int


class Layout(Struct, frozen=True, kw_only=True, dict=True):
    """The spans in order, each of at least one byte."""

    form: Literal["mp4", "progressive", "webm"]
    own: bytes
    spans: tuple[Span, ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(span.size for span in self.spans))

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._ends[-1]

    @property
    def weight(self) -> int:
        """Roughly the bytes of memory it takes."""
        return len(self.own) + 200 * len(self.spans)

    def parts(self, wanted: ByteRange) -> Iterator[Part]:
        """What a range within the file consists of, in order."""
        index = bisect_right(self._ends, wanted.start)
        while index < len(self.spans):
            span, end = self.spans[index], self._ends[index]
            begins = end - span.size
            if begins >= wanted.end:
                return
            yield _part(span, max(0, wanted.start - begins), min(span.size, wanted.end - begins))
            index += 1

    def need(self, wanted: ByteRange, origin: Origin) -> ByteRange | None:
        """The bytes of one source from which a range is made: those between them that are not used are few."""
        first = next((part for part in self.parts(wanted) if part.span.origin == origin), None)
        if first is None:
            return None
        index = bisect_right(self._ends, wanted.end - 1)
        while self.spans[index].origin != origin:
            index -= 1
        span, begins = self.spans[index], self._ends[index] - self.spans[index].size
        last = _part(span, max(0, wanted.start - begins), min(span.size, wanted.end - begins))
        return ByteRange(first.source.start, last.source.end)


def _part(span: Span, start: int, end: int) -> Part:
    """Bytes ``[start, end)`` of a span."""
    if start >= span.edited:
        return Part(span, ByteRange(span.offset + start, span.offset + end), 0, end - start)
    # An edit of the whole span needs nothing that comes after the byte it makes; the others check what they have at once.
    reach = end if span.edit == BLOCKS else max(end, span.edited)
    return Part(span, ByteRange(span.offset, span.offset + reach), start, end - start)
