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

from functions.analyze.extraction.formats import UNKNOWN_SIZE, Candidate, Refused
from shared.sources import ByteRange, Source
from shared.upstream import Upstream, UpstreamError

CONCURRENCY: Final = 6
PATIENCE: Final = 10.0
"""Seconds for all probes together once the files are available: what is not proved by then is offered unproved."""

_FORBIDDEN: Final = frozenset({401, 403})
"""How a URL is refused whose token or address is not the right one; every other refusal says that there is nothing behind it."""

log = structlog.get_logger()


class Probed(Struct, frozen=True, kw_only=True):
    """What can be offered, and what not. ``is_proved``: the best of what is offered has handed out a byte."""

    candidates: list[Candidate]
    refused: list[Refused]
    is_proved: bool


class Answer(Struct, frozen=True):
    """``size`` in bytes, ``refusal`` a code; both are None where the probe did not tell."""

    size: int | None = None
    refusal: str | None = None


async def probe(found: list[Candidate], upstream: Upstream, *, timeout: float) -> Probed:
    """Look at the best video and the best sound and at whatever lacks a length; after a refusal, at everything.

    :param found: best first.
    :param timeout: seconds, in which those that come later than now are waited for as well
    """
    answers: dict[str, Answer] = {}
    first = to_probe(found)
    now = time.time()
    patience = min(timeout, seconds_to_wait(found, now=now, within=timeout) + PATIENCE)

    async def ask(some: list[Candidate]) -> None:
        await _ask([candidate for candidate in some if _wait(candidate, now) <= timeout], upstream, answers)

    try:
        async with asyncio.timeout(max(0.0, patience)):
            await ask(first)
            if any(answer.refusal for answer in answers.values()):
                await ask([candidate for candidate in found if candidate.format.format_id not in answers])
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


def seconds_to_wait(found: Iterable[Candidate], *, now: float, within: float) -> float:
    """Until everything that is probed first is available; what only comes after ``within`` seconds is offered unproved."""
    waits = (_wait(candidate, now) for candidate in to_probe(found))
    return max((wait for wait in waits if wait <= within), default=0.0)


def judged(found: list[Candidate], answer_for: Callable[[str], Answer | None]) -> Probed:
    """What the answers mean: sizes filled or corrected, the refused and those without any length taken out."""
    kept, refused = [], []
    for candidate in found:
        answer = answer_for(candidate.format.format_id) or Answer()
        size = answer.size or candidate.source.identity.size
        if answer.refusal is not None:
            refused.append(Refused(candidate, answer.refusal))
        elif size != UNKNOWN_SIZE:
            kept.append(candidate if size == candidate.source.identity.size else candidate.sized(size))
    told = (answer_for(candidate.format.format_id) for candidate in to_probe(kept))
    return Probed(candidates=kept, refused=refused, is_proved=all(answer and answer.size for answer in told))


def _wait(candidate: Candidate, now: float) -> float:
    return max(0.0, (candidate.source.available_at or 0.0) - now)


async def _ask(some: list[Candidate], upstream: Upstream, answers: dict[str, Answer]) -> None:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def ask(candidate: Candidate) -> None:
        await asyncio.sleep(_wait(candidate, time.time()))
        async with slots:
            answers[candidate.format.format_id] = await _probe(candidate.source, upstream)

    async with asyncio.TaskGroup() as group:
        for candidate in some:
            group.create_task(ask(candidate))


async def _probe(source: Source, upstream: Upstream) -> Answer:
    last = max(0, source.identity.size - 1)
    try:
        async with upstream.open_range(source, ByteRange(last, last + 1)) as response:
            async for _ in response.chunks:
                pass
            return Answer(size=response.total)
    except UpstreamError as error:
        if error.reason == "changed" and source.identity.size != UNKNOWN_SIZE:
            # Not the length YouTube's list says: ask for the first byte, which exists whatever the length is.
            return await _probe(replace(source, identity=replace(source.identity, size=UNKNOWN_SIZE)), upstream)
        log.info("probe failed", format_id=source.format_id, reason=error.reason, status=error.status)
        if error.reason != "refused":
            return Answer()
        return Answer(refusal="token_rejected" if error.status in _FORBIDDEN else "formats_incomplete")
