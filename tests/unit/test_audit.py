"""What the auditors say is understood, above all when they have found out nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from scripts.audit.__main__ import ROOT, audited_deno, conclusion, report
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


@contextmanager
def registry(status: int, known: dict[str, Any]) -> Iterator[str]:
    """One that knows these weaknesses, by package."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(known).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def known(package: str) -> dict[str, Any]:
    page, cvss = "https://example.org/GHSA-x", {"score": 7.5, "vectorString": "x"}
    entry = {"id": 1, "url": page, "title": "It breaks", "severity": "high", "vulnerable_versions": "<99", "cwe": [], "cvss": cvss}
    return {package: [entry]}


@pytest.mark.parametrize(
    ("status", "weaknesses", "weak", "is_checked"),
    [
        (200, {}, (), True),
        (200, known("jsdom"), ("jsdom: It breaks (high), https://example.org/GHSA-x",), True),
        (503, {"error": "try again later"}, (), False),
    ],
)
def test_the_real_deno(
    monkeypatch: pytest.MonkeyPatch, status: int, weaknesses: dict[str, Any], weak: tuple[str, ...], is_checked: bool
) -> None:
    with registry(status, weaknesses) as address:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", address)
        verdict = audited_deno(ROOT / "pot-provider")
    assert (verdict.weak, verdict.checked > 0, bool(verdict.unasked)) == (weak, is_checked, not is_checked)


def test_words_of_another_version_of_deno() -> None:
    assert of_deno_audit("No known vulnerabilities found\n", packages=7) == Verdict(checked=7)
    weak = of_deno_audit("\x1b[1mjsdom\x1b[0m\n  Severity: high\nFound 1 vulnerabilities\n", packages=7)
    assert weak.weak == ("jsdom", "  Severity: high", "Found 1 vulnerabilities")
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
