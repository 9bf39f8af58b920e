"""What the auditors say is understood, above all when they have found out nothing."""

import json
from typing import Any

import pytest

from scripts.audit.__main__ import conclusion, report
from scripts.audit.verdict import Verdict, of_deno_audit, of_pip_audit

CLEAN = {"name": "httpx", "version": "0.28.1", "vulns": []}
WEAK = {"name": "h11", "version": "0.14.0", "vulns": [{"id": "CVE-2025-43859", "fix_versions": ["0.16.0"], "aliases": []}]}
SKIPPED = {"name": "yt-dlp", "skip_reason": "Dependency not found on PyPI and could not be audited: yt-dlp (2026.10.26)"}


def pip_audit(*dependencies: Any) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_python_without_a_known_weakness() -> None:
    assert of_pip_audit(pip_audit(CLEAN)) == Verdict(checked=1)


def test_python_with_one() -> None:
    assert of_pip_audit(pip_audit(CLEAN, WEAK)).weak == ("h11 0.14.0: CVE-2025-43859, cured in 0.16.0",)
    uncured = {**WEAK, "vulns": [{"id": "CVE-1", "fix_versions": []}]}
    assert of_pip_audit(pip_audit(uncured)).weak == ("h11 0.14.0: CVE-1, cured in no version yet",)


def test_a_package_that_the_service_does_not_know_is_not_well() -> None:
    """pip-audit ends with 0 where its service knows no package at all: behind a mirror, for one."""
    assert of_pip_audit(pip_audit(SKIPPED, CLEAN)) == Verdict(checked=1, unasked=("yt-dlp",))


@pytest.mark.parametrize("output", ["", "Traceback (most recent call last):\n  ConnectionError", "[]", "{}", "null"])
def test_a_service_that_does_not_answer(output: str) -> None:
    verdict = of_pip_audit(output)
    assert (verdict.checked, verdict.unasked) == (0, ("the service did not answer",))


def test_deno() -> None:
    assert of_deno_audit("No known vulnerabilities found\n", packages=7) == Verdict(checked=7)
    weak = of_deno_audit("\x1b[1mjsdom\x1b[0m\n  Severity: high\nFound 1 vulnerabilities\n", packages=7)
    assert weak.weak == ("jsdom", "Severity: high", "Found 1 vulnerabilities")
    for output in ("", "error: Failed to deserialize response from the npm registry API", "Failed to get data from the registry"):
        assert of_deno_audit(output, packages=7) == Verdict(unasked=("the registry did not answer",))


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict(checked=1), Verdict(checked=2)], 0),
        ([Verdict(checked=1), Verdict(unasked=("x",))], 2),
        ([Verdict(unasked=("x",)), Verdict(checked=1, weak=("y",))], 1),
    ],
)
def test_nothing_known_is_not_nothing_wrong(verdicts: list[Verdict], code: int) -> None:
    assert conclusion(verdicts) == code


def test_what_could_not_be_checked_is_said() -> None:
    assert "NOT CHECKED, so nothing is known: the service did not answer" in report("x", of_pip_audit(""))
    assert "NOT CHECKED" not in report("x", of_pip_audit(pip_audit(CLEAN)))
