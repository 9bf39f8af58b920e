"""A Dockerfile, read instruction by instruction. What is not understood is an error: no line may go untested."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

FLAGS: Final = {
    "ARG": (),
    "FROM": (),
    "ENV": (),
    "WORKDIR": (),
    "COPY": ("from",),
    "RUN": ("mount",),
    "EXPOSE": (),
    "USER": (),
    "HEALTHCHECK": ("interval", "timeout", "start-period", "retries"),
    "ENTRYPOINT": (),
    "CMD": (),
    "LABEL": (),
}
"""The instructions that are understood, and the flags of each."""

_REFERENCE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class UnknownError(Exception):
    """Something that these tests do not understand, and so would not test."""


@dataclass(frozen=True)
class Instruction:
    """``text`` is what follows name and flags, on one line."""

    name: str
    flags: tuple[tuple[str, str], ...]
    text: str

    def flag(self, name: str) -> str | None:
        return dict(self.flags).get(name)

    def command(self) -> tuple[str, ...]:
        """The words of the exec form; there is no other here, since a shell would stand between the program and its signals."""
        words = json.loads(self.text)
        assert isinstance(words, list), self
        return tuple(words)

    def pairs(self, values: Mapping[str, str]) -> dict[str, str]:
        """``name=value …``, expanded."""
        words = [expand(word, values) for word in shlex.split(self.text)]
        return {name: value for name, _, value in (word.partition("=") for word in words)}


@dataclass(frozen=True)
class Stage:
    name: str
    base: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Dockerfile:
    """``arguments`` are those before the first stage, for the names of base images."""

    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]


def read(text: str) -> Dockerfile:
    """:raises UnknownError: for what is not understood"""
    arguments: list[Instruction] = []
    stages: list[Stage] = []
    for instruction in instructions(text):
        if instruction.name == "FROM":
            found = re.fullmatch(r"(\S+) AS ([\w-]+)", instruction.text)
            if found is None:
                raise UnknownError(f"a stage without a name: {instruction.text}")
            stages.append(Stage(name=found[2], base=found[1], instructions=()))
        elif stages:
            last = stages.pop()
            stages.append(Stage(name=last.name, base=last.base, instructions=(*last.instructions, instruction)))
        elif instruction.name == "ARG":
            arguments.append(instruction)
        else:
            raise UnknownError(f"before the first stage: {instruction}")
    return Dockerfile(arguments=tuple(arguments), stages=tuple(stages))


def instructions(text: str) -> Iterator[Instruction]:
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    whole = ""
    for line in lines:
        whole += line.removesuffix("\\")
        if not line.endswith("\\"):
            yield _instruction(whole)
            whole = ""
    if whole:
        raise UnknownError(f"goes on after the end: {whole}")


def _instruction(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    if name not in FLAGS:
        raise UnknownError(f"instruction {name}")
    flags = []
    rest = rest.lstrip()
    while found := re.match(r"--([\w-]+)=(\S+)\s+", rest):
        flags.append((found[1], found[2]))
        rest = rest[found.end() :]
    unknown = {flag for flag, _ in flags} - set(FLAGS[name])
    if unknown or rest.startswith("--"):
        raise UnknownError(f"flags of {name}: {sorted(unknown) or rest}")
    return Instruction(name=name, flags=tuple(flags), text=rest)


def expand(text: str, values: Mapping[str, str]) -> str:
    """``$NAME`` and ``${NAME}``; what has no value is empty.

    :raises UnknownError: for any other form
    """
    expanded = _REFERENCE.sub(lambda found: values.get(found[1] or found[2], ""), text)
    if "$" in _REFERENCE.sub("", text):
        raise UnknownError(f"expansion in {text}")
    return expanded
