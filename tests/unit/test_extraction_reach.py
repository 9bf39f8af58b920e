"""Which addresses an analysis may ask."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.analyze.extraction.reach import may_reach

PROVIDER = "http://pot-provider:4416"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=x",
        "https://youtubei.googleapis.com/youtubei/v1/player",
        "https://consent.youtube.com/m",
        "https://manifest.googlevideo.com/api/manifest/hls_variant/x",
        "https://www.google.com/sorry/index?continue=x",
        f"{PROVIDER}/ping",
        f"{PROVIDER}/get_pot",
    ],
)
def test_what_an_analysis_needs(url: str) -> None:
    assert may_reach(url, provider=PROVIDER)


@pytest.mark.parametrize(
    "url",
    [
        "https://media.attacker.example/x",
        "https://www.youtube.com.attacker.example/x",
        "http://www.youtube.com/",
        "http://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "file:///etc/passwd",
        f"{PROVIDER}/metrics",
        f"{PROVIDER}/invalidate_caches",
        f"{PROVIDER}/get_pot?x",
        "http://other:4416/get_pot",
        "https://sites.google.com/",
        "https://storage.googleapis.com/",
        "https://rr1---sn-4g5e.googlevideo.com/videoplayback",
    ],
)
def test_what_no_analysis_needs(url: str) -> None:
    assert not may_reach(url, provider=PROVIDER)
    assert not may_reach(f"{PROVIDER}/ping", provider=None)


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("http://user:p%40ss@pot-provider:4416", "http://pot-provider:4416/get_pot"),
        ("HTTP://Pot-Provider:4416", "http://pot-provider:4416/get_pot"),
        ("https://tokens.example/below", "https://tokens.example/below/get_pot"),
        ("http://[::1]:4416", "http://[::1]:4416/get_pot"),
        ("http://令牌.example", "http://xn--nnq067f.example/get_pot"),
    ],
)
def test_the_token_service_as_the_client_writes_it(provider: str, url: str) -> None:
    assert may_reach(url, provider=provider)


@given(st.from_regex(r"https?://[A-Za-z0-9.@:%/\\\[\]#?-]{1,40}", fullmatch=True))
def test_what_may_be_reached_is_named_plainly(url: str) -> None:
    assert not may_reach(url, provider=None) or url.startswith("https://")


@given(st.ip_addresses(), st.sampled_from(["https://{}/", "https://{}:443/x", "https://a@{}/", "https://www.youtube.com@{}/"]))
def test_no_number_may_be_reached(address: Any, template: str) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    for written in (host, str(int(address)), hex(int(address))):
        assert not may_reach(template.format(written), provider=PROVIDER)
