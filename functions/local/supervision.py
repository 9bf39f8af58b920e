"""Start in order, watch, stop in the opposite order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

from msgspec import Struct

from functions.local.child import Child, Spec
from functions.local.failure import LaunchError
from functions.local.guardian import Guardian
from functions.local.stopping import StopRequestedError, StopRequests

POLL: Final = 0.05


class Condition(Struct, frozen=True, kw_only=True):
    """What must hold before the next stage: ``check(address)``, asked until it is so."""

    name: str
    address: str
    check: Callable[[str], Awaitable[bool]]
    patience: float = 30.0


class Stage(Struct, frozen=True, kw_only=True):
    """Children that start together, and what must hold before the next stage does."""

    children: tuple[Spec, ...]
    conditions: tuple[Condition, ...]


async def supervise(stages: Sequence[Stage], *, requests: StopRequests, announce: Callable[[], None]) -> None:
    """Run the stages until something ends them; on the way out everything has stopped.

    :raises LaunchError: a child died or something did not become ready.
    :raises StopRequestedError: a signal arrived.
    """
    async with AsyncExitStack() as stack:
        guardian = await stack.enter_async_context(Guardian.start())
        running: list[Child] = []
        for stage in stages:
            for spec in stage.children:
                child = await Child.start(spec)
                guardian.watch(child.pid)
                running.append(child)
                # The stack unwinds from the edge to the store: downloads end first, and whoever still writes has its store.
                stack.push_async_callback(_stop, child, guardian=guardian, hurry=requests.hurry)
            await _unless_interrupted(_hold(stage.conditions), running, requests)
        announce()
        await _unless_interrupted(asyncio.Event().wait(), running, requests)


async def _stop(child: Child, *, guardian: Guardian, hurry: asyncio.Event) -> None:
    await child.stop(hurry=hurry)
    guardian.forget(child.pid)


async def _hold(conditions: Sequence[Condition]) -> None:
    for condition in conditions:
        await _wait_for(condition)


async def _wait_for(condition: Condition) -> None:
    try:
        async with asyncio.timeout(condition.patience):
            while not await condition.check(condition.address):  # noqa: ASYNC110 - another process cannot set an Event
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise LaunchError(f"{condition.name} does not answer after {condition.patience:.0f} s") from None


async def _unless_interrupted(work: Awaitable[object], running: Sequence[Child], requests: StopRequests) -> None:
    """Await ``work``, unless a child dies or someone asks to stop first."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(requests.stop.wait())
    deaths = {asyncio.create_task(child.ended()): child for child in running}
    waits = {working, stopping, *deaths}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if stopping in done:
            raise StopRequestedError
        for death in deaths.keys() & done:
            child = deaths[death]
            words = await child.last_words()
            raise LaunchError(f"{child.spec.name} {death.result()}; its last lines:\n{words or '  (none)'}")
        await working
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)
