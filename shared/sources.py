"""What only this system knows of a file: where its bytes are and what proves that it is still the same file.

A :class:`Source` never appears in an answer. It holds no secret of the operator's: the exit it belongs to is a digest.
"""

import hashlib
from typing import Literal, TypeAlias
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

Family: TypeAlias = Literal["ipv4", "ipv6"]


class ByteRange(Struct, frozen=True):
    """Bytes ``[start, end)`` of a file. Half-open, unlike HTTP's, so that lengths and joins need no ±1."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.start


class Identity(Struct, frozen=True, kw_only=True):
    """What makes two URLs name the same bytes: googlevideo's ``itag``, ``xtags``, ``lmt`` (µs since 1970) and ``clen``."""

    itag: str
    xtags: str
    lmt: int | None
    size: int

    def version(self, media_id: str, format_id: str) -> str:
        """16 hex digits: the strong ETag, the same on every replica and after every refresh of the URL."""
        facts = "\n".join((media_id, format_id, self.itag, self.xtags, str(self.lmt or ""), str(self.size)))
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


class Source(Struct, frozen=True, kw_only=True):
    """One format's bytes upstream."""

    media_id: str
    format_id: str
    url: str
    headers: dict[str, str]  # what the client that obtained the URL would send, User-Agent first of all
    identity: Identity
    content_type: str
    filename: str
    expires_at: float  # seconds since 1970: `expire=` of the URL
    available_at: float | None  # seconds since 1970: refused before this moment
    init_range: ByteRange | None  # the container's head
    index_range: ByteRange | None  # sidx or Cues
    exit: str  # digest of the exit that asked for the URL: it answers to no other
    family: Family | None  # address family of that exit when no proxy is used (the URL's `ip=`)

    @property
    def version(self) -> str:
        """The file's version, as in links and ETag."""
        return self.identity.version(self.media_id, self.format_id)

    @property
    def exit_address(self) -> str | None:
        """The only address that the URL answers to: its ``ip=``."""
        return parse_qs(urlsplit(self.url).query).get("ip", [None])[0]

    @property
    def last_modified(self) -> int | None:
        """Seconds since 1970, from ``lmt``."""
        return None if self.identity.lmt is None else self.identity.lmt // 1_000_000


class Asset(Struct, frozen=True, kw_only=True):
    """A small file beside the media: the cover (``thumbnail``) or a subtitle track (``subtitles/en.vtt``)."""

    media_id: str
    asset_id: str
    url: str
    headers: dict[str, str]
    content_type: str
    filename: str
    exit: str
    family: Family | None
