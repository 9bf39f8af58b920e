"""What an extra of pyproject.toml installs, by requirements.lock, and what the installed packages say about themselves."""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.sbom.component import Component
from scripts.sbom.licences import spdx

Environment = Mapping[str, str]

IMAGES: Final[Sequence[Environment]] = ({"sys_platform": "linux", "platform_system": "Linux", "python_version": "3.12"},)
"""What the images hold: Linux, and the Python of their Dockerfiles."""

ANYWHERE: Final[Sequence[Environment]] = tuple(
    {"sys_platform": platform, "platform_system": system, "python_version": python[:4], "python_full_version": python}
    for platform, system in (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows"))
    for python in ("3.11.0", "3.12.0")
)
"""Where a checkout may be used."""

_ELSEWHERE: Final = {"async-timeout": "Apache-2.0", "colorama": "BSD-3-Clause", "tzdata": "Apache-2.0"}
"""Licences of packages for platforms and versions other than the one at hand, whose metadata is not there to be read."""

_PINNED: Final = re.compile(r"^(\S+)==([^\s;]+)([^\n]*(?:\n +--hash=[^\n]*)*)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Lock:
    """``requirements.lock``: the versions, and the hashes of the files they may be installed from."""

    def __init__(self, text: str) -> None:
        self.pins: dict[str, tuple[str, tuple[str, ...]]] = {
            canonicalize_name(name): (version, tuple(_HASH.findall(rest))) for name, version, rest in _PINNED.findall(text)
        }


def installed(root: Path, extra: str, environments: Sequence[Environment]) -> dict[str, frozenset[str]]:
    """Everything that this extra installs in any of these environments, each with what it needs itself."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    found: dict[str, set[str]] = {}
    for environment in environments:
        _collect(project, extra, environment, found)
    return {name: frozenset(needs) for name, needs in sorted(found.items())}


def components(lock: Lock, packages: Mapping[str, frozenset[str]]) -> list[Component]:
    """Those of the packages that are locked."""
    return [_component(name, lock, needs) for name, needs in packages.items() if name in lock.pins]


def _collect(project: Mapping[str, object], extra: str, environment: Environment, found: dict[str, set[str]]) -> None:
    """Add what is reached in one environment: a package, and what it needs with the extras it is asked for with."""
    waiting = list(_direct(project, extra, environment))
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        needs = list(_needs(name, extras, environment))
        found.setdefault(name, set()).update(canonicalize_name(need.name) for need in needs)
        if (name, extras) not in seen:
            seen.add((name, extras))
            waiting += needs


def _direct(project: Mapping[str, object], extra: str, environment: Environment) -> Iterator[Requirement]:
    """What pyproject.toml names for an extra; an extra may consist of others."""
    optional = project["optional-dependencies"]
    assert isinstance(optional, dict)  # noqa: S101 - the file's own format
    own = project["dependencies"]
    assert isinstance(own, list)  # noqa: S101
    for line in [*own, *optional[extra]]:
        requirement = Requirement(line)
        if not _holds(requirement, environment, ""):
            continue
        if requirement.name == project["name"]:
            for other in requirement.extras:
                yield from _direct(project, other, environment)
        else:
            yield requirement


def _needs(name: str, extras: frozenset[str], environment: Environment) -> Iterator[Requirement]:
    for requirement in _declared(name):
        if any(_holds(requirement, environment, extra) for extra in ("", *extras)):
            yield requirement


@functools.cache
def _declared(name: str) -> Sequence[Requirement]:
    """What a package asks for; nothing of one for other platforms, which is not there to be asked."""
    try:
        return [Requirement(line) for line in distribution(name).requires or []]
    except PackageNotFoundError:
        return []


def _holds(requirement: Requirement, environment: Environment, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})


def _component(name: str, lock: Lock, needs: frozenset[str]) -> Component:
    version, hashes = lock.pins[name]
    return Component(
        world="pypi",
        name=name,
        version=version,
        licence=_licence(name),
        hashes=tuple(("SHA-256", digest) for digest in hashes),
        needs=needs,
    )


def _licence(name: str) -> str:
    try:
        told = distribution(name).metadata.json
    except PackageNotFoundError:
        return _ELSEWHERE[name]
    classifiers, expression, text = told.get("classifier", []), told.get("license_expression"), told.get("license")
    return spdx(name, expression=_one(expression), classifiers=list(classifiers), text=_one(text))


def _one(value: str | list[str] | None) -> str | None:
    return value if isinstance(value, str) else None
