"""The other node that has the same file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.stream.siblings import sibling
from shared import hosts

PATH = "/videoplayback?expire=1&mn=sn-aaaa,sn-bbbb&fvip=4&sig=x%2Cy"


@pytest.mark.parametrize(
    ("url", "other"),
    [
        (f"https://rr1---sn-aaaa.googlevideo.com{PATH}", f"https://rr4---sn-bbbb.googlevideo.com{PATH}"),
        (f"https://rr1---sn-bbbb.googlevideo.com{PATH}", f"https://rr4---sn-aaaa.googlevideo.com{PATH}"),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa&fvip=4", None),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa,sn-bbbb", None),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback?fvip=4", None),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback", None),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa,evil.example/&fvip=4", None),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa,sn-b@evil&fvip=4", None),
        ("https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa,sn-bbbb&fvip=4@evil.example", None),
    ],
)
def test_only_the_host_is_another(url: str, other: str | None) -> None:
    assert sibling(url) == other


@given(node=st.text(max_size=30), machine=st.text(max_size=5))
def test_whatever_a_url_names_the_host_is_youtubes(node: str, machine: str) -> None:
    other = sibling(f"https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa,{node}&fvip={machine}".replace("#", ""))
    assert other is None or hosts.is_allowed(other.partition("?")[0], hosts.MEDIA)
