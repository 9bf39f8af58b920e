"""``python -m scripts.sbom [FOLDER]``: writes one bill of materials for each image, and for a checkout, from the locks."""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scripts.sbom import deno_lock, python_lock
from scripts.sbom.component import Component
from scripts.sbom.document import document
from scripts.sbom.licences import UnknownLicenceError, is_copyleft

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "dist" / "sbom"
IMAGES: Final = ("analyze", "status", "stream", "worker")
CHECKOUTS: Final = ("local", "test")
MAY_BE_COPYLEFT: Final = frozenset({"worker", *CHECKOUTS})
"""yt-dlp's plugin for PO tokens is under the GPL. Only the worker's child process loads it, and only its image holds it."""


def bills(root: Path) -> Mapping[str, list[Component]]:
    """What every image and a checkout are made of. The page is what the build put into it, not what built it."""
    lock = python_lock.Lock((root / "requirements.lock").read_text())
    found = {name: python_lock.components(lock, packages) for name, packages in extras(root).items()}
    deno = [component for component in found["worker"] if component.name == "deno"]
    page = json.loads((root / "ui" / "package.json").read_text())["dependencies"]
    found["pot-provider"] = [*deno, *deno_lock.components(root / "pot-provider")]
    found["page"] = deno_lock.components(root / "ui", only=page)
    return found


def extras(root: Path) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """What each extra of pyproject.toml installs where it is used."""
    images = {name: python_lock.installed(root, name, python_lock.IMAGES) for name in IMAGES}
    return images | {name: python_lock.installed(root, name, python_lock.ANYWHERE) for name in CHECKOUTS}


def unlocked(root: Path) -> list[str]:
    """Packages that an extra installs and the lock does not know."""
    lock = python_lock.Lock((root / "requirements.lock").read_text())
    return sorted({name for packages in extras(root).values() for name in packages} - set(lock.pins))


def misplaced(found: Mapping[str, list[Component]]) -> list[str]:
    """Licences that bind a whole program, in one that they may not bind."""
    return [
        f"{name}: {component.name} {component.version} is under {component.licence}"
        for name, components in found.items()
        if name not in MAY_BE_COPYLEFT
        for component in components
        if is_copyleft(component.licence)
    ]


def main() -> int:
    """Write them; 1 where a licence is unknown or where it may not be."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    try:
        found = bills(ROOT)
    except UnknownLicenceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    for name, components in found.items():
        (folder / f"{name}.cdx.json").write_text(document(f"sluice-{name}", version, components) + "\n")
    sys.stdout.write(f"{len(found)} bills of materials in {folder}\n")
    wrong = [*misplaced(found), *(f"{name} is not in requirements.lock: make lock" for name in unlocked(ROOT))]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
