"""The wait before the next attempt."""

import random

from hypothesis import given
from hypothesis import strategies as st

from functions.analyze.backoff import FIRST_MS, JITTER, LONGEST_MS, wait_ms


@given(st.integers(1, 100), st.none() | st.integers(0, 3600), st.integers())
def test_it_doubles_with_jitter_and_never_undercuts_what_was_asked(attempt: int, retry_after: int | None, seed: int) -> None:
    wait = wait_ms(attempt, retry_after=retry_after, chance=random.Random(seed))
    assert wait >= (retry_after or 0) * 1000
    if not retry_after:
        plain = min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS)
        assert plain * (1 - JITTER) - 1 <= wait <= plain * (1 + JITTER) + 1


def test_tasks_that_failed_together_do_not_come_back_together() -> None:
    chance = random.Random(1)
    assert len({wait_ms(3, retry_after=None, chance=chance) for _ in range(50)}) > 40
