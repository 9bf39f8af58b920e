"""yt-dlp's log lines as progress. Pure; only what a line says has happened is shown, and nothing goes back."""

import math
import re
from typing import Final

from msgspec import Struct, structs

from shared.schemas import Phase, Progress


class Step(Struct, frozen=True):
    """Lines matching ``pattern`` mean this phase; repeated ones move on by ``stride`` percent up to ``limit``."""

    pattern: re.Pattern[str]
    phase: Phase
    percent: int
    stride: int
    limit: int
    message: str


_PAGE: Final = "Loading the video page"
_STEPS: Final = (
    Step(re.compile(r"\[pot:.*Generating an? \S+ PO Token"), "token", 20, 5, 60, "Getting a PO token"),
    Step(re.compile(r"\[youtube\] \S+: Downloading webpage"), "page", 10, 0, 10, _PAGE),
    Step(
        re.compile(r"\[youtube\] \S+: Downloading (?P<client>.+) player API JSON"),
        "player_response", 25, 10, 50, "Asking YouTube as {client}",
    ),
    Step(re.compile(r"\[youtube\] \S+: Downloading (initial|iframe|.* client config)"), "page", 12, 2, 20, _PAGE),
    Step(re.compile(r"\[youtube\] \S+: Downloading player \S+"), "js_challenge", 55, 0, 55, "Loading the player"),
    Step(re.compile(r"\[jsc:\S+\] Solving JS challenges"), "js_challenge", 60, 5, 70, "Solving the player's challenge"),
    Step(re.compile(r"\[youtube\] \S+: Downloading (m3u8|MPD)"), "formats", 72, 2, 78, "Listing the formats"),
)  # fmt: skip

START: Final = Progress(percent=5, phase="page", message="Starting")
LISTING: Final = Progress(percent=80, phase="formats", message="Listing the formats")
PROBING: Final = Progress(percent=90, phase="probe", message="Checking that the files can be fetched")


def probing(*, wait: float) -> Progress:
    """The probe begins, after so many seconds in which YouTube hands out nothing."""
    if wait <= 0:
        return PROBING
    return structs.replace(PROBING, message=f"Waiting {math.ceil(wait)} s: YouTube hands out the files after an advertisement")


def advance(before: Progress, line: str) -> Progress | None:
    """The progress after this line, or None if it says nothing new."""
    for step in _STEPS:
        match = step.pattern.search(line)
        if match is None:
            continue
        percent = step.percent if before.percent < step.percent else min(before.percent + step.stride, step.limit)
        message = step.message.format(**{name: value for name, value in match.groupdict().items() if value})
        after = Progress(percent=max(before.percent, percent), phase=step.phase, message=message)
        return None if after == before else after
    return None
