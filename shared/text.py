"""Shortening text without breaking it. Pure."""

import unicodedata
from typing import Final

JOINER: Final = "\u200d"
EMOJI_TAGS: Final = range(0xE0020, 0xE0080)
"""They spell out a flag behind the emoji of one."""

_MODIFIERS: Final = range(0x1F3FB, 0x1F400)


def cut(text: str, room: int) -> str:
    """The beginning of it in at most ``room`` UTF-8 bytes, not cut inside what a reader sees as one character."""
    if len(text.encode()) <= room:
        return text
    kept = len(text.encode()[: max(0, room)].decode(errors="ignore"))
    while kept > 0 and _continues(text, kept):
        kept -= 1
    return text[:kept]


def _continues(text: str, at: int) -> bool:
    """Whether the character at this place belongs to the one before it."""
    if at >= len(text):
        return False
    char = text[at]
    is_part = unicodedata.category(char).startswith("M") or char == JOINER or ord(char) in _MODIFIERS or ord(char) in EMOJI_TAGS
    return is_part or text[at - 1] == JOINER
