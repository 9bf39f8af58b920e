"""Work that several wait for."""

import asyncio
import gc

import pytest

from functions.stream.merge.joint import Joint
from tests.streaming import until


class Work:
    """Ends when it is told to; knows how often it was begun, and whether it was ended before."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            return await asyncio.shield(self.told)
        except asyncio.CancelledError:
            self.ended += 1
            raise


async def waiting(joint: Joint[str, str], work: Work, count: int) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(joint.of("a", work)) for _ in range(count)]
    await until(lambda: work.begun > 0)
    return tasks


async def test_it_is_done_once_for_all() -> None:
    joint, work = Joint[str, str](), Work()
    tasks = await waiting(joint, work, 5)
    work.told.set_result("done")
    assert [await task for task in tasks] == ["done"] * 5
    assert work.begun == 1
    assert await joint.of("a", work) == "done"
    assert work.begun == 2, "nothing is remembered"


async def test_a_failure_is_told_to_all() -> None:
    joint, work = Joint[str, str](), Work()
    tasks = await waiting(joint, work, 3)
    work.told.set_exception(ValueError("no"))
    assert [str(error) for error in await asyncio.gather(*tasks, return_exceptions=True)] == ["no"] * 3
    assert work.begun == 1


async def test_whoever_leaves_leaves_the_others_to_it_and_the_last_one_ends_it() -> None:
    joint, work = Joint[str, str](), Work()
    first, second, third = await waiting(joint, work, 3)
    for leaving in (first, third):
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    assert (work.begun, work.ended) == (1, 0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert work.ended == 1
    (again,) = await waiting(joint, work, 1)
    work.told.set_result("done")
    assert await again == "done"


async def test_who_comes_while_it_is_being_ended_begins_anew() -> None:
    joint, work = Joint[str, str](), Work()
    (leaving,) = await waiting(joint, work, 1)
    leaving.cancel()
    await asyncio.sleep(0)  # it has left, and its work does not know yet
    coming = asyncio.create_task(joint.of("a", work))
    with pytest.raises(asyncio.CancelledError):
        await leaving
    work.told.set_result("done")
    assert await coming == "done"
    assert work.begun == 2


async def test_a_failure_after_everybody_has_left_is_no_news() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    joint, began = Joint[str, str](), asyncio.Event()

    async def fail() -> str:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            raise ValueError

    leaving = asyncio.create_task(joint.of("a", fail))
    await began.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    del leaving
    await asyncio.sleep(0)  # the loop lets go of it
    gc.collect()
    assert complaints == []
