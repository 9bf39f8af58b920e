"""How old a release of yt-dlp is: its version is the day it came out. Pure."""

import re
from datetime import date
from typing import Final

_RELEASED: Final = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})(\..*)?", re.ASCII)


def age_in_days(version: str, *, today: date) -> int | None:
    """None for a version that is no day; what comes from tomorrow is as if from today."""
    match = _RELEASED.fullmatch(version)
    try:
        return max(0, (today - date(int(match[1]), int(match[2]), int(match[3]))).days) if match else None
    except ValueError:
        return None
