"""Memory that is counted, whatever is done in whatever order."""

from contextlib import ExitStack
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from functions.stream.budget import GUARANTEED, Budget, Reservation

TOTAL = 4 << 20
SIZES = st.integers(0, 2 << 20)


class Books(RuleBasedStateMachine):
    """The budget beside an account of it."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget(TOTAL)
        self.streams: list[ExitStack] = []
        self.left: list[tuple[Reservation, int]] = []

    @rule()
    def begin(self) -> None:
        stack = ExitStack()
        stack.enter_context(self.budget.stream())
        self.streams.append(stack)

    @precondition(lambda self: self.streams)
    @rule()
    def finish(self) -> None:
        self.streams.pop().close()

    @rule(size=SIZES)
    def reserve(self, size: int) -> None:
        before = self.budget.taken
        reservation = self.budget.reserve(size)
        assert (reservation is not None) == (before + size <= TOTAL)
        if reservation is not None:
            assert self.budget.taken <= TOTAL
            self.left.append((reservation, size))

    @precondition(lambda self: self.left)
    @rule(index=st.integers(0, 1000), size=st.none() | SIZES)
    def give_back(self, index: int, size: int | None) -> None:
        index %= len(self.left)
        reservation, left = self.left[index]
        reservation.give_back(size)
        self.left[index] = (reservation, 0 if size is None else max(0, left - size))

    @invariant()
    def the_account_agrees(self) -> None:
        assert self.budget.taken == GUARANTEED * len(self.streams) + sum(left for _, left in self.left)
        assert self.budget.taken <= TOTAL + GUARANTEED * len(self.streams)

    def teardown(self) -> None:
        for stack in self.streams:
            stack.close()
        for reservation, _ in self.left:
            reservation.give_back()
            reservation.give_back()
        assert self.budget.taken == 0


TestBooks = Books.TestCase


@given(SIZES, st.lists(SIZES))
def test_no_more_is_given_back_than_was_taken(size: int, parts: list[int]) -> None:
    budget = Budget(TOTAL)
    reservation = budget.reserve(size)
    assert reservation is not None
    for part, given_back in zip(parts, accumulate(parts), strict=True):
        reservation.give_back(part)
        assert budget.taken == max(0, size - given_back)
    reservation.give_back()
    reservation.give_back()
    assert budget.taken == 0


def test_the_guaranteed_share_is_there_even_where_nothing_is() -> None:
    budget = Budget(0)
    with budget.stream(), budget.stream():
        assert budget.taken == 2 * GUARANTEED
        assert budget.reserve(1) is None
    assert budget.taken == 0


def test_the_guaranteed_share_is_given_back_after_a_failure() -> None:
    budget = Budget(0)
    with pytest.raises(KeyError), budget.stream():
        raise KeyError
    assert budget.taken == 0
