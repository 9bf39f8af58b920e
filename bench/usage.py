"""What processes have used, read from Linux; elsewhere nothing is known of a process that still runs."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def group_cpu(leader: int) -> float:
    """CPU seconds of a process group, with those of its members' ended children."""
    return sum(sum(map(int, fields[11:15])) for _, fields in _members(leader)) / _TICKS


def group_resident(leader: int) -> dict[str, int]:
    """Bytes in memory, by the name of the program."""
    return {name: int(fields[21]) * _PAGE for name, fields in _members(leader)}


def _members(leader: int) -> Iterator[tuple[str, list[str]]]:
    """Name and the fields behind it, as proc_pid_stat(5) has them; the process group is the third."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = path.read_text().rpartition(")")
        except OSError:
            continue  # ended meanwhile
        fields = after.split()
        if int(fields[2]) == leader:
            yield before.partition("(")[2], fields


def resident(process: int) -> int:
    """Bytes of one process in memory."""
    return _status(process, "VmRSS")


def peak_resident(process: int) -> int:
    """The most bytes of one process that ever were in memory."""
    return _status(process, "VmHWM")


def _status(process: int, name: str) -> int:
    """A field of proc_pid_status(5) that is given in kB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def tree(root: int) -> set[int]:
    """A process with its children and theirs, whatever groups they are in."""
    parents = {int(path.parent.name): int(fields[1]) for path, fields in _all()}
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def tree_cpu(root: int) -> float:
    """CPU seconds of all of them, with those of their ended children."""
    members = tree(root)
    return sum(sum(map(int, fields[11:15])) for path, fields in _all() if int(path.parent.name) in members) / _TICKS


def tree_memory(root: int) -> int:
    """Bytes in memory of all of them; what several share counts once."""
    return sum(map(_proportional, tree(root)))


def _proportional(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0  # ended meanwhile
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _all() -> Iterator[tuple[Path, list[str]]]:
    """Of every process, the fields behind its name, as proc_pid_stat(5) has them; the parent is the second."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield path, path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
