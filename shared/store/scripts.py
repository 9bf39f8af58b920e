"""The scripts of lua/, each behind the shared prelude, run by their digest."""

from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("lua")


@cache
def source(name: str) -> str:
    """The complete text of one script."""
    return FOLDER.joinpath("_prelude.lua").read_text() + FOLDER.joinpath(f"{name}.lua").read_text()
