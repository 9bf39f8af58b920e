"""Goes through the checks in their order: each bounded in time, none without those it needs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct

from functions.analyze.doctor.finding import Finding, bad, skipped
from shared.extracted import Extracted
from shared.settings import Settings
from shared.upstream import Upstream
from shared.urls import Video


class Case(Struct, kw_only=True):
    """What is examined.

    ``least_lines``: the height that this video is known to have. ``found``: what the analysis gave, for the checks after it.
    """

    settings: Settings
    upstream: Upstream
    video: Video
    least_lines: int = 0
    found: Extracted | None = None


class Check(Struct, frozen=True, kw_only=True):
    """``needs`` are the names of earlier checks; ``timeout`` is in seconds, None where the check keeps a limit itself."""

    name: str
    look: Callable[[Case], Awaitable[Finding]]
    needs: tuple[str, ...] = ()
    timeout: float | None = 15.0


async def examine(case: Case, checks: Iterable[Check], show: Callable[[Finding], None]) -> bool:
    """Show each finding as soon as it is there; whether nothing that was looked at failed."""
    found: dict[str, Finding] = {}
    for check in checks:
        stopper = next((found[name] for name in check.needs if name in found and not found[name].is_ok), None)
        finding = skipped(check.name, stopper) if stopper else await _look(check, case)
        found[check.name] = finding
        show(finding)
    return not any(finding.state == "failed" for finding in found.values())


async def _look(check: Check, case: Case) -> Finding:
    limit = asyncio.timeout(check.timeout)
    try:
        async with limit:
            return await check.look(case)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one check, the others still tell something
        if limit.expired():
            return bad(check.name, f"nothing came of it in {check.timeout} s", "look at the load of this machine and its network")
        return bad(check.name, f"the check itself failed ({type(error).__name__})", "please report this")
