"""Bytes [start, end) of one file, in order, whatever the upstream does on the way.

The seam between relaying and everything below it. Pieces come over one connection, straight through, or, while the client is faster
than one, over several and in order. The piece whose turn it is never waits for memory or for another piece.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from functions.stream.ahead import Ahead
from functions.stream.budget import Budget
from functions.stream.location import Location, Renewal
from functions.stream.piece import OnTrouble, Piece, Step
from functions.stream.window import WINDOW, Pace, connections, longest_piece, next_piece
from shared.problems import ProblemError
from shared.sources import ByteRange, Source
from shared.upstream import Reason, Upstream

FIRST_BYTE_PATIENCE: Final = 30.0
"""Seconds after which nothing is tried again while there was no byte yet: until then coming back costs the client nothing."""

NOTICED: Final = 0.1
"""Seconds that a client may wait for itself before it is held to be slow in the middle of a piece."""


class Fetch:
    """One reader of one file.

    :param connections: upstream connections at most
    :param on_trouble: told of every failure, and of what is done about it
    """

    def __init__(
        self,
        upstream: Upstream,
        source: Source,
        *,
        renew: Renewal,
        budget: Budget,
        connections: int,
        on_trouble: OnTrouble,
    ) -> None:
        self._location = Location(upstream, source, renew=renew)
        self._budget = budget
        self._most = connections
        self._on_trouble = on_trouble
        self._connections = 1
        self._previous = 0  # length of the piece planned last
        self._planned = 0  # where the next piece to be planned begins
        self._end = 0
        self._ahead: deque[Ahead] = deque()
        self._connection_rate = math.inf
        self._taken = 0  # bytes, by the client
        self._chance = random.SystemRandom()

    async def read(self, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        """The bytes, as they come.

        :raises ProblemError: when they cannot be had
        """
        self._planned, self._end = wanted.start, wanted.end
        with self._budget.stream():
            try:
                while self._ahead or self._planned < self._end:
                    turn = self._ahead.popleft() if self._ahead else self._piece()
                    chunks = turn.chunks() if isinstance(turn, Ahead) else turn.read()
                    try:
                        async with aclosing(self._delivered(turn, chunks)) as delivered:
                            async for chunk in delivered:
                                yield chunk
                    except ProblemError:
                        if not isinstance(turn, Ahead):
                            raise
                        await self._go_on_alone(wanted.start + self._taken)
            finally:
                await self._forget_ahead()

    async def _go_on_alone(self, at: int) -> None:
        """What cannot be had over several connections is asked for once more over one, and so is all that follows."""
        await self._forget_ahead()
        self._connections = self._most = 1
        self._planned = at

    async def _forget_ahead(self) -> None:
        forgotten, self._ahead = self._ahead, deque()
        for ahead in forgotten:
            ahead.give_up()
        await asyncio.gather(*(ahead.aclose() for ahead in forgotten))

    async def _delivered(self, turn: Piece | Ahead, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The chunks of the piece whose turn it is; measures who waits for whom, and sees to those that follow."""
        waited = taken = 0.0
        size = 0
        try:
            async with aclosing(chunks):
                self._read_ahead(turn)
                asked = time.monotonic()
                async for chunk in chunks:
                    came = time.monotonic()
                    waited += came - asked
                    yield chunk
                    asked = time.monotonic()
                    taken += asked - came
                    size += len(chunk)
                    self._taken += len(chunk)
                    if taken > NOTICED and size / taken < self._connection_rate:
                        self._connections = 1
                    self._read_ahead(turn)
        finally:
            if isinstance(turn, Ahead):
                await turn.aclose()
        self._connection_rate = turn.rate if isinstance(turn, Ahead) and turn.rate else _rate(size, waited)
        pace = Pace(client=_rate(size, taken), connection=self._connection_rate, taken=self._taken)
        self._connections = connections(pace, most=self._most)

    def _read_ahead(self, turn: Piece | Ahead) -> None:
        """Open what connections, window and memory allow."""
        if self._connections == 1:
            return
        is_busy = not isinstance(turn, Ahead) or turn.is_under_way
        busy = is_busy + sum(ahead.is_under_way for ahead in self._ahead)
        longest = longest_piece(self._connections)
        while busy < self._connections and self._planned < self._end:
            kept = sum(ahead.part.length for ahead in self._ahead) + (turn.part.length if isinstance(turn, Ahead) else 0)
            if kept + longest > WINDOW:
                return
            reservation = self._budget.reserve(longest)
            if reservation is None:
                return
            piece = self._piece()
            reservation.give_back(longest - piece.part.length)
            self._ahead.append(Ahead(piece, reservation))
            busy += 1

    def _piece(self) -> Piece:
        """The next one that nobody has begun."""
        patience = FIRST_BYTE_PATIENCE if self._previous == 0 else None
        part = next_piece(
            self._planned, self._end, previous=self._previous, connections=self._connections, chance=self._chance.random()
        )
        self._previous, self._planned = part.length, part.end
        return Piece(self._location, part, patience=patience, on_trouble=self._calm_down)

    def _calm_down(self, reason: Reason, step: Step) -> None:
        """Where something goes wrong, no further connection is opened until the next piece has been delivered."""
        self._connections = 1
        self._on_trouble(reason, step)


def _rate(size: int, seconds: float) -> float:
    """Bytes per second; infinite where nobody had to wait."""
    return size / seconds if seconds > 1e-3 else math.inf  # noqa: PLR2004 - a millisecond is the noise of a busy event loop
