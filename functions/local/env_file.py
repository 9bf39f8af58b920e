"""`make env`: writes .env from .env.example with random keys; never overwrites. Runs before anything is installed."""

import os
import re
import secrets
import sys
from pathlib import Path
from typing import Final

KEYS: Final = ("SECRET_KEY", "ACCESS_KEY")


def filled(example: str) -> str:
    """The example with a random value for each key.

    :raises ValueError: when the example does not mention one of them.
    """
    for name in KEYS:
        example, count = re.subn(rf"^#? ?{name}=.*$", f"{name}={secrets.token_urlsafe(32)}", example, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"{name} must stand in .env.example exactly once")
    return example


def main(folder: Path) -> int:
    """Write it; 1 when there is one already."""
    target = folder / ".env"
    content = filled((folder / ".env.example").read_text(encoding="utf-8"))
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        print(f"{target} exists and stays as it is", file=sys.stderr)
        return 1
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor with its mode set from the start
        file.write(content)
    print(f"{target} written: every request now needs its ACCESS_KEY")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[2]))
