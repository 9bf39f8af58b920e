"""Builds an image from its Dockerfile, one instruction after the other."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from tests.images.context import sent
from tests.images.dockerfile import Dockerfile, Instruction, Stage, UnknownError, expand, read
from tests.images.machine import Machine, Root


@dataclass(frozen=True)
class Image:
    """What one instruction after the other makes.

    :ivar own: how many of its layers, the latest, are not those of its base image
    """

    root: Root
    environment: Mapping[str, str]
    workdir: str = "/"
    user: str | None = None
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    own: int = 0

    @property
    def own_layers(self) -> tuple[int, ...]:
        return self.root.layers[len(self.root.layers) - self.own :]


OURS: Final = re.compile(r"(PIP|UV|NPM|DENO)_|.*CERT")


class BuildError(Exception):
    """A command of a Dockerfile failed; with what it wrote."""


class Builder:
    """Like an engine's, it does the same step on the same file system only once, whichever Dockerfile asks for it.

    :param arguments: as by ``--build-arg``
    """

    def __init__(self, context: Path, machine: Machine, *, arguments: Mapping[str, str], log: Path) -> None:
        self._context = context
        self._sent = sent(context)
        self._machine = machine
        self._arguments = arguments
        self._log = log
        self._done: dict[tuple[object, ...], int] = {}

    def build(self, dockerfile: Path, target: str) -> Image:
        file = read((self._context / dockerfile).read_text(encoding="utf-8"))
        return self._stage(file, target, built={})

    def _stage(self, file: Dockerfile, name: str, built: dict[str, Image]) -> Image:
        if name not in built:
            stage = next(stage for stage in file.stages if stage.name == name)
            built[name] = self._built(file, stage, built)
        return built[name]

    def _built(self, file: Dockerfile, stage: Stage, built: dict[str, Image]) -> Image:
        given: dict[str, str] = {}
        for argument in file.arguments:
            given |= self._argument(argument, given)
        base = expand(stage.base, given)
        image = self._stage(file, base, built) if any(base == other.name for other in file.stages) else self._base(base)
        arguments: dict[str, str] = {}
        for instruction in stage.instructions:
            values = {**arguments, **image.environment}
            match instruction.name:
                case "ARG":
                    arguments |= self._argument(instruction, values, given)
                case "COPY":
                    image = self._copied(instruction, image, values, file, built)
                case "RUN":
                    image = self.ran(image, instruction.text, values, mounts(instruction))
                case _:
                    image = described(instruction, image, values)
        return image

    def _base(self, _: str) -> Image:
        """Whatever its name: this machine stands in."""
        return Image(root=self._machine.base, environment={"PATH": self._machine.path})

    def _argument(
        self, instruction: Instruction, values: Mapping[str, str], outer: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, str]:
        """:param outer: those before the first stage, which one without a default of its own takes over"""
        name, has_default, _ = instruction.text.partition("=")
        if name in self._arguments:
            return {name: self._arguments[name]}
        return instruction.pairs(values) if has_default else {name: outer[name]} if name in outer else {}

    def _copied(
        self, instruction: Instruction, image: Image, values: Mapping[str, str], file: Dockerfile, built: dict[str, Image]
    ) -> Image:
        *sources, target = (expand(word, values) for word in instruction.text.split())
        to = str(Path(image.workdir, target)) + ("/" if target.endswith("/") or target == "." else "")
        origin = instruction.flag("from")
        whence = self._stage(file, origin, built).root if origin else None
        key = ("COPY", image.root, whence, tuple(sources), to)
        if key not in self._done:
            layer = self._machine.layer()
            folder = self._from_stage(whence, sources) if whence else self._from_context(sources)
            names = [Path(source).name for source in sources]
            script = "\n".join(("set -e; cd /run", *(copying(name, to) for name in names)))
            self._do(image, script, {"PATH": self._machine.path}, layer, {folder: "/run"}, workdir="/")
            self._done[key] = layer
        return added(image, self._done[key])

    def _from_context(self, sources: list[str]) -> Path:
        """A folder with what is sent of them."""
        folder = self._machine.folder()
        for source in sources:
            found = [path for path in self._sent if path == PurePosixPath(source) or path.is_relative_to(source)]
            if not found:
                raise UnknownError(f"{source} is not sent to the builder")
            for path in found:
                to = folder / Path(source).name / path.relative_to(source)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes((self._context / path).read_bytes())
                to.chmod((self._context / path).stat().st_mode)
        return folder

    def _from_stage(self, root: Root, sources: list[str]) -> Path:
        folder = self._machine.folder()
        command = ["cp", "--archive", *sources, "/run"]
        run = self._machine.run(root, command, environment={"PATH": self._machine.path}, binds={folder: "/run"})
        subprocess.run(run, check=True)
        return folder

    def ran(self, image: Image, script: str, values: Mapping[str, str], binds: Mapping[Path, str]) -> Image:
        """With what the script has written."""
        key = ("RUN", image.root, image.workdir, script, tuple(sorted(values.items())))
        if key not in self._done:
            layer = self._machine.layer()
            self._do(image, script, values, layer, binds, workdir=image.workdir)
            self._done[key] = layer
        return added(image, self._done[key])

    def _do(
        self, image: Image, script: str, values: Mapping[str, str], layer: int, binds: Mapping[Path, str], *, workdir: str
    ) -> None:
        (self._machine.part(layer) / workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
        assert image.user is None, "what is done as somebody else is not understood here"
        run = self._machine.run(
            image.root,
            ["sh", "-c", script],
            environment={"HOME": "/root", **surroundings(), **values},
            workdir=workdir,
            into=layer,
            binds=binds,
        )
        with self._log.open("ab") as log:
            ended = subprocess.run(run, stdout=log, stderr=subprocess.STDOUT, check=False)
        if ended.returncode != 0:
            raise BuildError(f"{script}\n{self._log.read_text(errors='replace')[-4000:]}")


def surroundings() -> dict[str, str]:
    """How this machine reaches the package indexes. (An engine would have it from its own configuration.)"""
    return {name: value for name, value in os.environ.items() if OURS.match(name)}


def described(instruction: Instruction, image: Image, values: Mapping[str, str]) -> Image:
    """The instructions that change no file."""
    changes: dict[str, object]
    match instruction.name:
        case "ENV":
            changes = {"environment": {**image.environment, **instruction.pairs(values)}}
        case "LABEL":
            changes = {"labels": {**image.labels, **instruction.pairs(values)}}
        case "WORKDIR":
            changes = {"workdir": str(Path(image.workdir, expand(instruction.text, values)))}
        case "USER":
            changes = {"user": instruction.text}
        case "EXPOSE":
            changes = {"ports": (*image.ports, instruction.text)}
        case "ENTRYPOINT":
            changes = {"entrypoint": instruction.command(), "command": ()}
        case "CMD":
            changes = {"command": instruction.command()}
        case "HEALTHCHECK":
            kind, _, words = instruction.text.partition(" ")
            assert kind == "CMD", instruction
            changes = {"healthcheck": replace(instruction, text=words.strip()).command()}
        case _:
            raise UnknownError(instruction.name)
    return replace(image, **changes)  # type: ignore[arg-type]  # each is of its field's type


def added(image: Image, layer: int) -> Image:
    return replace(image, root=Root((*image.root.layers, layer)), own=image.own + 1)


COPYING: Final = """
if [ -d '{name}' ]; then
    mkdir -p '{to}'
    cp -a '{name}/.' '{to}'
else
    mkdir -p '{parent}'
    cp -a '{name}' '{to}'
fi
"""
"""A folder's content goes into the target; a file becomes it, or goes into it where that ends with a slash."""


def copying(name: str, to: str) -> str:
    return COPYING.format(name=name, to=to, parent=to if to.endswith("/") else Path(to).parent)


def mounts(instruction: Instruction) -> dict[Path, str]:
    """A cache that an engine keeps is this account's own."""
    found: dict[Path, str] = {}
    for flag, value in instruction.flags:
        if (flag, value) != ("mount", "type=cache,target=/root/.cache"):
            raise UnknownError(f"--{flag}={value}")
        found[Path.home() / ".cache"] = "/root/.cache"
    return found
