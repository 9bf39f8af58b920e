"""Who may read for a layout, and when."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from functions.stream.merge.turns import AT_ONCE, OF_ONE_CLIENT, Turns
from shared.problems import ProblemError


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.merge.turns.PATIENCE", 0.01)


@pytest.mark.usefixtures("hurried")
async def test_a_client_has_a_few_and_delays_nobody_else() -> None:
    turns = Turns()
    async with AsyncExitStack() as held:
        for _ in range(OF_ONE_CLIENT):
            await held.enter_async_context(turns.of_client("one"))
        with pytest.raises(ProblemError) as refused:
            await held.enter_async_context(turns.of_client("one"))
        assert (refused.value.code, refused.value.retry_after) == ("too_many_downloads", 10)
        await held.enter_async_context(turns.of_client("another"))


@pytest.mark.usefixtures("hurried")
async def test_all_of_them_together_have_a_bound() -> None:
    turns = Turns()
    async with AsyncExitStack() as held:
        for _ in range(AT_ONCE):
            await held.enter_async_context(turns.of_all())
        with pytest.raises(ProblemError):
            await held.enter_async_context(turns.of_all())
    for _ in range(AT_ONCE):  # who has waited in vain holds nothing
        async with turns.of_all():
            pass


async def test_whoever_waits_is_next() -> None:
    turns, order = Turns(), []

    async def take(number: int) -> None:
        async with turns.of_client("one"):
            order.append(number)

    async with AsyncExitStack() as held:
        for _ in range(OF_ONE_CLIENT):
            await held.enter_async_context(turns.of_client("one"))
        waiting = [asyncio.create_task(take(number)) for number in range(5)]
        await asyncio.sleep(0)
        assert not order
        waiting[0].cancel()
    await asyncio.gather(*waiting[1:])
    assert order == [1, 2, 3, 4]
