"""One child process: started in a session of its own, heard line by line, stopped with all that it started."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from functions.local.failure import LaunchError

TAIL: Final = 20
LONGEST_LINE: Final = 1 << 16
NAME_WIDTH: Final = len("provider")


class Spec(Struct, frozen=True, kw_only=True):
    """What to start."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    inherited: tuple[int, ...] = ()
    input: bytes = b""
    is_heard: bool = True  # its lines appear in the terminal; otherwise only its last ones do, when it dies
    grace: float = 15.0  # more than the functions and the worker allow themselves


class Child:
    """A running child. Its lines appear after its name; the last ones are kept for when it dies."""

    def __init__(self, spec: Spec, process: Process, output: int) -> None:
        self.spec = spec
        self.tail = deque[str](maxlen=TAIL)
        self._process = process
        self._reading = asyncio.create_task(self._read(output))

    @classmethod
    async def start(cls, spec: Spec) -> Self:
        """Start it, and hand it its input.

        :raises LaunchError: when the program cannot be run.
        """
        # A pipe of our own: asyncio's would delay the news of its end until all that it started has closed the pipe too.
        output, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                env=spec.environment,
                cwd=spec.folder,
                stdin=PIPE if spec.input else DEVNULL,
                stdout=write_end,
                stderr=STDOUT,
                pass_fds=spec.inherited,
                start_new_session=True,  # the terminal's Ctrl-C reaches the launcher alone
            )
        except OSError as error:
            os.close(output)
            raise LaunchError(f"{spec.name} cannot start: {spec.command[0]}: {error.strerror}") from None
        finally:
            os.close(write_end)
        if process.stdin is not None:
            process.stdin.write(spec.input)
            process.stdin.close()
        return cls(spec, process, output)

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's too."""
        return self._process.pid

    async def ended(self) -> str:
        """Wait for its end; how it ended, in words."""
        code = await self._process.wait()
        return in_words(code)

    async def last_words(self) -> str:
        """The end of what it wrote; complete, once it has ended."""
        with suppress(TimeoutError):  # what it started may still hold the pipe
            await asyncio.wait_for(asyncio.shield(self._reading), 1)
        return "\n".join(f"  {line}" for line in self.tail)

    async def stop(self, *, hurry: asyncio.Event) -> None:
        """Ask it to end, wait as long as it may take, then end it and all that it started."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        exit_, hurried = asyncio.create_task(self._process.wait()), asyncio.create_task(hurry.wait())
        await asyncio.wait({exit_, hurried}, timeout=self.spec.grace, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        # Its process group outlives it if it left something behind.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await exit_
        await self.last_words()
        self._reading.cancel()

    async def _read(self, output: int) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(output, "rb")
        )
        try:
            rest = b""
            while chunk := await stream.read(LONGEST_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._say(line)
            if rest:
                self._say(rest)
        finally:
            transport.close()

    def _say(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        self.tail.append(text)
        if not self.spec.is_heard:
            return
        with suppress(OSError):  # a terminal that went away must not block the child on a full pipe
            print(f"{self.spec.name:<{NAME_WIDTH}} | {text}", flush=True)


def in_words(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
