"""A task is ended before whoever ends it."""

import asyncio
import gc
from contextlib import suppress

import pytest

from shared.ending import end


class Stubborn:
    """Loses so many cancellations."""

    def __init__(self, losses: int) -> None:
        self.losses = losses
        self.began = asyncio.Event()

    async def run(self) -> None:
        self.began.set()
        while self.losses:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            self.losses -= 1
        await asyncio.Event().wait()


async def test_a_task_that_loses_cancellations_is_cancelled_again() -> None:
    stubborn = Stubborn(2)
    task = asyncio.create_task(stubborn.run())
    await stubborn.began.wait()
    await end(task)
    assert task.cancelled()


async def test_who_is_cancelled_meanwhile_is_so_after_the_task() -> None:
    stubborn = Stubborn(2)
    task = asyncio.create_task(stubborn.run())
    await stubborn.began.wait()
    ending = asyncio.create_task(end(task))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.done()


async def test_none_of_several_is_forgotten_for_it() -> None:
    some = [Stubborn(1), Stubborn(1)]
    tasks = [asyncio.create_task(one.run()) for one in some]
    for one in some:
        await one.began.wait()
    ending = asyncio.create_task(end(*tasks))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_is_done_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "result"))
    await task
    await end(task)
    assert task.result() == "result"


async def test_nobody_complains_of_what_failed_at_its_end() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def fails_at_its_end() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            raise ValueError

    failing = asyncio.create_task(fails_at_its_end())
    await asyncio.sleep(0)  # it has begun
    await end(failing)
    del failing
    gc.collect()
    assert complaints == []
