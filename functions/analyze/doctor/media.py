"""Bytes of the best video: the first, many beyond the first minute, and the last.

A URL without a valid PO token answers for the first 60 to 76 seconds of media and refuses what lies beyond, and some refuse by the
length of the range: only a range of more than 1 MiB, far into the file, proves that a download will come to its end.
"""

import asyncio
import time
from typing import Final

from msgspec import Struct

from functions.analyze.doctor.analysis import videos
from functions.analyze.doctor.finding import Finding, bad, good
from functions.analyze.doctor.way_out import explained
from shared.extracted import Extracted
from shared.sources import ByteRange, Source
from shared.upstream import Upstream, UpstreamError

GOOGLEVIDEO: Final = "googlevideo"
MEDIA: Final = "media"
LENGTH: Final = 4 << 20
BEYOND: Final = 120.0
"""Seconds into the video, at its mean rate: a beginning that takes more bytes is allowed for."""

_MIB: Final = 1 << 20


class Far(Struct, frozen=True):
    """Where to look, and whether that proves anything."""

    wanted: ByteRange
    is_proof: bool


class Best(Struct, frozen=True):
    """The video with the most lines, and the seconds it lasts."""

    source: Source
    duration: float | None


def best(found: Extracted) -> Best | None:
    """None where there is no video; of equals the first, which is the best."""
    listed = [item for item in videos(found.media) if item.format_id in found.sources]
    top = max(listed, key=lambda item: item.height or 0, default=None)
    return None if top is None else Best(found.sources[top.format_id], found.media.duration)


def far(size: int, duration: float | None) -> Far:
    """Many bytes beyond the first minute; at a short video's end there are fewer of them, or they prove less."""
    start = round(size * BEYOND / duration) if duration and duration > BEYOND else size
    if size - start > _MIB:
        return Far(ByteRange(start, min(start + LENGTH, size)), is_proof=True)
    return Far(ByteRange(max(0, size - LENGTH), size), is_proof=False)


async def googlevideo(found: Best | None, upstream: Upstream, *, is_proxied: bool) -> Finding:
    """Whether the media hosts answer: one byte."""
    if found is None:
        return bad(GOOGLEVIDEO, "there is no video to ask for", "examine another video with --video")
    await _until_available(found.source)
    try:
        await _fetch(upstream, found.source, ByteRange(0, 1))
    except UpstreamError as error:
        if error.reason == "refused":
            return bad(GOOGLEVIDEO, f"refuses the first byte ({error})", "keep one exit address for everything; update yt-dlp")
        return bad(GOOGLEVIDEO, *explained(error, is_proxied=is_proxied))
    return good(GOOGLEVIDEO, "hands out the first byte")


async def media(found: Best, upstream: Upstream, *, is_proxied: bool) -> Finding:
    """Whether they hand out the whole file, and how fast."""
    size = found.source.identity.size
    place = far(size, found.duration)
    try:
        began = time.monotonic()
        await _fetch(upstream, found.source, place.wanted)
        seconds = time.monotonic() - began
        await _fetch(upstream, found.source, ByteRange(size - 1, size))
    except UpstreamError as error:
        if error.reason == "refused":
            return bad(MEDIA, f"refused beyond the beginning ({error})", "a PO token is missing or not believed: mend the provider")
        return bad(MEDIA, *explained(error, is_proxied=is_proxied))
    return fetched(place, size=size, seconds=seconds)


def fetched(place: Far, *, size: int, seconds: float) -> Finding:
    """How it is said."""
    speed = place.wanted.length / _MIB / max(seconds, 0.001)
    where = "beyond the first minute" if place.is_proof else "of the end"
    text = f"{_mib(place.wanted.length)} {where} and the last byte of {_mib(size)}, {speed:.1f} MiB/s"
    advice = None if place.is_proof else "a short video proves little: examine one of several minutes with --video"
    return good(MEDIA, text, advice=advice)


async def _fetch(upstream: Upstream, source: Source, wanted: ByteRange) -> None:
    async with upstream.open_range(source, wanted) as answer:
        async for _ in answer.chunks:
            pass


async def _until_available(source: Source) -> None:
    await asyncio.sleep(max(0.0, (source.available_at or 0.0) - time.time()))


def _mib(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"
