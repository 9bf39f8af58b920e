"""Conditional requests and ranges by RFC 9110, sections 13 and 14. Pure: a question in, a decision out.

One range is served. Several, a malformed one or another unit is answered with the whole file, as section 14.2 allows; a range
of which nothing exists with 416. ``multipart/byteranges`` is never made.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal

from msgspec import Struct

from shared.sources import ByteRange

_RANGE: Final = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*", re.ASCII | re.IGNORECASE)
_ENTITY_TAG: Final = re.compile(r'[ \t]*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
_MAX_DIGITS: Final = 20


class Representation(Struct, frozen=True, kw_only=True):
    """The file that is asked for."""

    size: int
    etag: str  # opaque part of a strong entity tag, without its quotes
    last_modified: int | None  # seconds since 1970


class Decision(Struct, frozen=True, kw_only=True):
    """How to answer; ``range`` is what to send with 200 (everything) and 206."""

    status: HTTPStatus
    range: ByteRange | None


def decide(method: str, headers: Mapping[str, str], file: Representation) -> Decision:
    """The answer to a GET or HEAD, in the order of RFC 9110 section 13.2.2.

    :param headers: names in lower case
    """
    precondition = _precondition(headers, file)
    if precondition is not None:
        return Decision(status=precondition, range=None)
    whole = Decision(status=HTTPStatus.OK, range=ByteRange(0, file.size))
    value = headers.get("range")
    # Section 14.2: Range is defined for GET only. Section 13.2.2 step 5: If-Range decides whether it counts.
    if method != "GET" or value is None or not _if_range_holds(headers, file):
        return whole
    wanted = parse_range(value, file.size)
    if wanted == "whole":
        return whole
    if wanted == "unsatisfiable":
        return Decision(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, range=None)
    return Decision(status=HTTPStatus.PARTIAL_CONTENT, range=wanted)


def parse_range(value: str, size: int) -> ByteRange | Literal["whole", "unsatisfiable"]:
    """One range of a file of ``size`` bytes, clamped to it (section 14.1.2)."""
    match = _RANGE.fullmatch(value.strip(" \t"))
    if match is None or match.groups() == ("", ""):
        return "whole"
    first, last = match.groups()
    if first == "":
        length = min(_number(last), size)
        return ByteRange(size - length, size) if length > 0 else "unsatisfiable"
    start = _number(first)
    end = _number(last) + 1 if last else max(size, start + 1)
    if end <= start:
        return "whole"  # the last position before the first: not a range at all
    return ByteRange(start, min(end, size)) if start < size else "unsatisfiable"


def _number(digits: str) -> int:
    """A position; one with more digits than any file's is past every end, whatever it is (``int`` refuses thousands of them)."""
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _precondition(headers: Mapping[str, str], file: Representation) -> HTTPStatus | None:
    """Steps 1 to 4 of section 13.2.2; None where the request goes on."""
    if (value := headers.get("if-match")) is not None:
        if not _lists(value, file.etag, is_strong=True):
            return HTTPStatus.PRECONDITION_FAILED
    elif _is_newer(headers.get("if-unmodified-since"), file):
        return HTTPStatus.PRECONDITION_FAILED
    if (value := headers.get("if-none-match")) is not None:
        return HTTPStatus.NOT_MODIFIED if _lists(value, file.etag, is_strong=False) else None
    if (since := _seconds(headers.get("if-modified-since"))) is not None and file.last_modified is not None:
        return HTTPStatus.NOT_MODIFIED if file.last_modified <= since else None
    return None


def _is_newer(value: str | None, file: Representation) -> bool:
    since = _seconds(value)
    return since is not None and file.last_modified is not None and file.last_modified > since


def _if_range_holds(headers: Mapping[str, str], file: Representation) -> bool:
    """Section 13.1.5: a strong entity tag, or a date that matches exactly."""
    value = headers.get("if-range")
    if value is None:
        return True
    value = value.strip(" \t")
    if value.startswith(('"', "W/")):
        return value == f'"{file.etag}"'
    return file.last_modified is not None and _seconds(value) == file.last_modified


def _lists(value: str, etag: str, *, is_strong: bool) -> bool:
    """Whether a list of entity tags holds this one; ``*`` holds every one. A list that does not parse holds none."""
    if value.strip(" \t") == "*":
        return True
    at, is_found = 0, False
    while at < len(value):
        if value[at] in " \t,":
            at += 1
            continue
        match = _ENTITY_TAG.match(value, at)
        if match is None:
            return False
        is_found = is_found or (match[2] == etag and not (is_strong and match[1]))
        at = match.end()
    return is_found


def _seconds(http_date: str | None) -> int | None:
    """A date as seconds since 1970; None for anything that is not one, which is then ignored (section 13.1.3)."""
    if http_date is None:
        return None
    try:
        moment = parsedate_to_datetime(http_date)
        # The obsolete forms (section 5.6.7) name no zone and mean UTC.
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None
