"""The solver's process as its owner sees it. Nothing is believed: what it says is checked, and it has a time limit.

It runs without any permission, in the process group of the child that starts it, so that it ends with it; if that child alone is
killed, the end of stdin ends it.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Final, Literal

import msgspec

_LOOP: Final = Path(__file__).with_name("loop.js")
_OPTIONS: Final = (
    *("--no-remote", "--no-npm", "--cached-only", "--no-prompt", "--no-config", "--no-lock", "--no-code-cache", "--quiet"),
    "--v8-flags=--max-old-space-size=256,--max-semi-space-size=4",
)
_TOLD: Final = ("DENO_DIR", "DENO_NO_UPDATE_CHECK")
"""All it gets of the environment: yt-dlp's own provider would hand it the proxy's URL, with its password."""

_MAX_ANSWER: Final = 1 << 20


class SolverError(Exception):
    """It is gone, too slow or not understood. Whoever catches this ends the process."""


class Request(msgspec.Struct, frozen=True):
    """Challenges of one kind, as the solver knows them."""

    type: Literal["n", "sig"]
    challenges: list[str]


class Response(msgspec.Struct, frozen=True):
    """What became of one request: ``data`` has a solution for each challenge, unless ``type`` is "error"."""

    type: Literal["result", "error"]
    data: dict[str, str] = {}


class Answer(msgspec.Struct, frozen=True):
    """``resident`` is what the process holds in memory. "unknown": the player's code has to be sent along."""

    type: Literal["result", "unknown"]
    responses: list[Response] = []
    resident: int = 0


class _Question(msgspec.Struct, frozen=True, omit_defaults=True):
    url: str
    requests: list[Request]
    code: str | None = None


def _program() -> dict[str, str]:
    """yt-dlp's solver. Imported here, where a version without it is one more failure of the process."""
    from yt_dlp_ejs.yt import solver  # type: ignore[import-untyped]

    return {"lib": solver.lib(), "core": solver.core()}


class SolverProcess:
    """Started at once, and to be ended by its owner."""

    def __init__(self, deno: str, *, timeout: float) -> None:
        """:raises SolverError: if it does not start"""
        self._timeout = timeout
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the runtime that yt-dlp is told to use
                [deno, "run", *_OPTIONS, str(_LOOP)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _TOLD if name in os.environ},
            )
        except OSError as error:
            raise SolverError("does not start") from error
        self.solves = 0
        self.resident = 0
        self._is_loaded = False

    def solve(self, url: str, code: str, requests: list[Request]) -> list[Response]:
        """The code is sent only if it is not known any more.

        :raises SolverError: see there
        """
        with self._limited():
            if not self._is_loaded:
                self._say(msgspec.json.encode(_program()))
                self._is_loaded = True
            answer = self._ask(_Question(url, requests))
            if answer.type == "unknown":
                answer = self._ask(_Question(url, requests, code))
        if len(answer.responses) != len(requests):
            raise SolverError("answers another question")
        self.solves += 1
        self.resident = answer.resident
        return answer.responses

    def end(self) -> None:
        """At once."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what it has not read is lost
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()

    def _ask(self, question: _Question) -> Answer:
        self._say(msgspec.json.encode(question))
        try:
            return msgspec.json.decode(self._process.stdout.readline(_MAX_ANSWER), type=Answer)  # type: ignore[union-attr]
        except msgspec.MsgspecError as error:
            raise SolverError("is gone or not understood") from error

    def _say(self, line: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            stdin.write(line + b"\n")
            stdin.flush()
        except OSError as error:
            raise SolverError("is gone") from error

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        """Killed when the time is over: then whatever waits for it, writing or reading, gets to its end."""
        timer = Timer(self._timeout, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
