"""Layouts in the store: those that take the beginning of every fragment, for the other replicas and for resumes.

Whoever may write to the store might write anything: what is read is either a layout that these two files can have, or nothing.
"""

import zlib
from typing import Final, Protocol

import msgspec
import structlog
from redis.exceptions import RedisError

from functions.stream.merge.layout import FRAGMENT, OWN, PLAIN, Layout, Span

SECONDS: Final = 3600
"""In the store, since it was last asked for."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Unpacked: two tracks with as many samples as there may be take less."""

_MAX_NUMBER: Final = (1 << 32) - 1

_DECODER: Final = msgspec.msgpack.Decoder(Layout)

log = structlog.get_logger()


class LayoutStore(Protocol):
    """What is read from and written to the store."""

    async def layout(self, version: str, *, seconds: int) -> bytes | None:
        """What was kept under this name; from now on for so long."""

    async def keep_layout(self, version: str, data: bytes, *, seconds: int) -> None:
        """Keep it for so long."""


class Kept:
    """Without the store, all is found anew."""

    def __init__(self, store: LayoutStore) -> None:
        self._store = store

    async def layout(self, version: str, sizes: tuple[int, int]) -> Layout | None:
        """If there is one.

        :param sizes: bytes of the video and of the sound
        """
        try:
            data = await self._store.layout(version, seconds=SECONDS)
        except RedisError as error:
            log.warning("layout not looked up", error=type(error).__name__)
            return None
        return None if data is None else unpacked(data, sizes)

    async def keep(self, version: str, layout: Layout) -> None:
        """For whoever asks next."""
        try:
            await self._store.keep_layout(version, packed(layout), seconds=SECONDS)
        except RedisError as error:
            log.warning("layout not kept", error=type(error).__name__)


def packed(layout: Layout) -> bytes:
    """As it is stored. Pure."""
    return zlib.compress(msgspec.msgpack.encode(layout))


def unpacked(data: bytes, sizes: tuple[int, int]) -> Layout | None:
    """What was packed; None where it is nothing that files of these sizes can have. Pure."""
    unpacking = zlib.decompressobj()
    try:
        layout = _DECODER.decode(unpacking.decompress(data, MAX_BYTES))
    except (zlib.error, msgspec.DecodeError):
        return None
    return layout if unpacking.eof and _is_sound(layout, sizes) else None


def _is_sound(layout: Layout, sizes: tuple[int, int]) -> bool:
    """Whether every span is there to be read, each source in order, with no edit but those of MP4."""
    read = [0, 0, 0]
    for span in layout.spans:
        if span.size < 1 or span.offset < read[span.origin] or not _is_edited_well(span):
            return False
        read[span.origin] = span.offset + span.size
    return read[OWN] > 0 and all(at <= end for at, end in zip(read, (*sizes, len(layout.own)), strict=True))


def _is_edited_well(span: Span) -> bool:
    return span.edit == PLAIN or (span.edit == FRAGMENT and span.origin != OWN and 0 <= span.number <= _MAX_NUMBER)
