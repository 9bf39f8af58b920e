"""One warm child process, seen from the worker. Ending it always ends its whole process group, the JavaScript runtime included."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import structlog

from functions.analyze.extraction import wire
from functions.analyze.extraction.redaction import redact
from functions.analyze.extraction.wire import Job, Line, Message, Ready, Report

START_TIMEOUT: Final = 60.0
"""Seconds until a child must be warm, on a machine that is busy with other things."""

_MAX_MESSAGE: Final = 64 << 20
"""Bytes of one message: a result with hundreds of formats has about one million."""

_STDERR_LINES: Final = 20

log = structlog.get_logger()


class ChildError(Exception):
    """The child died, could not start or does not speak the protocol."""


class Child:
    """A process that serves one job after the other. Made by :meth:`start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._complaints: deque[str] = deque(maxlen=_STDERR_LINES)
        self._listening = asyncio.create_task(self._listen())
        self.jobs = 0
        self.memory = 0  # bytes, as of its last report

    @classmethod
    async def start(cls, environment: Mapping[str, str]) -> "Child":
        """A child that is ready for a job.

        :raises ChildError: if it does not become ready
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "functions.analyze.extraction.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            cwd=environment["HOME"],
            start_new_session=True,
            limit=_MAX_MESSAGE,
        )
        child = cls(process)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                message = await child._receive()
        except BaseException as error:
            await child.kill()
            if isinstance(error, TimeoutError):
                raise ChildError("did not start in time") from None
            raise
        if not isinstance(message, Ready):
            await child.kill()
            raise ChildError("spoke before it was ready")
        return child

    @property
    def pid(self) -> int:
        """Process id, which is also that of its group."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, as far as is known."""
        return self._process.returncode is None

    async def run(self, job: Job, on_line: Callable[[Line], Awaitable[None]]) -> Report:
        """Do one job. Cancelled or failed, the child must be killed: it may still be at work.

        :raises ChildError: if it dies meanwhile
        """
        self.jobs += 1
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            stdin.write(wire.encode(job) + b"\n")
            await stdin.drain()
        except OSError:
            raise ChildError("died before its job") from None
        while True:
            message = await self._receive()
            if isinstance(message, Line):
                await on_line(message)
            elif isinstance(message, Report):
                self.memory = message.memory
                return message
            else:
                raise ChildError("spoke out of turn")

    async def kill(self) -> None:
        """End it and everything it started, at once. Idempotent, and complete even if cancelled: the kill comes first."""
        # The group outlives its leader as long as it has members: also after the child died by itself.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        # asyncio closes the pipes of a dead process only when it has read them to their end.
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way

    async def _receive(self) -> Message:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            line = await stdout.readuntil(b"\n")
            return wire.decode_message(line)
        except asyncio.IncompleteReadError:
            log.warning("extraction child died", pid=self.pid, complaints=list(self._complaints))
            raise ChildError("died") from None
        except (msgspec.MsgspecError, asyncio.LimitOverrunError) as error:
            log.warning("extraction child not understood", error=redact(str(error)))
            raise ChildError("is not understood") from None

    async def _listen(self) -> None:
        """Its stderr, which must be drained and is worth a look when it died."""
        stderr = self._process.stderr
        assert stderr is not None  # noqa: S101 - a pipe was asked for
        with contextlib.suppress(ValueError):  # a line beyond the limit
            async for line in stderr:
                self._complaints.append(redact(line.decode(errors="replace")))
