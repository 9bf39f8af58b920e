"""The bytes of a layout, from two readers that only go forward.

A source is read once and in order however many spans are taken of it; of what lies between two of them nothing is kept.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Final, TypeAlias

from functions.stream.merge.edits import editor
from functions.stream.merge.errors import Unsupported
from functions.stream.merge.layout import AUDIO, OWN, VIDEO, Layout, Origin, Part
from functions.stream.merge.together import together
from shared.problems import ProblemError
from shared.sources import ByteRange

Open: TypeAlias = Callable[[Origin, ByteRange], AsyncGenerator[bytes, None]]
"""Bytes of one source in order, exactly those, or ProblemError."""

QUANTUM: Final = 64 * 1024
"""Bytes: small spans are put together until there are as many."""


async def read(layout: Layout, wanted: ByteRange, open_source: Open) -> AsyncGenerator[bytes, None]:
    """Bytes of the merged file; the first of them come once both sources have answered, if both are needed.

    :raises ProblemError: when they cannot be had, or are not what they should be: then nothing follows
    """
    async with aclosing(_gathered(_spans(layout, wanted, open_source))) as chunks:
        async for chunk in chunks:
            yield chunk


async def _spans(layout: Layout, wanted: ByteRange, open_source: Open) -> AsyncGenerator[bytes, None]:
    async with AsyncExitStack() as stack:
        sources: dict[int, _Forward] = {}
        for origin in (VIDEO, AUDIO):
            need = layout.need(wanted, origin)
            if need is not None:
                chunks = await stack.enter_async_context(aclosing(open_source(origin, need)))
                sources[origin] = _Forward(chunks, need.start)
        # Who waits for two answers waits for the slower one only.
        await together(*(source.begin() for source in sources.values()))
        for part in layout.parts(wanted):
            if part.span.origin == OWN:
                yield layout.own[part.source.start : part.source.end]
                continue
            async with aclosing(_made(part, sources[part.span.origin])) as made:
                async for chunk in made:
                    yield chunk


class _Forward:
    """One source, never read twice."""

    def __init__(self, chunks: AsyncIterator[bytes], start: int) -> None:
        self._chunks = chunks
        self._at = start  # of the chunk in hand
        self._chunk = b""

    async def begin(self) -> None:
        """The first bytes are there.

        :raises ProblemError: where they are not to be had
        """
        self._chunk = await anext(self._chunks, b"")

    async def take(self, part: ByteRange) -> AsyncGenerator[bytes, None]:
        """These bytes; those before them are dropped."""
        at = part.start
        while at < part.end:
            ends = self._at + len(self._chunk)
            if ends <= at:
                self._at = ends
                self._chunk = await anext(self._chunks, b"")
                if not self._chunk:
                    raise ProblemError("source_unreadable")
                continue
            until = min(ends, part.end)
            whole = at == self._at and until == ends
            yield self._chunk if whole else self._chunk[at - self._at : until - self._at]
            at = until


async def _made(part: Part, source: _Forward) -> AsyncGenerator[bytes, None]:
    """What a range takes of one span, changed where it has to be."""
    editing = editor(part)
    skip, rest = part.skip, part.length
    async with aclosing(source.take(part.source)) as chunks:
        if editing is None:
            async for chunk in chunks:
                yield chunk
            return
        try:
            async for chunk in chunks:
                made = editing.feed(chunk)
                if skip or len(made) > rest:
                    made, skip = made[skip : skip + rest], max(0, skip - len(made))
                rest -= len(made)
                yield made
            yield editing.rest()[skip : skip + rest]
        except Unsupported as error:
            raise ProblemError("source_unreadable", str(error)) from None


async def _gathered(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same bytes in pieces that are worth being sent."""
    waiting: list[bytes] = []
    size = 0
    async with aclosing(chunks):
        async for chunk in chunks:
            waiting.append(chunk)
            size += len(chunk)
            if size >= QUANTUM:
                yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
                waiting, size = [], 0
    if size:
        yield b"".join(waiting)
