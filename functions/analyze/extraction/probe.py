"""One byte of the best files, asked for the way a download will: it proves length, token and address before anybody relies on them.

A URL with a refused token answers its first minute and 403 beyond, so it is the last byte that tells; and only bounded ranges are
honest, HEAD and open ranges are refused for other reasons. A file whose length is unknown gives it with its first byte.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from functions.analyze.extraction.formats import UNKNOWN_SIZE, Candidate
from shared.sources import ByteRange, Source
from shared.upstream import Upstream, UpstreamError

CONCURRENCY: Final = 6
PATIENCE: Final = 10.0
"""Seconds for all probes together: what is not proved by then is offered unproved."""

MAX_WAIT: Final = 6.0
"""Seconds a probe waits for a file that is not available yet: an advertisement of 5 s comes first, told in whole seconds."""

log = structlog.get_logger()


class Probed(Struct, frozen=True, kw_only=True):
    """What can be offered, and what the source refused to hand out."""

    candidates: list[Candidate]
    refused: list[Candidate]


class _Answer(Struct, frozen=True):
    """``size`` in bytes, None where the probe did not tell."""

    size: int | None = None
    is_refused: bool = False


async def probe(found: list[Candidate], upstream: Upstream, *, timeout: float) -> Probed:
    """Look at the best video and the best sound and at whatever lacks a length; after a refusal, at everything.

    :param found: best first.
    """
    answers: dict[str, _Answer] = {}
    first = to_probe(found)
    try:
        async with asyncio.timeout(min(PATIENCE, max(0.0, timeout))):
            await _ask(first, upstream, answers)
            if any(answer.is_refused for answer in answers.values()):
                await _ask([candidate for candidate in found if candidate.format.format_id not in answers], upstream, answers)
    except TimeoutError:
        log.warning("probe ended early", asked=len(first), answered=len(answers))
    return judged(found, answers.get)


def to_probe(found: Iterable[Candidate]) -> list[Candidate]:
    """The best video, the best sound, and every file of unknown length."""
    found = list(found)
    video = next((candidate for candidate in found if candidate.format.video_codec), None)
    audio = next((candidate for candidate in found if candidate.format.video_codec is None), None)
    return [
        candidate
        for candidate in found
        if candidate is video or candidate is audio or candidate.source.identity.size == UNKNOWN_SIZE
    ]


def seconds_to_wait(found: Iterable[Candidate], *, now: float) -> float:
    """Until the probe may begin; files that come later are offered unproved."""
    waits = ((candidate.source.available_at or 0.0) - now for candidate in to_probe(found))
    return max((wait for wait in waits if 0.0 < wait <= MAX_WAIT), default=0.0)


def judged(found: list[Candidate], answer_for: Callable[[str], _Answer | None]) -> Probed:
    """What the answers mean: sizes filled or corrected, the refused and those without any length taken out."""
    kept, refused = [], []
    for candidate in found:
        answer = answer_for(candidate.format.format_id) or _Answer()
        size = answer.size or candidate.source.identity.size
        if answer.is_refused:
            refused.append(candidate)
        elif size != UNKNOWN_SIZE:
            kept.append(candidate if size == candidate.source.identity.size else candidate.sized(size))
    return Probed(candidates=kept, refused=refused)


async def _ask(some: list[Candidate], upstream: Upstream, answers: dict[str, _Answer]) -> None:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def ask(candidate: Candidate) -> None:
        async with slots:
            answers[candidate.format.format_id] = await _probe(candidate.source, upstream)

    async with asyncio.TaskGroup() as group:
        for candidate in some:
            group.create_task(ask(candidate))


async def _probe(source: Source, upstream: Upstream) -> _Answer:
    wait = (source.available_at or 0.0) - time.time()
    if wait > MAX_WAIT:
        return _Answer()
    await asyncio.sleep(max(0.0, wait))
    last = max(0, source.identity.size - 1)
    try:
        async with upstream.open_range(source, ByteRange(last, last + 1)) as response:
            async for _ in response.chunks:
                pass
            return _Answer(size=response.total)
    except UpstreamError as error:
        if error.reason == "changed" and source.identity.size != UNKNOWN_SIZE:
            # Not the length YouTube's list says: ask for the first byte, which exists whatever the length is.
            return await _probe(replace(source, identity=replace(source.identity, size=UNKNOWN_SIZE)), upstream)
        log.info("probe failed", format_id=source.format_id, reason=error.reason)
        return _Answer(is_refused=error.reason == "refused")
