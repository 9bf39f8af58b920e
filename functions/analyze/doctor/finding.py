"""What one check found, and how it is said. Pure."""

from typing import Final

from msgspec import Struct

_NAME_WIDTH: Final = 11


class Finding(Struct, frozen=True, kw_only=True):
    """``remedy`` says what to do; where all is well it is a piece of advice."""

    name: str
    is_ok: bool
    text: str
    remedy: str | None = None


def good(name: str, text: str, *, advice: str | None = None) -> Finding:
    """It works."""
    return Finding(name=name, is_ok=True, text=text, remedy=advice)


def bad(name: str, text: str, remedy: str | None) -> Finding:
    """It does not."""
    return Finding(name=name, is_ok=False, text=text, remedy=remedy)


def skipped(name: str, because: str) -> Finding:
    """Nothing can be said, because another check failed."""
    return bad(name, f"not checked, because {because} failed", None)


def as_line(finding: Finding) -> str:
    """For people."""
    mark = "OK" if finding.is_ok else "!!"
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    return f"{mark}  {finding.name:<{_NAME_WIDTH}}  {finding.text}{remedy}"
