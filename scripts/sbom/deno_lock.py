"""What `deno install` puts into node_modules, by deno.lock, and what the packages there say about themselves."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from scripts.sbom.component import Component
from scripts.sbom.licences import spdx

_KEY: Final = re.compile(r"(?P<name>@?[^@]+)@(?P<version>[^_]+)")
"""``@vue/test-utils@2.6.0_vue@3.5.45``: what follows the underscore are the peers it was resolved with."""


def components(folder: Path, *, only: Iterable[str] | None = None) -> list[Component]:
    """Every package of the lock in this folder, or those that some of the direct ones need.

    :param only: names in package.json
    """
    lock: dict[str, Any] = json.loads((folder / "deno.lock").read_text())
    packages: Mapping[str, Mapping[str, Any]] = lock["npm"]
    wanted = set(packages) if only is None else _closure(packages, _direct(lock["specifiers"], set(only)))
    return [_component(folder, key, packages[key]) for key in sorted(wanted)]


def _direct(specifiers: Mapping[str, str], names: set[str]) -> Iterable[str]:
    """``npm:vue@^3.5.45`` is resolved to a version, which with the name is a key."""
    for asked, version in specifiers.items():
        name = asked.removeprefix("npm:").rpartition("@")[0]
        if name in names:
            yield f"{name}@{version}"


def _closure(packages: Mapping[str, Mapping[str, Any]], start: Iterable[str]) -> set[str]:
    found, waiting = set(), list(start)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += [_resolved(packages, need) for need in _needs(packages[key])]
    return found


def _needs(entry: Mapping[str, Any]) -> Iterable[str]:
    """Without the peers that it can do without, which are there for somebody else."""
    return (need for need in entry.get("dependencies", []) if need not in entry.get("optionalPeers", []))


def _resolved(packages: Mapping[str, Any], need: str) -> str:
    """A need is a key, or a name alone where there is only one of that name."""
    if need in packages:
        return need
    return next(key for key in packages if key.startswith(f"{need}@"))


def _component(folder: Path, key: str, entry: Mapping[str, Any]) -> Component:
    match = _KEY.match(key)
    assert match is not None  # noqa: S101 - the lock's own format
    algorithm, _, digest = entry["integrity"].partition("-")
    return Component(
        world="npm",
        name=match["name"],
        version=match["version"],
        licence=_licence(folder, match["name"], match["version"]),
        hashes=((algorithm.replace("sha", "SHA-"), base64.b64decode(digest).hex()),),
        needs=frozenset(need["name"] for need in map(_KEY.match, _full(entry)) if need),
    )


def _full(entry: Mapping[str, Any]) -> Iterable[str]:
    """Each need with a version, if only an empty one, so that it looks like a key."""
    return (need if "@" in need[1:] else f"{need}@*" for need in _needs(entry))


def _licence(folder: Path, name: str, version: str) -> str:
    inside = f".deno/{name.replace('/', '+')}@{version}*/node_modules/{name}/package.json"
    told = json.loads(next(iter(sorted((folder / "node_modules").glob(inside)))).read_text())
    return spdx(name, expression=told.get("license"), classifiers=(), text=None)
