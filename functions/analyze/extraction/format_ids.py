"""The public name of a format: its itag and what distinguishes files of the same itag, from stable facts alone. Pure.

yt-dlp's own ids will not do: it numbers formats that share one (``140-1``) in the order of the day, and takes a format's language
from the captions where the format has none.
"""

import re
from collections.abc import Mapping
from typing import Final

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")

_IN_LANGUAGE: Final = frozenset({"", "original", "dubbed", "dubbed-auto"})
"""Kinds of sound track of which a language has one."""

_SHORT: Final = {"descriptive": "desc"}
_KNOWN: Final = frozenset({"acont", "lang", "drc", "sr"})


def format_id(*, itag: str, tags: Mapping[str, str], track_id: str | None, is_drc: bool) -> str:
    """``140``, ``140.en``, ``140.en.drc``, ``399.sr``; characters ``[A-Za-z0-9._-]``.

    :param tags: the URL's xtags.
    :param track_id: YouTube's id of the sound track (``en.4``), where a player response gives one.
    """
    content = tags.get("acont", "")
    qualifiers = [
        language(tags=tags, track_id=track_id) or "",
        "" if content in _IN_LANGUAGE else _SHORT.get(content, content),
        "drc" if is_drc or tags.get("drc") == "1" else "",
        "sr" if tags.get("sr") == "1" else "",
        *(f"{name}-{value}" for name, value in sorted(tags.items()) if name not in _KNOWN),
    ]
    return ".".join(part for part in map(_safe, [itag, *qualifiers]) if part)


def language(*, tags: Mapping[str, str], track_id: str | None) -> str | None:
    """The sound track's language tag, if the source names one."""
    return (track_id or "").partition(".")[0] or tags.get("lang") or None


def _safe(part: str) -> str:
    return _UNSAFE.sub("-", part).strip("-")
