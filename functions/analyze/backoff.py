"""How long to wait before the next attempt. Pure."""

import random
from typing import Final

FIRST_MS: Final = 1_000
LONGEST_MS: Final = 60_000
JITTER: Final = 0.25
"""Part of the wait that chance decides, so that tasks that failed together do not come back together."""


def wait_ms(attempt: int, *, retry_after: int | None, chance: random.Random) -> int:
    """Milliseconds after the ``attempt``-th failure (1 for the first): doubling, with jitter; never less than YouTube asked for.

    :param retry_after: seconds the source asked to wait, if it did
    """
    doubled: int = min(FIRST_MS * 2 ** min(attempt - 1, 16), LONGEST_MS)
    jittered = round(doubled * (1 + JITTER * (2 * chance.random() - 1)))
    return max(jittered, (retry_after or 0) * 1000)
