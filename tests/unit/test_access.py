"""The key, the cookie, and what revokes it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.access import COOKIE, LIFETIME, Access, is_same_origin
from shared.settings import Settings

SETTINGS = Settings(access_key="the access key of ours", secret_key="s" * 32)
ACCESS = Access(SETTINGS)
NOW = 1_800_000_000.0


def test_a_cookie_holds_for_thirty_days() -> None:
    cookie = ACCESS.issue(now=NOW)
    assert ACCESS.is_cookie(cookie, now=NOW)
    assert ACCESS.is_cookie(cookie, now=NOW + LIFETIME - 1)
    assert not ACCESS.is_cookie(cookie, now=NOW + LIFETIME)


def test_a_cookie_from_the_future_is_forged_or_the_clocks_are_wrong() -> None:
    cookie = ACCESS.issue(now=NOW + 30)
    assert ACCESS.is_cookie(cookie, now=NOW)
    assert not ACCESS.is_cookie(cookie, now=NOW - 60)


@pytest.mark.parametrize("changed", [{"access_key": "another key of ours"}, {"secret_key": "t" * 32}])
def test_changing_either_secret_revokes(changed: dict[str, str]) -> None:
    assert not Access(replace(SETTINGS, **changed)).is_cookie(ACCESS.issue(now=NOW), now=NOW)


@pytest.mark.parametrize("value", ["", ".", "1.", "1800000000", "x.y", "1800000000." + "0" * 64, "²." + "0" * 64, "-1." + "a" * 64])
def test_a_forged_cookie_is_refused(value: str) -> None:
    assert not ACCESS.is_cookie(value, now=NOW)


@given(st.text(max_size=100))
def test_nothing_else_is_a_cookie(value: str) -> None:
    assert not ACCESS.is_cookie(value, now=NOW)


def test_a_cookie_cannot_be_prolonged() -> None:
    _, _, signature = ACCESS.issue(now=NOW).partition(".")
    assert not ACCESS.is_cookie(f"{int(NOW) + 1}.{signature}", now=NOW)


@pytest.mark.parametrize(
    ("headers", "cookies", "is_allowed"),
    [
        ({}, {}, False),
        ({"authorization": "Bearer the access key of ours"}, {}, True),
        ({"authorization": "bearer the access key of ours"}, {}, True),
        ({"authorization": "Bearer the access key of our"}, {}, False),
        ({"authorization": "Bearer "}, {}, False),
        ({"authorization": "Bearer schlüssel"}, {}, False),
        ({"authorization": "the access key of ours"}, {}, False),
        ({"authorization": "Basic abc"}, {COOKIE: ACCESS.issue()}, True),  # a reverse proxy's own password
        ({"authorization": "Bearer wrong"}, {COOKIE: ACCESS.issue()}, False),
        ({}, {COOKIE: ACCESS.issue()}, True),
        ({}, {COOKIE: "1.2"}, False),
    ],
)
def test_access(headers: dict[str, str], cookies: dict[str, str], is_allowed: bool) -> None:
    assert ACCESS.allows(headers, cookies) is is_allowed


def test_without_an_access_key_everybody_is_welcome() -> None:
    access = Access(Settings())
    assert access.allows({}, {})
    assert not access.is_required
    assert not access.is_key("")


def test_keys_and_cookies_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []

    def compare(one: object, other: object) -> bool:
        compared.append(one)
        compared.append(other)
        return True  # nothing else decides

    monkeypatch.setattr("shared.access.hmac.compare_digest", compare)
    forged = "0" * 64
    assert ACCESS.is_key("wrong")
    assert ACCESS.is_cookie(f"{int(NOW)}.{forged}", now=NOW)
    assert hashlib.sha256(b"wrong").digest() in compared  # whose length tells nothing of the key's
    assert forged in compared


@pytest.mark.parametrize(
    ("headers", "is_same"),
    [
        ({}, True),
        ({"cookie": "a=b"}, False),
        ({"sec-fetch-site": "same-origin", "cookie": "a=b"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://a.example", "host": "a.example"}, False),
        ({"origin": "https://a.example", "host": "a.example", "cookie": "a=b"}, True),
        ({"origin": "https://A.example", "host": "a.example"}, True),
        ({"origin": "https://a.example:8443", "host": "a.example"}, False),
        ({"origin": "http://a.example:8080", "host": "a.example:8080"}, True),
        ({"origin": "https://evil.example", "host": "a.example"}, False),
        ({"origin": "https://a.example.evil.example", "host": "a.example"}, False),
        ({"origin": "null", "host": "a.example"}, False),
        ({"origin": "", "host": ""}, False),
        ({"origin": "https://public.example", "host": "10.0.0.1:8000"}, True),  # behind a proxy that rewrites Host
    ],
)
def test_same_origin(headers: dict[str, str], is_same: bool) -> None:
    assert is_same_origin(headers, public_url="https://public.example/sluice") is is_same
