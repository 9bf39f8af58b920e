"""What stays between two runs: one folder per user."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from functions.local.failure import LaunchError


def folder(environment: Mapping[str, str]) -> Path:
    """``$XDG_STATE_HOME/sluice``, else ``~/.local/state/sluice``; only this user can look into it.

    :raises LaunchError: when it cannot be made.
    """
    base = environment.get("XDG_STATE_HOME", "")
    path = (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "sluice"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LaunchError(f"cannot make the state folder {path}: {error.strerror}") from None
    return path


def kept_secret(path: Path) -> str:
    """The secret in ``path``, made up once; links and cookies stay valid over restarts.

    :raises LaunchError: when it can be neither read nor written.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise LaunchError(f"cannot keep a secret key in {path}: {error.strerror}") from None
    with open(descriptor, "w") as file:  # noqa: PTH123 - a descriptor with its mode set from the start
        file.write(secrets.token_urlsafe(32))
    return _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise LaunchError(f"cannot read {path}: {error.strerror}") from None


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """The folder's lock: two stores on the same files would destroy them.

    Yields a descriptor for the store to inherit, so that the lock is held until the last user of the files has ended, even when
    that is not this process.

    :raises LaunchError: when another launcher, or a store that is still stopping, has it.
    """
    with (path / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchError(
                f"Sluice is already running on {path}: stop it first, or give this one a folder of its own with XDG_STATE_HOME"
            ) from None
        yield file.fileno()
