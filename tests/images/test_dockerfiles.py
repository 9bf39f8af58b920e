"""What can be said of the Dockerfiles without building them."""

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
import yaml  # type: ignore[import-untyped]

from tests.images.building import Builder
from tests.images.catalogue import DOCKERFILES, ROOT
from tests.images.conftest import ARGUMENTS
from tests.images.context import sent
from tests.images.dockerfile import Dockerfile, Instruction, Stage, UnknownError, expand, read
from tests.images.machine import Machine

PATHS: Final = sorted(set(DOCKERFILES.values()))


def parsed(path: Path) -> Dockerfile:
    return read((ROOT / path).read_text(encoding="utf-8"))


def stage(name: str) -> Stage:
    return next(stage for stage in parsed(DOCKERFILES[name]).stages if stage.name == name)


@pytest.mark.parametrize(
    "text",
    [
        "FROM a AS b\nADD c d",
        "FROM a AS b\nCOPY --chown=1:1 c d",
        "FROM a AS b\nRUN --network=none c",
        "FROM a",
        "RUN c\nFROM a AS b",
        "FROM a AS b\nRUN c \\",
    ],
)
def test_what_is_not_understood_is_an_error(text: str) -> None:
    with pytest.raises(UnknownError):
        read(text)


@pytest.mark.parametrize("text", ["${A:-b}", "$(a)", "\\$"])
def test_an_expansion_that_is_not_understood_is_an_error(text: str) -> None:
    with pytest.raises(UnknownError):
        expand(text, {})


def test_a_line_may_be_continued_and_interrupted_by_comments() -> None:
    (only,) = read("# one\nFROM a AS b\nRUN --mount=type=cache,target=/c \\\n  # two\n  d && \\\n  e\n").stages
    assert only.instructions == (Instruction("RUN", (("mount", "type=cache,target=/c"),), "  d &&   e".lstrip()),)


def test_every_image_of_ours_is_tested() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    builds = {name: service["build"] for name, service in services.items() if "build" in service}
    assert {name: Path(build["dockerfile"]) for name, build in builds.items()} == DOCKERFILES
    for name, build in builds.items():
        assert build.get("target", parsed(DOCKERFILES[name]).stages[-1].name) == name
    assert {path.relative_to(ROOT) for path in ROOT.glob("*/**/Dockerfile") if "node_modules" not in path.parts} == set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_every_base_image_can_come_from_elsewhere(path: Path) -> None:
    names = {stage.name for stage in parsed(path).stages}
    bases = {stage.base for stage in parsed(path).stages} - names
    assert all(re.fullmatch(r"\$\{REGISTRY\}(python|debian|caddy):\$\{(PYTHON|DEBIAN|CADDY)_TAG\}", base) for base in bases), bases


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_every_index_can_be_another(path: Path) -> None:
    for stage in parsed(path).stages:
        commands = " ".join(instruction.text for instruction in stage.instructions if instruction.name == "RUN")
        arguments = {instruction.text.partition("=")[0] for instruction in stage.instructions if instruction.name == "ARG"}
        needed = {"pip install": "PIP_INDEX_URL", "uv pip": "UV_DEFAULT_INDEX", "deno install": "NPM_CONFIG_REGISTRY"}
        needed["apt-get"] = "DEBIAN_MIRROR"
        needed["touch"] = "SOURCE_DATE_EPOCH"
        assert {name for command, name in needed.items() if command in commands} <= arguments


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_no_index_is_named(path: Path) -> None:
    addresses = re.findall(r"\w+://[\w.$-]+", (ROOT / path).read_text(encoding="utf-8"))
    assert set(addresses) <= {"http://127.0.0.1"}
    assert "# syntax" not in (ROOT / path).read_text(encoding="utf-8")  # an image as well, from one registry only


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_what_is_copied_is_sent_to_the_builder(path: Path) -> None:
    found = sent(ROOT)
    for stage in parsed(path).stages:
        for copy in (instruction for instruction in stage.instructions if instruction.name == "COPY" and not instruction.flags):
            for source in copy.text.split()[:-1]:
                assert any(file.is_relative_to(source) for file in found), source


def test_nothing_else_is_sent_to_the_builder() -> None:
    found = sent(ROOT)
    assert {str(path) for path in found if len(path.parts) == 1} == {"pyproject.toml", "requirements.lock"}
    assert {path.parts[0] for path in found if path.parts[1:]} == {"deploy", "functions", "pot-provider", "shared", "ui"}
    assert not [path for path in found if {"node_modules", "__pycache__", "dist", "local"} & set(path.parts)]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_for_nobody_in_particular(name: str) -> None:
    own = stage(name).instructions
    assert [instruction.text for instruction in own if instruction.name == "USER"] == ["65532:65532"]
    assert [instruction.name for instruction in own].count("HEALTHCHECK") == 1


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_has_the_version_of_the_project(name: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"VERSION={version}" in [instruction.text for instruction in stage(name).instructions if instruction.name == "ARG"]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_all_images_have_the_same_python(path: Path) -> None:
    expected = [argument.text for argument in parsed(DOCKERFILES["status"]).arguments if argument.text.startswith("PYTHON_TAG")]
    assert [argument.text for argument in parsed(path).arguments if argument.text.startswith("PYTHON_TAG")] == expected


@pytest.mark.parametrize("name", ["worker", "pot-provider"])
def test_debian_s_archive_can_be_another(machine: Machine, tmp_path: Path, name: str) -> None:
    arguments = {**ARGUMENTS, "DEBIAN_MIRROR": "https://mirror.example.org"}
    Builder(ROOT, machine, arguments=arguments, log=tmp_path / "log").build(DOCKERFILES[name], "init")
    assert (tmp_path / "log").read_text().splitlines()[0] == "URIs: https://mirror.example.org/debian"
