"""Every command of the documentation does what it says: run as it stands, with addresses and ids of this run in their places."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser

from tests.documentation import EXAMPLE, Page, pages, show_example
from tests.screenshots import SHOTS, take
from tests.stack import ROOT
from tests.youtube import YouTube

RUN: Final = frozenset({"curl", "aria2c", "wget"})
"""Programs whose commands are run here."""

COVERED: Final = {
    "make run": "tests/e2e/test_page.py",
    "GLOBAL_PROXY=http://… SSL_CERT_FILE=… make run": "tests/e2e/test_page.py",
    "make doctor": "tests/e2e/test_doctor.py",
    "make env": "tests/unit/test_scripts.py",
    "make test": "scripts/test.sh",
    'make test ARGS="-k launcher"': "scripts/test.sh",
    "make check": "scripts/check.sh",
    "make bench": "tests/e2e/test_bench.py",
    "deploy/kubernetes/example/secrets.sh": "tests/kubernetes/test_manifests.py",
    "scripts/api-types.sh": "tests/unit/test_page_sources.py",
    "scripts/api-reference.sh": "tests/unit/test_documented.py",
    "scripts/screenshots.sh": "tests/e2e/test_docs.py",
    ".venv/bin/python -m tests.youtube": "tests/youtube/test_connection.py",
}
"""Commands that run for ever or for minutes, and what runs the same for real."""

SHELL: Final = """
curl() { command curl --noproxy '*' --show-error --max-time 60 --write-out '%{stderr}status %{http_code}\\n' "$@"; }
aria2c() { command aria2c --no-conf --all-proxy= --console-log-level=error --show-console-readout=false "$@"; }
wget() { command wget --no-proxy --tries=1 --no-verbose "$@"; }
"""
"""The programs as they are, without the proxy of this machine, quiet, and curl saying each status."""

_STATUS: Final = re.compile(r"#\s*(\d{3})\b")


@pytest.fixture(scope="module")
def place(_youtube: YouTube, address: str) -> Iterator[dict[str, str]]:
    """What stands in the examples, and what it is in this run."""
    _youtube.clear()
    show_example(_youtube)
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        task = client.post("/v1/analyze", json={"url": EXAMPLE}).json()
        while task["state"] not in {"completed", "failed"}:
            task = client.get(f"/v1/status/{task['task_id']}", params={"wait": 30}).json()
    assert task["state"] == "completed", task["problem"]
    yield {
        "http://127.0.0.1:8080": address.rstrip("/"),
        "$TASK_ID": task["task_id"],
        "$ACCESS_KEY": "no key is needed here",
    }
    _youtube.clear()


def with_commands() -> list[Page]:
    return [page for page in pages() if any(block.language in {"sh", "python"} for block in page.blocks)]


@pytest.mark.parametrize("page", with_commands(), ids=lambda page: page.name)
def test_every_command_works(page: Page, place: dict[str, str], tmp_path: Path) -> None:
    for block in page.blocks:
        if block.language == "python":
            run([sys.executable, "-c", replaced(block.text, place)], tmp_path)
        for line in block.lines if block.language == "sh" else []:
            if line.command in COVERED:
                assert (ROOT / COVERED[line.command]).exists(), line.command
            elif line.command.startswith(".venv/bin/pytest "):
                check_named_tests(line.command.split()[1:])
            else:
                assert line.command.split()[0] in RUN, f"{line.command}: run it here, or name in COVERED what runs it"
                check(replaced(line.command, place), _STATUS.search(line.comment), tmp_path)


def replaced(text: str, place: dict[str, str]) -> str:
    for written, real in place.items():
        text = text.replace(written, real)
    return text


def check(command: str, expected: re.Match[str] | None, folder: Path) -> None:
    """Exit code 0, and of curl the status that its comment names, else a good one."""
    said = run(["bash", "-c", f"{SHELL}\n{command}"], folder)
    statuses = re.findall(r"^status (\d+)$", said, re.MULTILINE)
    assert all(status == expected[1] if expected else status.startswith("2") for status in statuses), (command, said)
    assert statuses or not command.startswith("curl"), command


def run(arguments: list[str], folder: Path) -> str:
    """What it says of itself."""
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(arguments, cwd=folder, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (arguments[-1], done.stdout[-2000:], done.stderr[-2000:])
    return done.stderr


def check_named_tests(arguments: list[str]) -> None:
    """The files of a pytest command are there, and so is a test of the name it asks for."""
    files = [ROOT / argument for argument in arguments if argument.startswith("tests/")]
    asked = arguments[arguments.index("-k") + 1] if "-k" in arguments else ""
    assert files
    assert all(re.search(rf"def test_\w*{asked}", path.read_text(encoding="utf-8")) for path in files), arguments


def test_the_pictures_can_be_taken_again(browser: Browser, address: str, youtube: YouTube, tmp_path: Path) -> None:
    take(browser, address, youtube, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(SHOTS)
    assert all(10_000 < path.stat().st_size < 150_000 for path in tmp_path.iterdir())


def test_the_programs_are_there() -> None:
    assert all(map(shutil.which, RUN))
