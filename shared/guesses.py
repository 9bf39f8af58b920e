"""Wrong keys: ten a minute from each client, at all functions and replicas together."""

import time
from collections.abc import Iterable
from typing import Any, Final

from litestar.connection import ASGIConnection

from shared.clients import client_address
from shared.problems import ProblemError
from shared.settings import Network, RateLimit
from shared.store import Store

TRIES: Final = RateLimit(10, 60)
REMEMBERED: Final = 4096
"""Clients that are turned away at once; who guesses from more addresses than that is counted by the store alone."""


class Guesses:
    """Counts them, in the store at ``app.state.store``.

    Whoever has guessed too often is not heard for the rest of the minute, right or wrong: else the answer would still tell. That is
    remembered here, so that a right key costs no question to the store.
    """

    def __init__(self, trusted_proxies: Iterable[Network]) -> None:
        self._trusted = tuple(trusted_proxies)
        self._turned_away: dict[str, float] = {}  # until when, by time.monotonic()

    def check(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Before a key is looked at.

        :raises ProblemError: ``rate_limited``
        """
        rest = self._turned_away.get(client_address(connection.scope, self._trusted), 0.0) - time.monotonic()
        if rest > 0:
            raise ProblemError("rate_limited", retry_after=int(rest) + 1)

    async def count(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """One more that was wrong.

        :raises ProblemError: ``rate_limited`` where it was one too many
        """
        client = client_address(connection.scope, self._trusted)
        store: Store = connection.app.state.store
        rate = await store.take(f"key:{client}", TRIES)
        if not rate.allowed:
            self._turn_away(client, rate.reset)
            raise ProblemError("rate_limited", retry_after=rate.reset)

    def _turn_away(self, client: str, seconds: int) -> None:
        now = time.monotonic()
        if len(self._turned_away) >= REMEMBERED:
            self._turned_away = {other: until for other, until in self._turned_away.items() if until > now}
        if len(self._turned_away) < REMEMBERED:
            self._turned_away[client] = now + seconds
