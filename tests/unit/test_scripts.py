"""The shell scripts, on machines that lack something."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder for PATH with a shell's own tools and nothing else."""
    for tool in ("sh", "dirname"):
        for folder in ("/usr/bin", "/bin"):
            if not (tmp_path / tool).exists() and Path(folder, tool).exists():
                (tmp_path / tool).symlink_to(Path(folder, tool))
    program(tmp_path, "id", "echo 1000")
    return tmp_path


def program(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def run(script: Path, path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTHON"}}
    return subprocess.run(
        ["/bin/sh", str(script)],
        env=clean | {"PATH": str(path)} | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_missing_tools_are_named_and_not_accepted_where_nothing_may_be_skipped(bare: Path) -> None:
    script = ROOT / "scripts" / "system-tools.sh"
    person, machine = run(script, bare), run(script, bare, CI="true")
    assert "aria2" in person.stderr
    assert "aria2" in machine.stderr
    assert (person.returncode, machine.returncode != 0) == (0, True)


def test_a_python_that_no_package_helps_is_a_sentence(bare: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout" / "scripts"
    checkout.mkdir(parents=True)
    for name in ("uv.sh", "python.sh"):
        (checkout / name).write_bytes((ROOT / "scripts" / name).read_bytes())
        (checkout / name).chmod(0o755)
    program(bare, "id", "echo 0")
    program(bare, "apt-get", "exit 0")
    program(bare, "python3", 'case "$*" in *version_info*) exit 0 ;; *) exit 1 ;; esac')
    found = run(checkout / "uv.sh", bare)
    assert found.returncode == 1
    assert "can neither make virtual environments nor run pip" in found.stderr
