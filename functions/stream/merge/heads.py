"""Reading what a layout follows from: the beginnings of two files and, for a short one, of their fragments."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from typing import Final

from functions.stream.merge import choice, fragments, mp4_head
from functions.stream.merge.choice import Container, Head
from functions.stream.merge.errors import Short, Unsupported
from functions.stream.merge.layout import AUDIO, FRAGMENT_HEAD, VIDEO, Track
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.reader import Open
from functions.stream.merge.together import together
from shared.sources import ByteRange, Source

BEHIND_INDEX: Final = 8192
"""Bytes read beyond the index: the whole moof of the first fragment is there."""

WITHOUT_INDEX: Final = 32 * 1024
"""Bytes read first where nobody has said how long the index is."""

MAX_ROUNDS: Final = 5

MOST_BEHIND: Final = 4
"""Boxes behind the last fragment; a real file has one or none."""

SPARE: Final = 256

MAX_BEGINNINGS: Final = 16 * 1024 * 1024
"""Bytes of the beginnings of all fragments, read for a file without them; real ones have a million at most."""


async def read_heads(video: Source, audio: Source, kind: Container, open_source: Open) -> tuple[Head, Head]:
    """Both at once.

    :raises Unsupported: where a file is not what can be merged
    :raises ProblemError: where it cannot be had
    """
    first, second = await together(_head(video, VIDEO, kind, open_source), _head(audio, AUDIO, kind, open_source))
    return first, second


async def _head(source: Source, track: Track, kind: Container, open_source: Open) -> Head:
    size = source.identity.size
    need = WITHOUT_INDEX if source.index_range is None else source.index_range.end + BEHIND_INDEX
    data = b""
    for _ in range(MAX_ROUNDS):
        data += await _bytes(open_source, track, ByteRange(len(data), min(need, size, choice.MAX_HEAD)))
        try:
            # The cues of ten hours take a fifth of a second: meanwhile others go on.
            head = await asyncio.to_thread(choice.read_head, data, size, kind)
        except Short as short:
            need = short.needed + BEHIND_INDEX
        else:
            if isinstance(head, Mp4):
                await _check_filling(open_source, track, head.index.offsets[0], head.index.sizes[0], head.first_end)
                await _check_behind(open_source, track, head.index.offsets[-1], size)
            return head
    raise Unsupported("malformed")


async def read_beginnings(video: Mp4, audio: Mp4, open_source: Open, *, at_once: int) -> tuple[list[bytes], list[bytes]]:
    """Of every fragment the bytes up to its media, so many requests at a time. Behind its media is nothing that is used.

    :raises Unsupported: where a fragment is not as expected; ``too_large``
    :raises ProblemError: where one cannot be had
    """
    room = MAX_BEGINNINGS
    found: dict[Track, list[bytes]] = {VIDEO: [b""] * len(video.index.sizes), AUDIO: [b""] * len(audio.index.sizes)}
    jobs = _jobs(video, audio)

    async def some(track: Track, part: ByteRange) -> bytes:
        """Of both tracks together no more than there is room for: what is under way counts, and what was read in vain."""
        nonlocal room
        room -= part.length
        if room < 0:
            raise Unsupported("too_large")
        return await _bytes(open_source, track, part)

    async def work() -> None:
        for track, which, at, size, guess in jobs:
            data = await some(track, ByteRange(at, at + min(size, guess)))
            moof = fragments.check(data[:FRAGMENT_HEAD], size)
            need = min(moof + fragments.DATA_HEADER, size)
            if need > len(data):
                data += await some(track, ByteRange(at + len(data), at + need))
            await _check_filling(open_source, track, at, size, fragments.check_data(data[moof:need], moof, size))
            found[track][which] = data[:moof]

    await together(*(work() for _ in range(at_once)))
    return found[VIDEO], found[AUDIO]


def _jobs(video: Mp4, audio: Mp4) -> Iterator[tuple[Track, int, int, int, int]]:
    """Track, number, place and size of every fragment, and how many bytes its moof is likely to have: as many as the first's."""
    tracks: tuple[tuple[Track, Mp4], ...] = ((VIDEO, video), (AUDIO, audio))
    for track, about in tracks:
        guess = about.first_moof * 5 // 4 + SPARE
        for which, (at, size) in enumerate(zip(about.index.offsets[:-1], about.index.sizes, strict=True)):
            yield track, which, at, size, guess


async def _check_filling(open_source: Open, track: Track, at: int, size: int, end: int) -> None:
    """Of the fragment of ``size`` bytes at ``at``, whose data do not reach its end where something fills it."""
    if end < size:
        header = await _bytes(open_source, track, ByteRange(at + end, at + end + fragments.BOX_HEADER))
        fragments.check_filling(header, size - end)


async def _check_behind(open_source: Open, track: Track, at: int, size: int) -> None:
    """There are no media behind the last fragment that the index lists."""
    for _ in range(MOST_BEHIND):
        if at == size:
            return
        header = await _bytes(open_source, track, ByteRange(at, min(at + mp4_head.LARGEST_HEADER, size)))
        at += mp4_head.behind(header, size - at)
    raise Unsupported("incomplete_index")


async def _bytes(open_source: Open, track: Track, part: ByteRange) -> bytes:
    async with aclosing(open_source(track, part)) as chunks:
        return b"".join([chunk async for chunk in chunks])
