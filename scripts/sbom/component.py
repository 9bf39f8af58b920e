"""One locked package, whichever world it comes from."""

from typing import Literal

from msgspec import Struct


class Component(Struct, frozen=True, kw_only=True):
    """``hashes`` are of the files that a lock accepts for it: (algorithm, hexadecimal). ``needs`` are names in the same world."""

    world: Literal["pypi", "npm"]
    name: str
    version: str
    licence: str  # an SPDX expression
    hashes: tuple[tuple[str, str], ...]
    needs: frozenset[str]
