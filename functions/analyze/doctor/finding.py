"""What one check found, and how it is said. Pure."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

State: TypeAlias = Literal["ok", "failed", "unchecked"]

_NAME_WIDTH: Final = 11
_MARKS: Final[dict[State, str]] = {"ok": "OK", "failed": "!!", "unchecked": "--"}


class Finding(Struct, frozen=True, kw_only=True):
    """``remedy`` says what to do; where nothing is wrong it is a piece of advice."""

    name: str
    state: State
    text: str
    remedy: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether it was looked at and is well."""
        return self.state == "ok"


def good(name: str, text: str, *, advice: str | None = None) -> Finding:
    """It works."""
    return Finding(name=name, state="ok", text=text, remedy=advice)


def bad(name: str, text: str, remedy: str | None) -> Finding:
    """It does not."""
    return Finding(name=name, state="failed", text=text, remedy=remedy)


def unchecked(name: str, because: str, *, advice: str | None = None) -> Finding:
    """Nobody knows."""
    return Finding(name=name, state="unchecked", text=f"not checked: {because}", remedy=advice)


def skipped(name: str, stopper: Finding) -> Finding:
    """Nothing can be said, because of what was found of another check."""
    why = "failed" if stopper.state == "failed" else "was not checked"
    return unchecked(name, f"{stopper.name} {why}")


def as_line(finding: Finding) -> str:
    """For people."""
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    return f"{_MARKS[finding.state]}  {finding.name:<{_NAME_WIDTH}}  {finding.text}{remedy}"
