"""The command line: which video, which form, and the exit code."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from functions.analyze.doctor.checks import CHECKS
from functions.analyze.doctor.examination import Case, examine
from functions.analyze.doctor.finding import Finding, as_line, bad, good, skipped
from functions.analyze.doctor.store import LAUNCHERS
from shared.problems import ProblemError
from shared.redaction import redactor
from shared.settings import Settings, SettingsError, load_settings
from shared.upstream import Patience, open_upstream
from shared.urls import Video, parse_video

KNOWN: Final = Video("aqz-KE-bpKQ")
"""Big Buck Bunny, freely licensed, ten minutes."""
KNOWN_LINES: Final = 2160

SETTINGS: Final = "settings"
INTERRUPTED: Final = 130
_PATIENCE: Final = Patience(connect=5.0, idle=10.0, head=12.0)

Write = Callable[[Finding], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine; 0 if nothing is wrong, else 1; 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    write = _write_json if options.json else _write_line
    # The findings are all there is to say; what goes on meanwhile is the worker's log's business.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return 0 if asyncio.run(_examined(options.video, write)) else 1
    except KeyboardInterrupt:
        return INTERRUPTED


async def _examined(video: Video, write: Write) -> bool:
    try:
        settings = load_settings(fallbacks={"REDIS_URL": LAUNCHERS}, has_clients=False)
    except SettingsError as error:
        unreadable = bad(SETTINGS, str(error), "correct it in .env or in the environment")
        write(unreadable)
        for check in CHECKS:
            write(skipped(check.name, unreadable))
        return False
    write(good(SETTINGS, "readable"))
    async with open_upstream(settings, patience=_PATIENCE) as upstream:
        case = Case(settings=settings, upstream=upstream, video=video, least_lines=KNOWN_LINES if video == KNOWN else 0)
        return await examine(case, CHECKS, _redacting(settings, write))


def _redacting(settings: Settings, write: Write) -> Write:
    """Whatever a check says, no secret leaves."""
    hide = redactor(settings)

    def written(finding: Finding) -> None:
        remedy = hide.text(finding.remedy) if finding.remedy else None
        write(msgspec.structs.replace(finding, text=hide.text(finding.text), remedy=remedy))

    return written


def _write_line(finding: Finding) -> None:
    _print(as_line(finding))


def _write_json(finding: Finding) -> None:
    _print(msgspec.json.encode(finding).decode())


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m functions.analyze.doctor",
        description="Checks everything an analysis and a download need, with one live analysis and a fetch; says what to do.",
    )
    parser.add_argument(
        "--video", type=_video, default=KNOWN, metavar="URL", help="the video to examine (default: a known one in 4K)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    return parser


def _video(text: str) -> Video:
    try:
        return parse_video(text)
    except ProblemError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
