"""A test that is skipped is one that nobody ran: where it counts, that is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.skipif(True, reason="caddy is not installed")
def test_marked(): ...

def test_by_itself():
    pytest.skip("no browser")

@pytest.mark.xfail(strict=True)
def test_known_to_fail():
    assert False
"""
MODULE = """
import pytest
pytest.importorskip("no_such_package")
"""


def outcome(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder), "-p", "tests.conftest", "-ra", str(folder)],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a test may be for another platform")
@pytest.mark.parametrize(("module", "skipped"), [(TESTS, 2), (MODULE, 1)])
def test_nothing_is_skipped_where_it_counts(tmp_path: Path, module: str, skipped: int) -> None:
    (tmp_path / "test_some.py").write_text(module)
    person, machine = outcome(tmp_path), outcome(tmp_path, CI="true")
    assert f"{skipped} skipped" in person.stdout
    assert "With CI=true nothing is skipped." in machine.stdout
    assert "skipped," not in machine.stdout
    assert (person.returncode in {0, 5}, machine.returncode in {1, 2}) == (True, True), machine.stdout
