"""Each part carries only what it needs: what a fresh process has loaded after importing it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FUNCTIONS = ("analyze", "status", "stream")


def loaded(module: str) -> set[str]:
    """Names of all modules that importing this one loads."""
    code = f"import {module}, sys; print(*sys.modules, sep='\\n')"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("functions.analyze.app", {"yt_dlp", "functions.status", "functions.stream", "functions.analyze.extraction"}),
        ("functions.status.app", {"yt_dlp", "dramatiq", "functions.analyze", "functions.stream"}),
        ("functions.stream.app", {"yt_dlp", "functions.analyze", "functions.status"}),
        ("functions.analyze.worker", {"yt_dlp", "litestar", "uvicorn", "functions.status", "functions.stream"}),
    ],
)
def test_a_part_does_not_load_what_belongs_to_another(module: str, absent: set[str]) -> None:
    assert not loaded(module) & absent


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def production() -> list[Path]:
    return [path for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*.py")]


def test_shared_imports_no_function() -> None:
    for path in (ROOT / "shared").rglob("*.py"):
        assert not {name for name in imports(path) if name.startswith("functions")}, path


def test_functions_never_import_each_other() -> None:
    for name in FUNCTIONS:
        others = tuple(f"functions.{other}" for other in FUNCTIONS if other != name)
        for path in (ROOT / "functions" / name).rglob("*.py"):
            assert not {imported for imported in imports(path) if imported.startswith(others)}, path


def test_nothing_of_the_tests_is_reachable_from_production() -> None:
    for path in production():
        assert not {name for name in imports(path) if name.split(".")[0] in {"tests", "bench"}}, path


@pytest.mark.parametrize(
    ("package", "only"),
    [
        ("yt_dlp", "functions/analyze/extraction"),
        ("httpx", "shared/upstream"),
        ("environs", "shared/settings.py"),
    ],
)
def test_one_place_knows_each_foreign_package(package: str, only: str) -> None:
    for path in production():
        if package in {name.split(".")[0] for name in imports(path)}:
            assert str(path.relative_to(ROOT)).startswith(only), path


def test_only_the_store_knows_its_keys() -> None:
    for path in production():
        if not path.is_relative_to(ROOT / "shared" / "store"):
            text = path.read_text()
            assert not any(f'"{key}:' in text or f"'{key}:" in text for key in ("task", "inflight", "sources", "leases")), path
