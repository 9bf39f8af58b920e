"""What runs the analysis: Deno and yt-dlp, and how old they are."""

import asyncio
import os
import re
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from functions.analyze.doctor.finding import Finding, bad, good
from shared.releases import age_in_days

DENO: Final = "deno"
YTDLP: Final = "yt-dlp"
LEAST_DENO: Final = (2, 3)
"""What yt-dlp asks for."""
OLD: Final = 60
"""Days after which YouTube has probably changed something that a newer yt-dlp knows."""

_INSTALL: Final = "install the Python package deno, or Deno itself"


def installed(package: str) -> str | None:
    """The version of a Python package, None if there is none; the package is not loaded."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


async def deno(path: str | None) -> Finding:
    """Let it tell its version."""
    if path is None:
        return bad(DENO, "not found: YouTube's JavaScript challenges cannot be solved", _INSTALL)
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "DENO_NO_UPDATE_CHECK": "1"},
        )
    except OSError as error:
        return bad(DENO, f"it does not start ({error.strerror})", _INSTALL)
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return judged_deno(output.decode(errors="replace"))


def judged_deno(output: str) -> Finding:
    """Whether yt-dlp would use it."""
    found = re.match(r"deno (\d+)\.(\d+)(\.\d+)?", output)
    if found is None:
        return bad(DENO, "it starts, and does not tell its version", _INSTALL)
    text = found[0].removeprefix("deno ")
    if (int(found[1]), int(found[2])) < LEAST_DENO:
        return bad(DENO, f"{text} is too old", f"install {'.'.join(map(str, LEAST_DENO))} or later")
    return good(DENO, text)


def ytdlp(version: str | None, *, today: date) -> Finding:
    """Its version is the day of its release."""
    if version is None:
        return bad(YTDLP, "not installed", "install the packages of the worker")
    age = age_in_days(version, today=today)
    if age is None:
        return good(YTDLP, f"{version}, of unknown age")
    advice = "`make update-ytdlp`, and new images: YouTube changes faster than that" if age > OLD else None
    return good(YTDLP, f"{version}, {age} {'day' if age == 1 else 'days'} old", advice=advice)
