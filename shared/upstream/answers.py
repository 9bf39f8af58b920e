"""Whether an answer is the answer to what was asked. Pure: a status, headers and a question."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct

from shared.sources import ByteRange
from shared.upstream.errors import UpstreamError

REFUSED: Final = frozenset({400, 401, 403, 404, 410})
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)
_PARTIAL: Final = 206
_TOO_MANY: Final = 429
_UNSATISFIABLE: Final = 416
_SERVER_ERROR: Final = 500
_MAX_RETRY_AFTER: Final = 3600


class Checked(Struct, frozen=True, kw_only=True):
    """What a partial answer says of the whole file."""

    total: int
    last_modified: int | None  # seconds since 1970


def check_range(status: int, headers: Mapping[str, str], wanted: ByteRange, *, size: int | None) -> Checked:
    """A 206 for exactly these bytes of a file of exactly this size (RFC 9110 sections 14.4, 15.3.7).

    :param size: of the file; None where it is not known yet
    :raises UpstreamError: for everything else
    """
    check_status(status, headers, expected=_PARTIAL)
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None:
        raise UpstreamError("unreadable", "Content-Range")
    first, last, total = (int(part) for part in match.groups())
    if size is not None and total != size:
        raise UpstreamError("changed", "size")
    if (first, last + 1) != (wanted.start, wanted.end):
        raise UpstreamError("unreadable", "another range")
    if headers.get("content-length", str(wanted.length)) != str(wanted.length):
        raise UpstreamError("unreadable", "Content-Length")
    if headers.get("content-encoding", "identity") != "identity":
        raise UpstreamError("unreadable", "Content-Encoding")
    return Checked(total=total, last_modified=_seconds(headers.get("last-modified")))


def check_status(status: int, headers: Mapping[str, str], *, expected: int) -> None:
    """The status that was hoped for.

    :raises UpstreamError: with the reason that another status stands for
    """
    if status == expected:
        return
    if status in REFUSED:
        raise UpstreamError("refused", str(status), status=status)
    if status == _TOO_MANY:
        raise UpstreamError("rate_limited", str(status), retry_after=retry_after(headers.get("retry-after")))
    if status == _UNSATISFIABLE:
        raise UpstreamError("changed", "the range is past the end")
    if status >= _SERVER_ERROR:
        raise UpstreamError("unavailable", str(status), retry_after=retry_after(headers.get("retry-after")))
    raise UpstreamError("unreadable", f"status {status}")


def retry_after(value: str | None, *, now: datetime | None = None) -> int | None:
    """Seconds of a Retry-After header, which may be a date (RFC 9110 section 10.2.3); at most an hour."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(int(value[:9]), _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, round((moment - (now or datetime.now(UTC))).total_seconds())), _MAX_RETRY_AFTER)


def _seconds(http_date: str | None) -> int | None:
    try:
        return None if http_date is None else int(parsedate_to_datetime(http_date).timestamp())
    except (ValueError, OverflowError):
        return None
