"""The bills of materials say of every locked package what it is, and none is where its licence does not allow it."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts.sbom.__main__ import CHECKOUTS, IMAGES, bills, extras, misplaced
from scripts.sbom.component import Component
from scripts.sbom.document import document
from scripts.sbom.licences import UnknownLicenceError, is_copyleft, spdx
from scripts.sbom.python_lock import Lock

ROOT = Path(__file__).parents[2]
NAMES = (*IMAGES, *CHECKOUTS, "pot-provider", "page")


@pytest.fixture(scope="module")
def found() -> Mapping[str, list[Component]]:
    return bills(ROOT)


@pytest.fixture(scope="module")
def lock() -> Lock:
    return Lock((ROOT / "requirements.lock").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_bill_is_what_the_standard_says(found: Mapping[str, list[Component]], name: str) -> None:
    written = document(name, "0.1.0", found[name])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    bill: dict[str, Any] = json.loads(written)
    assert len(bill["components"]) == len(found[name]) > 20
    for component in bill["components"]:
        full = "/".join(filter(None, [component.get("group"), component["name"]]))
        assert component["purl"].startswith(("pkg:pypi/", "pkg:npm/")), full
        assert component["purl"].endswith(f"@{component['version']}"), full
        assert component["hashes"], full
        assert component["licenses"], full
    assert len({component["bom-ref"] for component in bill["components"]}) == len(bill["components"])


def test_every_locked_package_is_in_a_bill(found: Mapping[str, list[Component]], lock: Lock) -> None:
    listed = {(item.name, item.version): item for name in (*IMAGES, *CHECKOUTS) for item in found[name]}
    assert {name for name, _ in listed} == set(lock.pins)
    for (name, version), item in listed.items():
        assert (version, len(item.hashes)) == (lock.pins[name][0], len(lock.pins[name][1]))
    locked = json.loads((ROOT / "pot-provider/deno.lock").read_text())["npm"]
    assert len([item for item in found["pot-provider"] if item.world == "npm"]) == len(locked)


def test_every_hash_of_the_lock_was_read(lock: Lock) -> None:
    assert sum(len(hashes) for _, hashes in lock.pins.values()) == (ROOT / "requirements.lock").read_text().count("--hash=sha256:")


@pytest.mark.parametrize("name", [*IMAGES, "local"])
def test_nothing_is_installed_that_is_not_locked(lock: Lock, name: str) -> None:
    assert set(extras(ROOT)[name]) <= set(lock.pins)


def test_an_image_holds_its_own_packages_alone(found: Mapping[str, list[Component]]) -> None:
    held = {name: {item.name for item in found[name]} for name in NAMES}
    for name in ("analyze", "status", "stream", "pot-provider", "page"):
        assert not held[name] & {"yt-dlp", "bgutil-ytdlp-pot-provider", "pytest"}, name
    assert held["worker"] >= {"yt-dlp", "bgutil-ytdlp-pot-provider", "deno", "curl-cffi"}
    assert "litestar" not in held["worker"]
    assert held["page"] >= {"vue", "@tanstack/vue-query", "@vue/runtime-core"}
    assert not held["page"] & {"vite", "typescript", "jsdom"}
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]) >= {*IMAGES, *CHECKOUTS}


def test_copyleft_is_in_the_worker_alone(found: Mapping[str, list[Component]]) -> None:
    assert misplaced(found) == []
    assert {item.name for item in found["worker"] if is_copyleft(item.licence)} == {"bgutil-ytdlp-pot-provider"}
    plugin = [item for item in found["worker"] if is_copyleft(item.licence)]
    assert misplaced({**found, "stream": plugin}) == [f"stream: {plugin[0].name} {plugin[0].version} is under GPL-3.0-only"]


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        ({"expression": "MIT AND PSF-2.0", "text": "something else"}, "MIT AND PSF-2.0"),
        ({"classifiers": ["License :: OSI Approved :: MIT License"]}, "MIT"),
        ({"classifiers": ["License :: OSI Approved :: MIT License", "License :: Apache Software License"]}, "Apache-2.0 OR MIT"),
        ({"classifiers": ["License :: OSI Approved :: BSD License"], "text": "BSD-2-Clause"}, "BSD-2-Clause"),
        ({"text": "MIT License\n\nCopyright (c) somebody"}, "MIT"),
        ({"text": "Apache 2.0"}, "Apache-2.0"),
    ],
)
def test_a_licence_by_the_most_exact_word(told: dict[str, Any], licence: str) -> None:
    assert spdx("x", **{"expression": None, "classifiers": (), "text": None, **told}) == licence


@pytest.mark.parametrize("text", [None, "", "UNKNOWN", "see LICENSE", "BSD"])
def test_a_licence_that_nobody_names_is_an_error(text: str | None) -> None:
    with pytest.raises(UnknownLicenceError, match="x: its metadata"):
        spdx("x", expression="certainly free", classifiers=["License :: OSI Approved :: BSD License"], text=text)


@pytest.mark.parametrize(
    ("licence", "binds"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0-or-later", True),
        ("MIT AND GPL-2.0-only", True),
        ("MIT OR GPL-2.0-only", False),
        ("LGPL-3.0-or-later", False),
        ("MPL-2.0", False),
        ("MIT", False),
    ],
)
def test_which_licences_bind_the_whole_program(licence: str, binds: bool) -> None:
    assert is_copyleft(licence) is binds
