"""Conditional requests and ranges: the well-known cases of RFC 9110, Go's net/http and nginx in one table."""

from http import HTTPStatus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.stream.ranges import Decision, Representation, decide, parse_range
from shared.sources import ByteRange

SIZE = 10_000
ETAG = "0123456789abcdef"
STRONG, WEAK, OTHER = f'"{ETAG}"', f'W/"{ETAG}"', '"fedcba9876543210"'
MODIFIED = 784_111_777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
FILE = Representation(size=SIZE, etag=ETAG, last_modified=MODIFIED)

OK, PARTIAL, NOT_MODIFIED = HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED
FAILED, UNSATISFIABLE = HTTPStatus.PRECONDITION_FAILED, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # one range
        ("bytes=0-4", (0, 5)),
        ("bytes=0-0", (0, 1)),
        ("bytes=2-", (2, SIZE)),
        ("bytes=0-", (0, SIZE)),
        ("bytes=-5", (SIZE - 5, SIZE)),
        ("bytes=3-7", (3, 8)),
        ("bytes=9999-9999", (9999, SIZE)),
        ("bytes=9999-", (9999, SIZE)),
        # clamped
        ("bytes=0-10000", (0, SIZE)),
        ("bytes=9990-20000", (9990, SIZE)),
        ("bytes=-10000", (0, SIZE)),
        ("bytes=-20000", (0, SIZE)),
        # numbers longer than any file's
        ("bytes=0-18446744073709551616", (0, SIZE)),
        ("bytes=0-" + "9" * 10_000, (0, SIZE)),
        ("bytes=-" + "9" * 10_000, (0, SIZE)),
        ("bytes=" + "0" * 10_000 + "5-6", (5, 7)),
        # the unit's case and white space at the ends do not matter
        ("Bytes=0-4", (0, 5)),
        ("bytes= 0-4 ", (0, 5)),
        ("bytes=\t0-4", (0, 5)),
        # nothing of it exists
        ("bytes=10000-", "unsatisfiable"),
        ("bytes=10000-10001", "unsatisfiable"),
        ("bytes=20000-30000", "unsatisfiable"),
        ("bytes=-0", "unsatisfiable"),
        ("bytes=-00", "unsatisfiable"),
        ("bytes=18446744073709551616-", "unsatisfiable"),
        ("bytes=" + "9" * 20 + "-" + "1" + "0" * 25, "unsatisfiable"),
        # not a range: the whole file
        ("", "whole"),
        ("bytes", "whole"),
        ("bytes=", "whole"),
        ("bytes=-", "whole"),
        ("bytes=5", "whole"),
        ("bytes=5-4", "whole"),
        ("bytes=20000-10000", "whole"),
        ("bytes=abc-def", "whole"),
        ("bytes=0-4a", "whole"),
        ("bytes=0x0-0x4", "whole"),
        ("bytes=--5", "whole"),
        ("bytes=+1-5", "whole"),
        ("bytes=1 - 5", "whole"),
        ("bytes=0-5;", "whole"),
        ("bytes=٠-٤", "whole"),
        ("bytes 0-4", "whole"),
        ("0-4", "whole"),
        # several, also where they overlap or touch
        ("bytes=0-0,-1", "whole"),
        ("bytes=0-1,2-3", "whole"),
        ("bytes=0-,0-", "whole"),
        ("bytes=0-4,", "whole"),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(1000)), "whole"),
        # other units
        ("items=0-4", "whole"),
        ("seconds=0-4", "whole"),
        ("none", "whole"),
    ],
)
def test_one_range(value: str, expected: tuple[int, int] | str) -> None:
    wanted = ByteRange(*expected) if isinstance(expected, tuple) else expected
    assert parse_range(value, SIZE) == wanted


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0", "bytes=-5", "bytes=-0"])
def test_of_an_empty_file_nothing_can_be_had(value: str) -> None:
    assert parse_range(value, 0) == "unsatisfiable"


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        ({}, OK, (0, SIZE)),
        ({"range": "bytes=5-9"}, PARTIAL, (5, 10)),
        ({"range": "bytes=0-"}, PARTIAL, (0, SIZE)),
        ({"range": "bytes=10000-"}, UNSATISFIABLE, None),
        ({"range": "bytes=1-2,4-5"}, OK, (0, SIZE)),
        # If-Range: strong comparison, or a date that matches exactly; otherwise the whole file
        ({"range": "bytes=5-9", "if-range": STRONG}, PARTIAL, (5, 10)),
        ({"range": "bytes=5-9", "if-range": WEAK}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": OTHER}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": f"{STRONG}, {OTHER}"}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": ETAG}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": "*"}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": ""}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": DATE}, PARTIAL, (5, 10)),
        ({"range": "bytes=5-9", "if-range": EARLIER}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": LATER}, OK, (0, SIZE)),
        ({"range": "bytes=5-9", "if-range": "a while ago"}, OK, (0, SIZE)),
        ({"range": "bytes=10000-", "if-range": OTHER}, OK, (0, SIZE)),
        ({"if-range": OTHER}, OK, (0, SIZE)),
        # If-Match: strong comparison
        ({"if-match": STRONG}, OK, (0, SIZE)),
        ({"if-match": "*"}, OK, (0, SIZE)),
        ({"if-match": f"{OTHER}, {STRONG}"}, OK, (0, SIZE)),
        ({"if-match": WEAK}, FAILED, None),
        ({"if-match": OTHER}, FAILED, None),
        ({"if-match": ""}, FAILED, None),
        ({"if-match": ETAG}, FAILED, None),
        ({"if-match": OTHER, "range": "bytes=10000-"}, FAILED, None),
        # If-Unmodified-Since, only without If-Match
        ({"if-unmodified-since": DATE}, OK, (0, SIZE)),
        ({"if-unmodified-since": LATER}, OK, (0, SIZE)),
        ({"if-unmodified-since": EARLIER}, FAILED, None),
        ({"if-unmodified-since": "yesterday"}, OK, (0, SIZE)),
        ({"if-match": STRONG, "if-unmodified-since": EARLIER}, OK, (0, SIZE)),
        # If-None-Match: weak comparison
        ({"if-none-match": STRONG}, NOT_MODIFIED, None),
        ({"if-none-match": WEAK}, NOT_MODIFIED, None),
        ({"if-none-match": "*"}, NOT_MODIFIED, None),
        ({"if-none-match": f"{OTHER},{WEAK}"}, NOT_MODIFIED, None),
        ({"if-none-match": f' , {OTHER} ,, {STRONG} , "a,b"'}, NOT_MODIFIED, None),
        ({"if-none-match": OTHER}, OK, (0, SIZE)),
        ({"if-none-match": '"a,b", "c"'}, OK, (0, SIZE)),
        ({"if-none-match": f"broken, {STRONG}"}, OK, (0, SIZE)),
        ({"if-none-match": f"{STRONG}{STRONG}"}, OK, (0, SIZE)),
        ({"if-none-match": OTHER, "range": "bytes=5-9"}, PARTIAL, (5, 10)),
        ({"if-none-match": STRONG, "range": "bytes=5-9"}, NOT_MODIFIED, None),
        ({"if-none-match": STRONG, "range": "bytes=10000-"}, NOT_MODIFIED, None),
        # If-Modified-Since, only without If-None-Match
        ({"if-modified-since": DATE}, NOT_MODIFIED, None),
        ({"if-modified-since": LATER}, NOT_MODIFIED, None),
        ({"if-modified-since": EARLIER}, OK, (0, SIZE)),
        ({"if-modified-since": "0"}, OK, (0, SIZE)),
        ({"if-none-match": OTHER, "if-modified-since": LATER}, OK, (0, SIZE)),
        # the obsolete forms of a date (section 5.6.7)
        ({"if-modified-since": "Sunday, 06-Nov-94 08:49:37 GMT"}, NOT_MODIFIED, None),
        ({"if-modified-since": "Sun Nov  6 08:49:37 1994"}, NOT_MODIFIED, None),
        ({"range": "bytes=5-9", "if-range": "Sun Nov  6 08:49:37 1994"}, PARTIAL, (5, 10)),
        ({"if-modified-since": "Sun, 06 Nov 99999 08:49:37 GMT"}, OK, (0, SIZE)),
        # precedence (section 13.2.2)
        ({"if-match": OTHER, "if-none-match": STRONG}, FAILED, None),
        ({"if-match": STRONG, "if-none-match": STRONG}, NOT_MODIFIED, None),
        ({"if-unmodified-since": EARLIER, "if-modified-since": LATER}, FAILED, None),
    ],
)
def test_conditions(headers: dict[str, str], status: HTTPStatus, part: tuple[int, int] | None) -> None:
    assert decide("GET", headers, FILE) == Decision(status=status, range=None if part is None else ByteRange(*part))


@pytest.mark.parametrize("value", ["bytes=5-9", "bytes=10000-", "bytes=-0"])
def test_a_range_on_head_is_ignored(value: str) -> None:
    assert decide("HEAD", {"range": value}, FILE) == Decision(status=OK, range=ByteRange(0, SIZE))


def test_conditions_on_head_count() -> None:
    assert decide("HEAD", {"if-none-match": STRONG}, FILE).status == NOT_MODIFIED
    assert decide("HEAD", {"if-match": OTHER}, FILE).status == FAILED


def test_a_file_without_a_date_has_no_date_conditions() -> None:
    undated = Representation(size=SIZE, etag=ETAG, last_modified=None)
    assert decide("GET", {"if-modified-since": LATER}, undated).status == OK
    assert decide("GET", {"if-unmodified-since": EARLIER}, undated).status == OK
    assert decide("GET", {"range": "bytes=5-9", "if-range": DATE}, undated).status == OK


@settings(deadline=None)  # a busy machine is no failure
@given(first=st.integers(0, 30_000), length=st.integers(1, 30_000), size=st.integers(1, 20_000))
def test_a_range_is_what_slicing_gives(first: int, length: int, size: int) -> None:
    file = range(size)
    parsed = parse_range(f"bytes={first}-{first + length - 1}", size)
    expected = file[first : first + length]
    assert parsed == (ByteRange(expected.start, expected.stop) if expected else "unsatisfiable")


@settings(deadline=None)  # a busy machine is no failure
@given(length=st.integers(0, 30_000), size=st.integers(0, 20_000))
def test_a_suffix_is_what_slicing_gives(length: int, size: int) -> None:
    expected = range(size)[-length:] if length else range(0)
    parsed = parse_range(f"bytes=-{length}", size)
    assert parsed == (ByteRange(expected.start, expected.stop) if expected else "unsatisfiable")


@settings(deadline=None)  # a busy machine is no failure
@given(
    headers=st.dictionaries(
        st.sampled_from(["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]),
        st.one_of(
            st.text(max_size=60),
            st.sampled_from([STRONG, WEAK, OTHER, "*", DATE, EARLIER, LATER]),
            st.from_regex(r"bytes=\d*-\d*(,\d*-\d*)?", fullmatch=True),
        ),
    ),
    method=st.sampled_from(["GET", "HEAD"]),
    size=st.integers(0, 20_000),
)
def test_whatever_is_sent_the_answer_is_one_of_five_and_inside_the_file(headers: dict[str, str], method: str, size: int) -> None:
    decision = decide(method, headers, Representation(size=size, etag=ETAG, last_modified=MODIFIED))
    assert decision.status in {OK, PARTIAL, NOT_MODIFIED, FAILED, UNSATISFIABLE}
    assert (decision.range is None) == (decision.status not in {OK, PARTIAL})
    if decision.range is not None:
        assert 0 <= decision.range.start <= decision.range.end <= size
        assert decision.status == OK or decision.range.length > 0
    if decision.status == OK:
        assert decision.range == ByteRange(0, size)
