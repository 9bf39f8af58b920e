"""Whether an answer fits the question, and which hosts may be asked at all."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import hosts
from shared.settings import Settings
from shared.sources import ByteRange
from shared.upstream import UpstreamError
from shared.upstream.answers import Checked, check_range, check_status, retry_after
from shared.upstream.client import _exactly as exactly
from shared.upstream.exits import exit_digest

WANTED = ByteRange(100, 200)
SIZE = 1000
RIGHT = {"content-range": "bytes 100-199/1000", "content-length": "100", "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT"}


def reason(status: int, headers: dict[str, str], *, size: int | None = SIZE) -> str:
    with pytest.raises(UpstreamError) as caught:
        check_range(status, headers, WANTED, size=size)
    return caught.value.reason


def test_the_right_answer() -> None:
    assert check_range(206, RIGHT, WANTED, size=SIZE) == Checked(total=SIZE, last_modified=784_111_777)
    assert check_range(206, RIGHT, WANTED, size=None).total == SIZE


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-range": "bytes 100-199/1001"}, "changed"),
        ({"content-range": "bytes 100-199/*"}, "unreadable"),
        ({"content-range": "bytes 101-199/1000"}, "unreadable"),
        ({"content-range": "bytes 100-198/1000"}, "unreadable"),
        ({"content-range": "bytes 0-99/1000"}, "unreadable"),
        ({"content-range": "bytes */1000"}, "unreadable"),
        ({"content-range": "items 100-199/1000"}, "unreadable"),
        ({"content-range": "bytes 100-199/1000, bytes 0-1/1000"}, "unreadable"),
        ({"content-range": "bytes ١٠٠-199/1000"}, "unreadable"),
        ({"content-range": f"bytes 100-199/{'9' * 5000}"}, "unreadable"),
        ({"content-range": ""}, "unreadable"),
        ({"content-length": "99"}, "unreadable"),
        ({"content-length": "101"}, "unreadable"),
        ({"content-length": "-100"}, "unreadable"),
        ({"content-encoding": "gzip"}, "unreadable"),
    ],
)
def test_an_answer_to_another_question(headers: dict[str, str], expected: str) -> None:
    assert reason(206, RIGHT | headers) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, "refused") for status in (400, 401, 403, 404, 410)),
        (429, "rate_limited"),
        (416, "changed"),
        *((status, "unavailable") for status in (500, 502, 503, 504, 599)),
        *((status, "unreadable") for status in (100, 200, 204, 304, 418)),
    ],
)
def test_every_other_status_has_a_reason(status: int, expected: str) -> None:
    assert reason(status, RIGHT) == expected


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_tells_its_status(status: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        check_status(status, {}, expected=200)
    assert caught.value.status == status


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_was_asked_for_is_kept(status: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        check_status(status, {"retry-after": "17"}, expected=200)
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("5", 5),
        (" 5 ", 5),
        ("0", 0),
        ("99999999999999999999", 3600),
        ("-5", None),
        ("soon", None),
        ("5.5", None),
        ("٥", None),
        ("Sun, 06 Nov 1994 08:50:00 GMT", 23),
        ("Sun Nov  6 08:50:00 1994", 23),
        ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ("Sun, 06 Nov 2094 08:00:00 GMT", 3600),
    ],
)
def test_retry_after(value: str | None, seconds: int | None) -> None:
    assert retry_after(value, now=datetime.fromtimestamp(784_111_777, UTC)) == seconds


@settings(deadline=None)  # a busy machine is no failure
@given(status=st.integers(100, 599), headers=st.dictionaries(st.sampled_from(sorted(RIGHT)), st.text(max_size=50)))
def test_nothing_but_the_right_answer_is_taken(status: int, headers: dict[str, str]) -> None:
    with pytest.raises(UpstreamError):
        check_range(status, RIGHT | headers | {"content-range": "bytes 0-0/1"}, WANTED, size=SIZE)


@pytest.mark.parametrize(
    "url",
    [
        "https://rr1---sn-4g5ednsz.googlevideo.com/videoplayback?a=b",
        "https://googlevideo.com/",
        "https://r1.googlevideo.com:443/",
        "HTTPS://R1.GOOGLEVIDEO.COM/",
    ],
)
def test_media_hosts(url: str) -> None:
    assert hosts.is_allowed(url, hosts.MEDIA)
    assert not hosts.is_allowed(url, hosts.ASSETS)


@pytest.mark.parametrize(
    "url",
    [
        "http://r1.googlevideo.com/",
        "https://r1.googlevideo.com:8443/",
        "https://r1.googlevideo.com:x/",
        "https://user@r1.googlevideo.com/",
        "https://user:pass@r1.googlevideo.com/",
        "https://evil.example@r1.googlevideo.com/",
        "https://r1.googlevideo.com@evil.example/",
        "https://r1.googlevideo.com.evil.example/",
        "https://evilgooglevideo.com/",
        "https://evil.example/r1.googlevideo.com",
        "https://evil.example?.googlevideo.com/",
        "https://evil.example#.googlevideo.com/",
        "https://evil.example\\.googlevideo.com/",
        "https://evil.example%2f.googlevideo.com/",
        "https://evil.example%00.googlevideo.com/",
        "https://r1.googlevideo.com\t/",
        "https://r1.googlevideo.com\r\nX: y/",
        "https://r1。googlevideo.com/",
        "https://r1.googlevideo.com./",
        "https://.googlevideo.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[r1.googlevideo.com]/",
        "https://[",
        "//r1.googlevideo.com/",
        "ftp://r1.googlevideo.com/",
        "file:///etc/passwd",
        "",
    ],
)
def test_every_other_address_is_foreign(url: str) -> None:
    assert not hosts.is_allowed(url, hosts.MEDIA)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://i.ytimg.com/vi/x/hqdefault.jpg", True),
        ("https://i9.ytimg.com/vi/x/hqdefault.jpg", True),
        ("https://www.youtube.com/api/timedtext?v=x", True),
        ("https://youtube.com/", True),
        ("https://lh3.googleusercontent.com/a", False),
        ("https://notyoutube.com/", False),
        ("https://ytimg.com.evil.example/", False),
    ],
)
def test_asset_hosts(url: str, allowed: bool) -> None:
    assert hosts.is_allowed(url, hosts.ASSETS) is allowed


def test_an_exit_has_a_name_that_tells_nothing() -> None:
    behind = Settings(secret_key="s" * 32, global_proxy="http://user:password@proxy.example:3128")
    digest = exit_digest(behind, None)
    assert digest == exit_digest(behind, "ipv4")
    assert len(digest) == 32
    assert int(digest, 16) >= 0
    direct = Settings(secret_key="s" * 32)
    other_secret = Settings(secret_key="t" * 32, global_proxy=behind.global_proxy)
    names = {digest, exit_digest(other_secret, None), *(exit_digest(direct, family) for family in ("ipv4", "ipv6", None))}
    assert len(names) == 5


async def _body(*chunks: bytes) -> AsyncGenerator[bytes, None]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    ("chunks", "passed_on", "expected"),
    [
        ((b"one", b"two"), b"onetwo", None),
        ((), b"", "interrupted"),
        ((b"one", b"tw"), b"onetw", "interrupted"),
        ((b"one", b"twoo"), b"one", "unreadable"),
        ((b"one", b"two", b"!"), b"onetwo", "unreadable"),
    ],
)
async def test_a_body_has_the_length_that_was_asked_for(chunks: tuple[bytes, ...], passed_on: bytes, expected: str | None) -> None:
    """Also where the answer does not say how long it is, so that the transport cannot tell."""
    received = bytearray()
    try:
        async for chunk in exactly(_body(*chunks), 6):
            received += chunk
        reason_given = None
    except UpstreamError as error:
        reason_given = error.reason
    assert (bytes(received), reason_given) == (passed_on, expected)
