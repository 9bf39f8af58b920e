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
