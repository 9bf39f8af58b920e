"""The children: always as many as there are slots, warm before they are needed, replaced when used up or suspect."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import structlog

from functions.analyze.extraction.process import Child, ChildError

MAX_JOBS: Final = 200
MAX_MEMORY: Final = 400 << 20
"""Bytes above which a child is replaced after its job; 60 to 100 MB are usual."""

Starting: TypeAlias = asyncio.Task[Child]

log = structlog.get_logger()


class Pool:
    """Lends children, one borrower each. Made by :meth:`open`."""

    def __init__(self, environment: Mapping[str, str], *, children: int, max_jobs: int, max_memory: int) -> None:
        self._environment = environment
        self._max_jobs = max_jobs
        self._max_memory = max_memory
        self._slots = asyncio.Semaphore(children)
        self._all: set[Starting] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._free = [self._start() for _ in range(children)]

    @classmethod
    @asynccontextmanager
    async def open(
        cls, environment: Mapping[str, str], *, children: int, max_jobs: int = MAX_JOBS, max_memory: int = MAX_MEMORY
    ) -> AsyncIterator["Pool"]:
        """``children`` processes, started in the background; at the end none is left."""
        pool = cls(environment, children=children, max_jobs=max_jobs, max_memory=max_memory)
        try:
            yield pool
        finally:
            await pool._close()

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[Child]:
        """A warm child. Left with an exception or cancelled, it is killed and another one is started.

        :raises ChildError: if it does not start
        """
        async with self._slots:
            starting = self._take()
            is_reusable = False
            try:
                # Shielded: a borrower who gives up leaves a child that is just starting to the next one.
                child = await asyncio.shield(starting)
                yield child
                is_reusable = child.is_alive and child.jobs < self._max_jobs and child.memory < self._max_memory
            finally:
                if is_reusable or not starting.done():
                    self._free.append(starting)
                else:
                    self._free.append(self._start())
                    await asyncio.shield(self._end(starting))

    def _take(self) -> Starting:
        """One that is ready before one that is still starting; none that died while it was idle.

        The one used last first: it still has the players it took apart.
        """
        taken = next((starting for starting in reversed(self._free) if starting.done()), self._free[0])
        self._free.remove(taken)
        if taken.done() and not _is_alive(taken):
            self._end(taken)
            return self._start()
        return taken

    def _start(self) -> Starting:
        starting = asyncio.create_task(Child.start(self._environment))
        starting.add_done_callback(_note_failure)
        self._all.add(starting)
        return starting

    def _end(self, starting: Starting) -> "asyncio.Task[None]":
        """Kill in a task of its own, so that a borrower cancelled twice does not leave it half done."""

        async def kill() -> None:
            if not starting.cancelled() and starting.exception() is None:
                await starting.result().kill()
            self._all.discard(starting)

        ending = asyncio.create_task(kill())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return ending

    async def _close(self) -> None:
        for starting in self._all:
            starting.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)
        await asyncio.gather(*(self._end(starting) for starting in list(self._all)))


def _is_alive(started: Starting) -> bool:
    return not started.cancelled() and started.exception() is None and started.result().is_alive


def _note_failure(starting: Starting) -> None:
    if not starting.cancelled() and (error := starting.exception()) is not None:
        log.warning("extraction child did not start", error=str(error) if isinstance(error, ChildError) else type(error).__name__)
