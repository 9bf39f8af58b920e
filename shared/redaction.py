"""Takes out of logs what must not be in them: credentials, tokens, signatures and media URLs. Pure."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

from shared.settings import Settings
from shared.store_url import for_sentinel

HIDDEN: Final = "[redacted]"
MIN_LITERAL: Final = 4
"""A shorter secret is hidden only where its place gives it away: replacing it everywhere would make logs unreadable."""

SHORT: Final = 48
REMEMBERED: Final = 512

_NAMES: Final = (
    "access[_-]?key|secret[_-]?key|(?:proxy-)?authorization|set-cookie|cookie|sluice_session"
    "|po[_-]?token|pot|visitor[_-]?data|signature|lsig|sig|password"
)
_SENSITIVE: Final = re.compile(rf"(?:{_NAMES}|key)", re.IGNORECASE)
_ASSIGN: Final = r"""(?:\\?["'])?\s*(?:=|%3D|:|,)\s*(?:b?\\?["'])?"""

_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # Any part of a media URL but its host, whether or not it is quoted, escaped or inside another URL.
    (re.compile(r"""(googlevideo\.com(?::\d+)?)(?:[/?\\]|%2F|%3F)[^\s"'<>]*""", re.IGNORECASE), rf"\1/{HIDDEN}"),
    (re.compile(r"""(videoplayback)(?:[/?\\]|%2F|%3F)[^\s"'<>]*""", re.IGNORECASE), rf"\1?{HIDDEN}"),
    # scheme://user:password@host
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/?#]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Headers go to the end of their line, or of their quotation.
    (
        re.compile(rf"""((?:(?:proxy-)?authorization|set-cookie|cookie){_ASSIGN})[^\r\n"']+""", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',;]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # name=value, "name": "value", name%3Dvalue
    (
        re.compile(
            rf"""(?:(?<![a-z0-9])|(?<=%[0-9a-f][0-9a-f]))((?:{_NAMES})(?:\\?["'])?\s*(?:=|%3D|:)\s*(?:\\?["'])?)[^\s&"'<>,;)}}\\]+""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


class Redactor:
    """Hides what looks secret, and the given secrets wherever they stand and however they are written."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {spelling for secret in secrets if len(secret) >= MIN_LITERAL for spelling in _spellings(secret)}
        # Longest first: a secret that begins with another one is hidden as a whole.
        ordered = sorted(spellings, key=len, reverse=True)
        self._literals = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        # The names of fields, routes and events come again in every line: looking once took an eighth off a busy function.
        self._hide_again = lru_cache(maxsize=REMEMBERED)(self._hide)

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self._hide_again(text) if len(text) <= SHORT else self._hide(text)

    def _hide(self, text: str) -> str:
        if self._literals is not None:
            text = self._literals.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any) -> Any:  # noqa: ANN401 - whatever somebody logs
        """The same value without secrets, at any depth. What is neither text, number nor collection becomes text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode(errors="replace"))
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._field(str(name), item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(repr(value))

    def _field(self, name: str, item: Any) -> Any:  # noqa: ANN401
        return HIDDEN if item is not None and _SENSITIVE.fullmatch(name) else self.value(item)


def redactor(settings: Settings) -> Redactor:
    """Hides the secrets of this installation."""
    return Redactor(_secrets(settings))


def _secrets(settings: Settings) -> Iterable[str]:
    yield from filter(None, (settings.access_key, settings.secret_key))
    for url in filter(None, (settings.global_proxy, settings.redis_url, settings.pot_provider_url)):
        yield from _credentials(url)
    yield from filter(None, [for_sentinel(settings.redis_url).get("password")])


def _credentials(url: str) -> Iterable[str]:
    """The password of a URL as it stands there and as it is meant, and the header made from it.

    A user name is no secret, unless it stands alone: then it is a key. The store's password may also be a parameter.
    """
    parts = urlsplit(url)
    userinfo = parts.netloc.rpartition("@")[0]
    user, _, password = userinfo.partition(":")
    yield from parse_qs(parts.query).get("password", [])
    if secret := password or user:
        yield from (secret, unquote(secret))
        for written in (f"{user}:{password}", f"{unquote(user)}:{unquote(password)}"):
            yield base64.b64encode(written.encode()).decode()


def _spellings(secret: str) -> set[str]:
    """As it is, as part of a URL, and as Python and JSON quote it."""
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        json.dumps(secret)[1:-1],
    }
