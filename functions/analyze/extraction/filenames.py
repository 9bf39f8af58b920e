"""Names under which a browser saves a file: safe on every file system, whatever the title holds. Pure."""

import re
import unicodedata
from typing import Final

from shared.text import JOINER, cut

MAX_BYTES: Final = 200
"""UTF-8 bytes of a whole name; most file systems allow 255, and browsers append " (1)" and ".crdownload"."""

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*]')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def filename(title: str, *, media_id: str, label: str, extension: str) -> str:
    """``Title [id] label.ext``; a title that is too long gives way, a title of which nothing is left is left out."""
    ending = f"[{media_id}]{' ' if label else ''}{label}.{extension}"
    room = MAX_BYTES - len(ending.encode()) - 1
    name = f"{fitted(cleaned(title), room)} {ending}".strip()
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def cleaned(title: str) -> str:
    """Without control, bidirectional and other invisible characters, without what a file system forbids, and in one line."""
    visible = (
        " " if _is_space(char) else char for char in unicodedata.normalize("NFC", title) if _is_space(char) or _is_kept(char)
    )
    spaced = " ".join(_FORBIDDEN.sub("_", "".join(visible)).split())
    # A leading dot hides a file, a leading hyphen looks like an option, Windows drops a trailing dot.
    return spaced.lstrip(".-~ ").rstrip(". ")


def fitted(text: str, room: int) -> str:
    """At most ``room`` UTF-8 bytes, not cut inside what a reader sees as one character."""
    return cut(text, room).rstrip(". ") if len(text.encode()) > room else text


def _is_space(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in {"Zs", "Zl", "Zp"}


def _is_kept(char: str) -> bool:
    """Everything visible, and the joiners some scripts and emoji need; no control or format characters, nothing unassigned."""
    return char in {JOINER, "\u200c"} or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
