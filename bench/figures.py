"""What a measurement finds: numbers beside the targets they are held against."""

from operator import ge, le, lt
from typing import Final, Literal

import msgspec
from msgspec import Struct

Sign = Literal["<", "≤", "≥"]
_COMPARE: Final = {"<": lt, "≤": le, "≥": ge}


class Target(Struct, frozen=True):
    """What a figure should be, in its own unit."""

    sign: Sign
    bound: float


class Figure(Struct, frozen=True, kw_only=True):
    """One number."""

    name: str
    value: float
    unit: str
    target: Target | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is; None where there is none."""
        return None if self.target is None else bool(_COMPARE[self.target.sign](self.value, self.target.bound))


def row(figure: Figure) -> str:
    """One line for people."""
    line = f"  {figure.name:<58} {figure.value:>9.4g} {figure.unit:<12}"
    if figure.target is None:
        return line.rstrip()
    return f"{line} target {figure.target.sign} {figure.target.bound:g}: {'met' if figure.is_met else 'MISSED'}"


def as_builtins(figure: Figure) -> dict[str, object]:
    """As results.json has it; four digits are more than any of these figures is good for."""
    plain: dict[str, object] = {"name": figure.name, "value": float(f"{figure.value:.4g}"), "unit": figure.unit}
    if figure.target is not None:
        plain |= {"target": f"{figure.target.sign} {figure.target.bound:g}", "is_met": figure.is_met}
    return plain


def document(machine: Struct, found: dict[str, list[Figure]]) -> str:
    """The text of results.json."""
    content = {
        "machine": msgspec.to_builtins(machine),
        "figures": {measurement: [as_builtins(figure) for figure in figures] for measurement, figures in found.items()},
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"
