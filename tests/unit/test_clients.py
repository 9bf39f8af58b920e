"""Who is asking, whatever the headers claim."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clients import client_address, parse
from shared.settings import networks

PROXIES = networks("10.0.0.0/8, 127.0.0.1/32, fd00::/8")


def scope(peer: str | None, *forwarded: str) -> Any:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"client": None if peer is None else (peer, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not a proxy of ours: what it says means nothing
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the client wrote the left one itself
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),  # several header lines are one list
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, , 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["<script>"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["999.1.1.1"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:5555"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8:1:2:3:4:5:6]:443"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("2001:db8::1", [], "2001:db8::/64"),
        (None, ["198.51.100.1"], "unknown"),
        ("not an address", [], "unknown"),
    ],
)
def test_client(peer: str | None, forwarded: list[str], client: str) -> None:
    assert client_address(scope(peer, *forwarded), PROXIES) == client


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_address(scope("10.0.0.1", "198.51.100.1"), ()) == "10.0.0.1"


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=40), max_size=4))
def test_nobody_can_choose_another_address_past_a_foreign_peer(forwarded: list[str]) -> None:
    assert client_address(scope("203.0.113.9", *forwarded), PROXIES) == "203.0.113.9"


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_what_the_client_writes_on_the_left_never_counts(forged: str) -> None:
    assert client_address(scope("10.0.0.1", f"{forged}, 198.51.100.7"), PROXIES) == "198.51.100.7"


@given(st.ip_addresses())
def test_every_address_is_read(address: Any) -> None:
    assert parse(str(address)) == (getattr(address, "ipv4_mapped", None) or address)
