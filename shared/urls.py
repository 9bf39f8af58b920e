"""From any form of a YouTube video URL to the one video it names. Pure: nothing is resolved or fetched.

An allow-list compared with the parsed host name; whatever does not parse cleanly is refused rather than repaired, because two
parsers that repair differently are how one address is checked and another one fetched.
"""

import hashlib
import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from msgspec import Struct

from shared.problems import ProblemError

WATCH_HOSTS: Final = frozenset(
    {
        "youtube.com",
        "www.youtube.com",
        "m.youtube.com",
        "music.youtube.com",
        "gaming.youtube.com",
        "youtube-nocookie.com",
        "www.youtube-nocookie.com",
        "youtubekids.com",
        "www.youtubekids.com",
    }
)
SHORT_HOSTS: Final = frozenset({"youtu.be", "www.youtu.be"})

_MEDIA_ID: Final = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)
_PATH_WITH_ID: Final = re.compile(r"/(?:shorts|live|embed|v|e|vi|watch)/([A-Za-z0-9_-]{11})/?", re.ASCII)
_PATHS_WITH_QUERY: Final = frozenset({"", "/watch", "/watch_popup", "/ytscreeningroom"})
_NO_VIDEOS: Final = frozenset({"videoseries", "live_stream"})
"""Players of a playlist and of a channel: they stand where an id would, and are as long."""

_BEFORE_QUERY: Final = re.compile(r"[!-~]+", re.ASCII)


class Video(Struct, frozen=True):
    """One video; two URLs of the same video are equal here."""

    media_id: str

    @property
    def url(self) -> str:
        """The canonical URL: no playlist, no time, no tracking parameter."""
        return f"https://www.youtube.com/watch?v={self.media_id}"

    @property
    def url_hash(self) -> str:
        """Key of the cache and of the single flight."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:32]


def parse_video(text: str) -> Video:
    """The video that ``text`` names.

    :raises ProblemError: ``unsupported_url``
    """
    text = text.strip(" \t\r\n")
    if _MEDIA_ID.fullmatch(text):
        return Video(text)
    media_id = _media_id(_split(text))
    if media_id is None or not _MEDIA_ID.fullmatch(media_id):
        raise ProblemError("unsupported_url")
    return Video(media_id)


def is_media_id(text: str) -> bool:
    """Whether ``text`` has the form of a video id."""
    return _MEDIA_ID.fullmatch(text) is not None


def _split(text: str) -> SplitResult:
    # No control characters, which urlsplit would remove, and before the query no Unicode, which IDNA could fold into another host.
    # A backslash ends the host for a browser and does not for Python.
    head = re.split("[?#]", text, maxsplit=1)[0]
    if not _BEFORE_QUERY.fullmatch(head) or not text.isprintable() or " " in text or "\\" in text:
        raise ProblemError("unsupported_url")
    if text.startswith("//"):
        text = f"https:{text}"
    elif "://" not in text.split("?", 1)[0]:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ProblemError("unsupported_url") from None
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    if default_port is None or port not in {None, default_port} or "@" in parts.netloc:
        raise ProblemError("unsupported_url")
    return parts


def _media_id(parts: SplitResult) -> str | None:
    host = parts.hostname
    if host in SHORT_HOSTS and is_media_id(parts.path.strip("/")):
        return parts.path.strip("/")
    if host not in WATCH_HOSTS | SHORT_HOSTS:
        return None
    match = _PATH_WITH_ID.fullmatch(parts.path)
    if match:
        return match[1] if match[1] not in _NO_VIDEOS else None
    path, query = parts.path.rstrip("/"), parse_qs(parts.query)
    if path in _PATHS_WITH_QUERY:
        return query.get("v", [None])[0]
    if path == "/attribution_link" and query.get("u", [""])[0].startswith("/watch?"):
        return parse_qs(urlsplit(query["u"][0]).query).get("v", [None])[0]
    return None
