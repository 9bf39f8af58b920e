"""From what a package says about its licence to an SPDX expression. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from cyclonedx.spdx import is_expression

_CLASSIFIED: Final = {
    "Apache Software License": "Apache-2.0",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Those that name one licence; "BSD License" names several."""

_SPELLED: Final = {"Apache 2.0": "Apache-2.0", "MIT License": "MIT"}
_COPYLEFT: Final = re.compile(r"\bA?GPL-")
"""Licences that hold for the program as a whole; LGPL and MPL hold for the library and the file."""


class UnknownLicenceError(Exception):
    """Nobody has said under which licence a package is; the message names it."""


def spdx(package: str, *, expression: str | None, classifiers: Sequence[str], text: str | None) -> str:
    """The licence of a package, by the most exact of its own words.

    :param expression: the field License-Expression; ``text`` is the old field License
    :raises UnknownLicenceError: where none of them names a licence
    """
    if expression and is_expression(expression):
        return expression
    named = sorted({_CLASSIFIED[last] for last in (entry.rpartition(" :: ")[2] for entry in classifiers) if last in _CLASSIFIED})
    if named:
        return " OR ".join(named)
    first = (text or "").strip().splitlines()[0].strip() if (text or "").strip() else ""
    for written in (first, _SPELLED.get(first), next((name for start, name in _SPELLED.items() if first.startswith(start)), None)):
        if written and is_expression(written):
            return written
    raise UnknownLicenceError(f"{package}: its metadata names no licence")


def is_copyleft(licence: str) -> bool:
    """Whether every choice that the expression leaves binds the whole program."""
    return all(_COPYLEFT.search(choice) for choice in licence.split(" OR "))
