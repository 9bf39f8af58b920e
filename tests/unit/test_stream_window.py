"""Pieces and connections, for whatever may be measured."""

import math

from hypothesis import given
from hypothesis import strategies as st

from functions.stream.window import (
    FAST_ENOUGH,
    FIRST_PIECE,
    JITTER,
    SWALLOWED,
    WINDOW,
    Pace,
    connections,
    longest_piece,
    next_piece,
)
from shared.upstream import MAX_RANGE

RATES = st.one_of(st.floats(1, 1e10), st.just(math.inf))
MOST = st.integers(1, 32)


def pace(client: float, connection: float, *, taken: int = SWALLOWED) -> Pace:
    return Pace(client=client, connection=connection, taken=taken)


@given(
    start=st.integers(0, 1 << 40),
    size=st.integers(1, 200 << 20),
    steps=st.lists(st.tuples(MOST, st.floats(0, 1)), min_size=1, max_size=40),
)
def test_pieces_follow_each_other_without_gap_or_overlap(start: int, size: int, steps: list[tuple[int, float]]) -> None:
    end, at, previous, number = start + size, start, 0, 0
    while at < end:
        count, chance = steps[number % len(steps)]
        piece = next_piece(at, end, previous=previous, connections=count, chance=chance)
        assert piece.start == at
        assert at < piece.end <= end
        bound = FIRST_PIECE if previous == 0 else min(2 * max(previous, FIRST_PIECE), longest_piece(count))
        assert piece.length <= bound <= MAX_RANGE
        assert piece.end == end or piece.length >= math.floor(bound * (1 - JITTER))
        at, previous, number = piece.end, piece.length, number + 1


@given(MOST)
def test_a_piece_for_every_connection_and_one_to_spare_fit_into_the_window(count: int) -> None:
    assert count == 1 or (count + 1) * longest_piece(count) <= WINDOW
    assert 0 < longest_piece(count) <= MAX_RANGE
    assert longest_piece(count + 1) <= longest_piece(count)


@given(client=RATES, connection=RATES, most=MOST)
def test_connections_are_within_bounds(client: float, connection: float, most: int) -> None:
    count = connections(pace(client, connection), most=most)
    assert 1 <= count <= most
    if client <= connection or connection >= FAST_ENOUGH:
        assert count == 1
    elif client < math.inf and count < most:
        assert count * connection >= client * (1 - 1e-9)


@given(rates=st.tuples(RATES, RATES), connection=RATES, most=MOST)
def test_a_faster_client_never_gets_fewer(rates: tuple[float, float], connection: float, most: int) -> None:
    slow, fast = (connections(pace(client, connection), most=most) for client in sorted(rates))
    assert slow <= fast


@given(client=RATES, rates=st.tuples(st.floats(1, FAST_ENOUGH / 2), st.floats(1, FAST_ENOUGH / 2)), most=MOST)
def test_a_faster_connection_never_needs_more(client: float, rates: tuple[float, float], most: int) -> None:
    many, few = (connections(pace(client, rate), most=most) for rate in sorted(rates))
    assert few <= many


def test_a_client_that_has_shown_to_be_fast_gets_all_connections_at_once() -> None:
    assert connections(pace(math.inf, 2e6), most=16) == 16
    assert connections(pace(5e6, 2e6), most=16) == 3


@given(client=RATES, connection=RATES, most=MOST, taken=st.integers(0, SWALLOWED - 1))
def test_what_sockets_swallow_says_nothing_of_a_client(client: float, connection: float, most: int, taken: int) -> None:
    assert connections(pace(client, connection, taken=taken), most=most) == 1
