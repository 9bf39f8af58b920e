"""Text of yt-dlp and YouTube without what must not get out: addresses, tokens, credentials."""

import re
from typing import Final

MAX_LENGTH: Final = 600

_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)]+", re.IGNORECASE)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_=%-]{40,}")
_HINT: Final = re.compile(
    r"\s*(Use --|See\s+\(?address|For more information|please report this issue|Confirm you are on the latest).*", re.DOTALL
)


def redact(text: str) -> str:
    """One line with neither URLs nor anything as long as a token."""
    return _TOKEN.sub("…", _URL.sub("(address)", " ".join(text.split())))[:MAX_LENGTH]


def for_people(reason: str) -> str:
    """YouTube's own reason as one sentence: redacted, without advice about yt-dlp's options."""
    return _HINT.sub("", redact(reason)).strip()
