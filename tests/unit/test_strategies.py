"""Which way the next attempt asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.extractor.youtube import YoutubeIE  # type: ignore[import-not-found]
from yt_dlp.extractor.youtube._base import INNERTUBE_CLIENTS  # type: ignore[import-not-found]

from functions.analyze.extraction.outcome import FINAL
from functions.analyze.extraction.strategies import (
    ANEW,
    LADDERS,
    PASSING,
    PLAIN,
    PROVEN,
    SCRIPTLESS,
    STRATEGIES,
    TOKENLESS,
    Strategy,
    next_strategy,
)
from shared.problems import CATALOGUE

NOT_OF_AN_ATTEMPT = {
    "queue_full",
    "store_unavailable",
    "analysis_pending",
    "source_refused",
    "source_timeout",
    "source_unreadable",
    "segmented_only",
    "sabr_only",
}
CODES = sorted(set(CATALOGUE) - FINAL)


def ways(code: str, *, attempts: int, has_provider: bool = True) -> list[Strategy]:
    """How a task asks that fails with the same code every time."""
    asked = [next_strategy(None, before=None)]
    while len(asked) < attempts:
        asked.append(next_strategy(code, before=asked[-1], has_provider=has_provider))
    return asked


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("bot_check", PROVEN),
        ("captcha_required", PROVEN),
        ("token_rejected", ANEW),
        ("challenge_failed", SCRIPTLESS),
        ("token_provider_unavailable", TOKENLESS),
        ("network_error", PLAIN),
        ("a code nobody knows", PLAIN),
    ],
)
def test_the_first_attempt_is_plain_and_the_second_the_likeliest_cure(code: str, cure: Strategy) -> None:
    assert ways(code, attempts=2) == [PLAIN, cure]


@pytest.mark.parametrize("code", LADDERS)
def test_every_rung_has_its_turn(code: str) -> None:
    assert set(ways(code, attempts=1 + len(LADDERS[code]))) >= set(LADDERS[code])


@given(st.sampled_from(CODES), st.integers(1, 20))
def test_without_a_token_service_nothing_is_tried_that_needs_one(code: str, attempts: int) -> None:
    assert not any(strategy.needs_provider for strategy in ways(code, attempts=attempts, has_provider=False))


@pytest.mark.parametrize("code", sorted(PASSING))
def test_what_passes_says_nothing_against_the_way_of_asking(code: str) -> None:
    assert next_strategy(code, before=ANEW) is ANEW
    assert next_strategy(code, before=None) is PLAIN


def test_every_failure_has_a_ladder_or_passes() -> None:
    attempted = {code for code in CODES if CATALOGUE[code].status in {500, 502, 503, 504}} - NOT_OF_AN_ATTEMPT
    assert attempted == set(LADDERS) | PASSING
    assert not set(LADDERS) & PASSING


def test_clients_that_need_no_token_want_none_for_their_files() -> None:
    policies = {client: INNERTUBE_CLIENTS[client]["GVS_PO_TOKEN_POLICY"].values() for client in TOKENLESS.clients}
    assert not [client for client, policy in policies.items() if any(item.required for item in policy)]
    assert not set(TOKENLESS.clients) & {*YoutubeIE._DEFAULT_CLIENTS}


def test_a_strategy_is_known_by_its_name() -> None:
    rungs = {rung for ladder in LADDERS.values() for rung in ladder}
    assert set(STRATEGIES.values()) == {PLAIN, *rungs}
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


def test_a_code_of_a_ladder_is_one_that_exists() -> None:
    assert set(LADDERS) <= set(CODES)
