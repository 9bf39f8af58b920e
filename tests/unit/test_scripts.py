"""The shell scripts, on machines that lack something."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder for PATH with a shell's own tools and nothing else."""
    for tool in ("sh", "dirname", "mkdir", "rm"):
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


@pytest.fixture
def checkout(bare: Path, tmp_path: Path) -> Path:
    """What prints uv's path, with a Python that has neither pip nor what virtual environments need."""
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    for name in ("uv.sh", "python.sh", "debian-pip.sh"):
        shutil.copy(ROOT / "scripts" / name, folder / "scripts" / name)
    program(bare, "python3", PYTHON_WITHOUT_PIP)
    return folder


PYTHON_WITHOUT_PIP: Final = """
case "$*" in
    *version_info*) exit 0 ;;
    */pip-9.whl/pip\\ install\\ *\\ --target\\ .venv-tools\\ uv) mkdir .venv-tools/bin; : > .venv-tools/bin/uv ;;
    *) exit 1 ;;
esac
"""
DPKG_DEB: Final = """
[ "$1" = --extract ] && [ -f "$2" ] && mkdir -p usr/share/python-wheels && : > usr/share/python-wheels/pip-9.whl
"""
APT_GET: Final = """
case "$*" in
    *Dir::State::Lists=*update) : > listed ;;
    *download\\ python3-pip-whl) [ -f listed ] && : > python3-pip-whl_9_all.deb ;;
    *) exit 1 ;;
esac
"""


def test_a_python_without_pip_borrows_one_from_the_system_s_archive(bare: Path, checkout: Path) -> None:
    program(bare, "apt-get", APT_GET)
    program(bare, "dpkg-deb", DPKG_DEB)
    found = run(checkout / "scripts" / "uv.sh", bare)
    assert (found.returncode, found.stdout) == (0, f"{checkout}/.venv-tools/bin/uv\n"), found.stderr
    assert {path.name for path in (checkout / ".venv-tools" / "pip").iterdir()} == {"listed", "usr"}


@pytest.mark.parametrize("has_apt", [False, True])
def test_a_python_that_nothing_helps_is_a_sentence(bare: Path, checkout: Path, has_apt: bool) -> None:
    if has_apt:
        program(bare, "apt-get", "exit 100")
        program(bare, "dpkg-deb", "exit 1")
    found = run(checkout / "scripts" / "uv.sh", bare)
    assert (found.returncode, found.stdout) == (1, "")
    assert "can neither make virtual environments nor run pip" in found.stderr


@pytest.fixture
def unwritten(bare: Path, tmp_path: Path) -> Path:
    """What `make env` needs of a checkout, on a machine with make and no Python."""
    for tool in ("make", "find", "od", "tr"):
        (bare / tool).symlink_to(str(shutil.which(tool)))
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    (folder / "ui").mkdir()
    for name in ("Makefile", ".env.example", "scripts/env.sh"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def make_env(folder: Path, path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [path / "make", "env"], cwd=folder, env={"PATH": str(path)}, capture_output=True, text=True, timeout=20, check=False
    )


def test_make_env_writes_the_example_with_keys_of_its_own(bare: Path, unwritten: Path) -> None:
    found = set()
    for _ in range(2):
        made = make_env(unwritten, bare)
        assert (made.returncode, made.stderr) == (0, "")
        written, example = ((unwritten / name).read_text(encoding="utf-8") for name in (".env", ".env.example"))
        keys = dict(re.findall(r"^((?:SECRET|ACCESS)_KEY)=([0-9a-f]{32,})$", written, re.MULTILINE))
        assert keys.keys() == {"SECRET_KEY", "ACCESS_KEY"}
        assert re.sub(r"^((?:SECRET|ACCESS)_KEY)=.*$", r"#\1=", written, flags=re.MULTILINE) == example
        assert (unwritten / ".env").stat().st_mode & 0o777 == 0o600
        assert not any(key in made.stdout for key in keys.values())
        found |= set(keys.values())
        (unwritten / ".env").unlink()
    assert len(found) == 4


def test_make_env_never_overwrites(bare: Path, unwritten: Path) -> None:
    (unwritten / ".env").write_text("ACCESS_KEY=kept\n")
    made = make_env(unwritten, bare)
    assert made.returncode != 0
    assert "exists and stays as it is" in made.stderr
    assert (unwritten / ".env").read_text() == "ACCESS_KEY=kept\n"


def test_make_env_writes_nothing_without_chance(bare: Path, unwritten: Path) -> None:
    (bare / "od").unlink()
    program(bare, "od", "exit 1")
    assert make_env(unwritten, bare).returncode != 0
    assert not (unwritten / ".env").exists()
