"""What follows a failure."""

from typing import get_args

import pytest

from functions.stream.recovery import MAX_RENEWALS, MAX_RETRIES, GiveUp, Renew, Retry, backoff, given_up, recover
from shared.problems import CATALOGUE
from shared.upstream import Reason

REASONS: tuple[Reason, ...] = get_args(Reason)


@pytest.mark.parametrize("reason", ["interrupted", "timeout", "unavailable", "unreadable", "unresolved", "proxy_unreachable"])
def test_what_may_pass_is_tried_again(reason: Reason) -> None:
    assert recover(reason, retry_after=None, failures=1, renewals=0) == Retry(0.25)
    assert recover(reason, retry_after=None, failures=2, renewals=0) == Retry(0.5)
    assert recover(reason, retry_after=3, failures=1, renewals=0) == Retry(3)


@pytest.mark.parametrize("reason", ["refused", "changed"])
def test_a_refused_url_is_replaced(reason: Reason) -> None:
    assert recover(reason, retry_after=None, failures=1, renewals=0) == Renew()
    assert isinstance(recover(reason, retry_after=None, failures=9, renewals=MAX_RENEWALS), GiveUp)


@pytest.mark.parametrize("reason", ["foreign_redirect", "proxy_auth_failed", "untrusted"])
def test_what_cannot_pass_is_not_tried_again(reason: Reason) -> None:
    assert isinstance(recover(reason, retry_after=None, failures=1, renewals=0), GiveUp)


@pytest.mark.parametrize(
    ("retry_after", "step"),
    [(7, Retry(7)), (0, Retry(0)), (None, Retry(1.0)), (120, Retry(120)), (121, GiveUp("source_rate_limited", 121))],
)
def test_a_limit_is_waited_for_as_told(retry_after: int | None, step: Retry | GiveUp) -> None:
    assert recover("rate_limited", retry_after=retry_after, failures=1, renewals=0) == step


def test_a_url_that_stays_broken_is_replaced_once() -> None:
    steps = [recover("interrupted", retry_after=None, failures=count, renewals=int(count > 4)) for count in range(1, 7)]
    assert [type(step) for step in steps] == [Retry, Retry, Retry, Renew, Retry, GiveUp]


@pytest.mark.parametrize("reason", REASONS)
def test_every_way_ends(reason: Reason) -> None:
    end = recover(reason, retry_after=None, failures=MAX_RETRIES, renewals=MAX_RENEWALS)
    assert isinstance(end, GiveUp)
    assert end == given_up(reason)
    assert end.code in CATALOGUE
    assert end.error().code == end.code


def test_backoff_grows_to_a_bound() -> None:
    assert [backoff(count) for count in (1, 2, 3, 4, 20)] == [0.25, 0.5, 1.0, 2.0, 8.0]
