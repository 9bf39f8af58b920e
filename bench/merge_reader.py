"""What the reader of a layout costs by itself: its sources are in memory, in pieces of 256 KiB."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from bench.figures import Figure
from bench.scale import GIB, Scale
from functions.stream.merge import ebml
from functions.stream.merge.layout import AUDIO, BLOCKS, CLUSTER, VIDEO, Layout, Origin, Span, Track
from functions.stream.merge.reader import read
from shared.sources import ByteRange

SECONDS: Final = 10
"""Of every file, as long as a cluster of sound is; it is read again and again."""

SOUND: Final = 16_000
VIDEOS: Final = {"1080p, 4 Mb/s": 500_000, "2160p, 20 Mb/s": 2_500_000}
"""Bytes per second, both."""

PIECE: Final = 256 * 1024


class Merged(Struct, frozen=True, kw_only=True):
    """A layout and the whole of both files."""

    layout: Layout
    sources: Mapping[Origin, Sequence[bytes]]


def measure(scale: Scale) -> list[Figure]:
    return [
        Figure(name=f"reader alone, {form}, {name}", value=_cost(merged, scale.body), unit="CPU-s/GiB")
        for name, speed in VIDEOS.items()
        for form, merged in (("MP4 without fragments", _mp4(speed)), ("WebM", _webm(speed)))
    ]


def _mp4(speed: int) -> Merged:
    """A second of each in turn, and nothing to change."""
    tracks: tuple[tuple[Track, int], ...] = ((VIDEO, speed), (AUDIO, SOUND))
    spans = [Span(track, second * size, size) for second in range(SECONDS) for track, size in tracks]
    return Merged(
        layout=Layout(form="progressive", own=b"", spans=tuple(spans)),
        sources={track: _pieces(bytes(SECONDS * size)) for track, size in tracks},
    )


def _webm(speed: int) -> Merged:
    """Two clusters of video, of which the beginnings change, and one of sound, of which every block does."""
    picture = _cluster(SECONDS // 2 * speed, blocks=1)
    sound = _cluster(SECONDS * SOUND, blocks=50 * SECONDS)
    spans = (
        Span(VIDEO, 0, len(picture), CLUSTER),
        Span(AUDIO, 0, len(sound), BLOCKS, 1 << 8 | 2),
        Span(VIDEO, len(picture), len(picture), CLUSTER),
    )
    return Merged(layout=Layout(form="webm", own=b"", spans=spans), sources={VIDEO: _pieces(picture * 2), AUDIO: _pieces(sound)})


def _cluster(size: int, *, blocks: int) -> bytes:
    """Of track 1; of so many bytes, headers not counted."""
    body = b"\x81\0\0\x80" + bytes(size // blocks)
    return ebml.make(ebml.CLUSTER, ebml.make_number(ebml.TIMESTAMP, 0, 4) + ebml.make(ebml.SIMPLE_BLOCK, body) * blocks)


def _pieces(data: bytes) -> Sequence[bytes]:
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def _cost(merged: Merged, size: int) -> float:
    """CPU seconds per GiB, of at least so many bytes."""
    used = time.process_time()
    total = asyncio.run(_drained(merged, size))
    return (time.process_time() - used) * GIB / total


async def _drained(merged: Merged, size: int) -> int:
    async def open_source(origin: Origin, part: ByteRange) -> AsyncGenerator[bytes, None]:
        assert part.length == sum(map(len, merged.sources[origin]))
        for piece in merged.sources[origin]:
            yield piece

    total = 0
    while total < size:
        async for chunk in read(merged.layout, ByteRange(0, merged.layout.size), open_source):
            total += len(chunk)
    return total
