"""The header fields of a file. Pure."""

import unicodedata
from email.utils import formatdate
from typing import Final, Protocol
from urllib.parse import quote

from litestar.datastructures import Headers as Received

from shared.sources import ByteRange

Headers = list[tuple[bytes, bytes]]

# RFC 8187, section 3.2.1: what may stand unescaped in an extended value.
_ATTRIBUTE: Final = "!#$&+-.^_`|~"
_UNSAFE: Final = frozenset('"\\%/:*?<>|')


def request_fields(headers: Received) -> dict[str, str]:
    """What a request says, names in lower case; a list may come over several lines (RFC 9110, section 5.3)."""
    return {name.lower(): ", ".join(headers.getall(name)) for name in headers}


class Described(Protocol):
    """A file."""

    @property
    def version(self) -> str:
        """16 hex digits."""

    @property
    def filename(self) -> str:
        """As it is to be saved."""

    @property
    def last_modified(self) -> int | None:
        """Seconds since 1970."""


def file_headers(file: Described, *, is_inline: bool) -> dict[str, str]:
    """What every answer about a file says, whatever part of it is sent."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.version}"',
        "Cache-Control": "private",
        "Content-Disposition": disposition(file.filename, is_inline=is_inline),
        "X-Content-Type-Options": "nosniff",
    }
    if file.last_modified is not None:
        headers["Last-Modified"] = formatdate(file.last_modified, usegmt=True)
    return headers


def part_headers(part: ByteRange, size: int, *, content_type: str, is_partial: bool) -> dict[str, str]:
    """What is said of the bytes that follow."""
    headers = {"Content-Type": content_type, "Content-Length": str(part.length)}
    if is_partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return headers


def disposition(filename: str, *, is_inline: bool) -> str:
    """RFC 6266: an ASCII name for old clients and the real one (RFC 8187); neither can end the header or the quotes."""
    kind = "inline" if is_inline else "attachment"
    return f"{kind}; filename=\"{_ascii(filename)}\"; filename*=UTF-8''{quote(filename, safe=_ATTRIBUTE, errors='replace')}"


def encoded(headers: dict[str, str]) -> Headers:
    """As ASGI wants them."""
    return [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def _ascii(filename: str) -> str:
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    safe = "".join(char for char in plain if char.isprintable() and char not in _UNSAFE)
    stem, dot, extension = safe.rpartition(".")
    return f"{' '.join(stem.split()) or 'video'}{dot}{extension}" if dot else " ".join(safe.split()) or "video"
