"""The scripts of lua/, each behind what they share, run by their digest."""

from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("lua")
_SHARED: Final = ("_prelude", "_final")


@cache
def source(name: str) -> str:
    """The complete text of one script."""
    return "".join(FOLDER.joinpath(f"{part}.lua").read_text() for part in (*_SHARED, name))
