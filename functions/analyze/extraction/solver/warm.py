"""The one solver process of a child: when it is started, when it is ended, and when it is given up.

A player is taken apart by yt-dlp's own provider, in a process that ends with its hundreds of megabytes. What it made of it is kept
(:mod:`players`) and run here, in a small process that stays: two milliseconds in place of a sixth of a second.
"""

import contextlib
from typing import Final

from functions.analyze.extraction import players
from functions.analyze.extraction.solver.process import Request, Response, SolverError, SolverProcess

TIMEOUT: Final = 3.0
"""Seconds; a tenth of one is usual for the first question, hundredths for the others."""

IDLE: Final = 600.0
"""Seconds without a job after which the process is not worth its memory."""

MAX_SOLVES: Final = 500
MAX_RESIDENT: Final = 200 << 20
"""Bytes; with one player it holds about half."""

MAX_FAILURES: Final = 3
"""In a row; from then on the child, which does not live for ever either, does without."""


class UnknownPlayerError(SolverError):
    """Nothing is wrong: yt-dlp's own provider comes first, once for each player."""


class WarmSolver:
    """Made once for each child; a process is only there between the first known player and :meth:`end`."""

    def __init__(self, *, timeout: float = TIMEOUT, max_solves: int = MAX_SOLVES, max_resident: int = MAX_RESIDENT) -> None:
        self._timeout = timeout
        self._max_solves = max_solves
        self._max_resident = max_resident
        self._process: SolverProcess | None = None
        self._failures = 0
        self._next: tuple[str, str] | None = None  # runtime and player of the last question

    @property
    def is_given_up(self) -> bool:
        """Whether it failed too often."""
        return self._failures >= MAX_FAILURES

    def solve(self, deno: str, player_url: str, requests: list[Request]) -> list[Response]:
        """One response for each request.

        :raises UnknownPlayerError: nothing was tried
        :raises SolverError: whatever went wrong; the process is ended, and the next question gets another one
        """
        self._next = deno, player_url
        code = players.taken_apart(player_url)
        if code is None:
            raise UnknownPlayerError("does not know the player yet")
        try:
            self._process = self._process or SolverProcess(deno, timeout=self._timeout)
            responses = self._process.solve(player_url, code, requests)
        except Exception as error:
            self._failures += 1
            self.end()
            if isinstance(error, SolverError):
                raise
            raise SolverError(f"failed ({type(error).__name__})") from error
        self._failures = 0
        return responses

    def prepare(self) -> None:
        """Between two jobs: end a process that is used up, start one for the player seen last."""
        if self._process and (self._process.solves >= self._max_solves or self._process.resident > self._max_resident):
            self.end()
        if self._process is None and self._failures == 0 and self._next and players.taken_apart(self._next[1]):
            with contextlib.suppress(SolverError):  # the next analysis tries again, and has yt-dlp's own provider
                self.solve(*self._next, [])

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process:
            self._process.end()
            self._process = None


SOLVER: Final = WarmSolver()
"""The child's own: yt-dlp makes its providers anew for each job."""
