"""Where a file is, as the pieces of one download learn of it together."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from msgspec.structs import replace

from functions.stream.location import EXPIRY_MARGIN, Location, Renewal
from shared.problems import ProblemError
from shared.sources import ByteRange, Source
from shared.upstream import RangeAnswer, Upstream, UpstreamError
from tests.unit.test_stream_headers import SOURCE

PART = ByteRange(0, 10)
HERE = replace(SOURCE, expires_at=4e9)


class Dated:
    """Answers are dated as the next in line; each waits until it may come."""

    def __init__(self, *dates: int) -> None:
        self._dates = list(dates)
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    @asynccontextmanager
    async def open_range(self, source: Source, wanted: ByteRange, *, url: str | None = None) -> AsyncIterator[RangeAnswer]:
        date = self._dates.pop(0)
        await self.may_answer.wait()
        yield RangeAnswer(total=10, last_modified=date, url=url or source.url, chunks=self._nothing())

    async def _nothing(self) -> AsyncGenerator[bytes, None]:
        return
        yield


class Renewals:
    """Each takes until it may end, then gives another URL or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.count = 0
        self.may_end = asyncio.Event()
        self._fails = fails

    async def __call__(self, stale: Source) -> Source:
        self.count += 1
        await self.may_end.wait()
        if self._fails:
            raise ProblemError("bot_check")
        return replace(stale, url=f"{stale.url}&fresh={self.count}", expires_at=4e9)


def location(renew: Renewal, source: Source = HERE, upstream: object = None) -> Location:
    return Location(cast("Upstream", upstream), source, renew=renew)


async def opened(where: Location) -> None:
    async with where.open(PART, url=None):
        pass


async def test_an_answer_that_comes_after_its_url_was_replaced_must_still_be_of_the_same_file() -> None:
    renewals, upstream = Renewals(), Dated(1, 2)
    renewals.may_end.set()
    where = location(renewals, upstream=upstream)
    await opened(where)
    upstream.may_answer.clear()
    late = asyncio.create_task(opened(where))
    await asyncio.sleep(0)
    await where.replace(HERE)
    upstream.may_answer.set()
    with pytest.raises(UpstreamError) as caught:
        await late
    assert caught.value.reason == "changed"
    assert where.url is None


async def test_dates_of_a_fresh_url_are_its_own() -> None:
    renewals = Renewals()
    renewals.may_end.set()
    where = location(renewals, upstream=Dated(1, 2, 2))
    await opened(where)
    await where.replace(HERE)
    await opened(where)
    await opened(where)


async def test_nobody_else_waits_for_a_url_that_is_replaced_early() -> None:
    renewals = Renewals()
    where = location(renewals, replace(HERE, expires_at=time.time() + EXPIRY_MARGIN - 1))
    first = asyncio.create_task(where.ready())
    await asyncio.sleep(0)
    await where.ready()
    assert not first.done()
    renewals.may_end.set()
    await first
    assert renewals.count == 1
    assert where.source.expires_at == 4e9


@pytest.mark.parametrize("fails", [False, True])
async def test_one_renewal_serves_all_who_wait_for_it_in_vain_too(fails: bool) -> None:
    renewals = Renewals(fails=fails)
    where = location(renewals)
    waiting = [asyncio.create_task(where.replace(HERE)) for _ in range(4)]
    await asyncio.sleep(0)
    renewals.may_end.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert renewals.count == 1
    assert [getattr(end, "code", None) for end in ends] == ["bot_check" if fails else None] * 4


async def test_a_failure_is_no_answer_for_those_who_ask_later() -> None:
    renewals = Renewals(fails=True)
    renewals.may_end.set()
    where = location(renewals)
    for _ in range(2):
        with pytest.raises(ProblemError):
            await where.replace(HERE)
    assert renewals.count == 2
