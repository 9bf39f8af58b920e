"""What is sent to the builder: the tree without what .dockerignore leaves out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Rule:
    """One line. Where several match a path or a folder above it, the last decides."""

    pattern: str
    is_sent: bool

    def matches(self, path: PurePosixPath) -> bool:
        names = (str(path), *(str(parent) for parent in path.parents if parent.name))
        return any(_expression(self.pattern).fullmatch(name) for name in names)


def sent(root: Path) -> list[PurePosixPath]:
    """Files, relative to ``root``, by its own .dockerignore."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [Rule(line.removeprefix("!").rstrip("/"), line.startswith("!")) for line in lines if line and not line.startswith("#")]
    return [path.relative_to(root) for path in _walk(root, root, rules)]  # type: ignore[misc]  # Path is a PurePosixPath here


def _walk(root: Path, folder: Path, rules: Sequence[Rule]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        relative = PurePosixPath(path.relative_to(root))
        decisions = [rule.is_sent for rule in rules if rule.matches(relative)]
        is_sent = not decisions or decisions[-1]
        if not path.is_dir() or path.is_symlink():
            if is_sent:
                yield path
        elif is_sent or any(rule.is_sent and rule.pattern.startswith(f"{relative}/") for rule in rules):
            yield from _walk(root, path, rules)


def _expression(pattern: str) -> re.Pattern[str]:
    parts = (("(?:.*/)?", "") if part == "**" else (re.escape(part).replace(r"\*", "[^/]*"), "/") for part in pattern.split("/"))
    return re.compile("".join(f"{part}{end}" for part, end in parts).removesuffix("/"))
