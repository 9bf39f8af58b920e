"""File systems out of layers, as a container engine makes them, by Linux alone; needs root or what `unshare` gives.

No registry can be reached from everywhere, so that this machine's own programs stand in for those of a base image: its system
folders lie below the layers, never to be changed. What it has beyond them (this checkout, its packages, what administrators
installed) is not there.
"""

import itertools
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
CHANGEABLE: Final = ("/app", "/build", "/root", "/run", "/srv", "/tmp", "/var/lib/apt", "/var/tmp", "/venv")  # noqa: S108 - of another file system
SOURCES: Final = "Types: deb\nURIs: http://debian.example.org/debian\nSuites: bookworm\nComponents: main\n"
APT_GET: Final = """#!/bin/sh
# Instead of Debian's archive: what this machine has installed.
set -eu
for word; do
    case "$word" in
        update) exec grep URIs /etc/apt/sources.list.d/debian.sources ;;
        -* | install) ;;
        *) [ -d "/usr/share/doc/${word%%=*}" ] || { echo "this machine has no ${word%%=*}" >&2; exit 100; } ;;
    esac
done
"""


def interpreter(version: str) -> Path | None:
    """The prefix of a Python with pip: of this version if this machine has one, else the one that runs the tests."""
    own = str(Path(sys.base_prefix) / "bin" / "python3")
    for name in (f"python{version}", *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")), own):
        tell = [name, "-c", "import pip, ensurepip, sys; print(sys.base_prefix)"]
        if shutil.which(name) and (told := subprocess.run(tell, capture_output=True, text=True, check=False)).returncode == 0:
            return Path(told.stdout.strip())
    return None


@dataclass(frozen=True)
class Root:
    """A file system: layers by number, the lowest first."""

    layers: tuple[int, ...]


class Machine:
    """Keeps layers in a folder, and runs commands on top of them.

    :param python: the prefix of the Python that stands in for the images' one
    """

    def __init__(self, folder: Path, python: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        prefix = () if python.is_relative_to("/usr") else (python,)
        real = [Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64") if Path(name).is_dir()]
        self.grafts = (Path("/"), *(path for path in real if not path.is_symlink()), *prefix)
        """Every one is a file system of its own: those of this machine, which lie below, may not contain the layers."""
        folder.chmod(0o755)
        self.base = Root((self._stand_in(python),))
        self.path = ":".join((str(python / "bin"), *PATH))

    def layer(self) -> int:
        """A new one, empty."""
        number = next(self._numbers)
        for index in range(len(self.grafts)):
            self.part(number, index).mkdir(parents=True, mode=0o755)
            (self._folder / str(number) / f"{index}.work").mkdir()
        return number

    def part(self, layer: int, graft: int = 0) -> Path:
        return self._folder / str(layer) / str(graft)

    def folder(self) -> Path:
        """A new one, empty, that is no layer."""
        folder = self._folder / f"folder{next(self._numbers)}"
        folder.mkdir(mode=0o755)
        return folder

    def run(
        self,
        root: Root,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        workdir: str = "/",
        into: int | None = None,
        binds: Mapping[Path, str] | None = None,
        user: str | None = None,
        tmp: bool = True,
    ) -> list[str]:
        """The command line that runs ``command`` in there, alone in its process namespace.

        :param into: the layer that takes what is written; without one the file system is read-only
        :param binds: folders of this machine, and where they are seen
        :param user: ``uid:gid``; without one it is root's. With one it has no capability and cannot get any
        :param tmp: whether /tmp can be written to (in memory), where nothing else can
        """
        at = self.folder()
        lines = [f"cd {shlex.quote(str(self._folder))}"]
        for index, graft in enumerate(self.grafts):
            lowers = [f"{number}/{index}" for number in reversed(root.layers)] + ([] if index == 0 else [str(graft)])
            if len(lowers) == 1:
                lowers.append("empty")
            options = f"lowerdir={':'.join(lowers)}"
            if into is not None:
                options += f",upperdir={into}/{index},workdir={into}/{index}.work"
            lines.append(f"mount -t overlay overlay -o {options} {shlex.quote(f'{at}{graft}')}")
        lines += [f"mount -t proc proc {at}/proc", f"mount --rbind /dev {at}/dev"]
        lines += [f"mount --bind {shlex.quote(str(source))} {at}{target}" for source, target in (binds or {}).items()]
        if into is None and tmp:
            lines.append(f"mount -t tmpfs -o mode=1777 tmpfs {at}/tmp")  # noqa: S108 - as above
        rights = [] if user is None else ["setpriv", *unprivileged(user)]
        inside = ["chroot", str(at), "env", "-i", "-C", workdir, *(f"{name}={value}" for name, value in environment.items())]
        lines.append(f"exec {shlex.join([*inside, *rights, *command])}")
        return [*UNSHARE, "sh", "-euc", "\n".join(lines)]

    def bytes_of(self, layers: Sequence[int]) -> int:
        """What they hold."""
        parts = [self.part(number, index) for number in layers for index in range(len(self.grafts))]
        return sum(path.lstat().st_size for part in parts for path in part.rglob("*") if not path.is_dir())

    def _stand_in(self, python: Path) -> int:
        (self._folder / "empty").mkdir()
        number = self.layer()
        root = self.part(number)
        for name in (*CHANGEABLE, "/dev", "/proc", "/usr", "/root/.cache", *map(str, self.grafts)):
            (root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        for link in (path for path in Path("/").iterdir() if path.is_symlink()):
            if str(link.readlink()).lstrip("/").startswith("usr/"):
                (root / link.name).symlink_to(link.readlink())
        not_ours = shutil.ignore_patterns("*shadow*", "private", "sources.list*")
        shutil.copytree("/etc", root / "etc", symlinks=True, ignore=not_ours)
        sources = root / "etc/apt/sources.list.d/debian.sources"
        sources.parent.mkdir(parents=True, exist_ok=True)
        sources.write_text(SOURCES)
        self._stand_in_usr(self.part(number, self.grafts.index(Path("/usr"))), python)
        return number

    def _stand_in_usr(self, usr: Path, python: Path) -> None:
        programs = usr / "local" / "sbin"
        programs.mkdir(parents=True)
        if not python.is_relative_to("/usr/local"):
            os.setxattr(programs.parent, "trusted.overlay.opaque", b"y")  # nothing of what lies below
        if python != Path("/usr"):
            for path in (*Path("/usr/lib").glob("python3*"), *Path("/usr/bin").glob("pip*")):
                hidden = usr / path.relative_to("/usr")
                hidden.parent.mkdir(exist_ok=True)
                os.mknod(hidden, 0o600 | stat.S_IFCHR, os.makedev(0, 0))  # how an overlay says that something is gone
        (programs / "apt-get").write_text(APT_GET)
        (programs / "apt-get").chmod(0o755)


UNSHARE: Final = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL")


def unprivileged(user: str) -> list[str]:
    """For setpriv: what `cap_drop: [ALL]` and `no-new-privileges` leave."""
    uid, gid = re.fullmatch(r"(\d+):(\d+)", user).groups()  # type: ignore[union-attr]  # images name numbers
    return [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]


def may_build() -> bool:
    """Whether this system lets us; in CI it has to."""
    if sys.platform != "linux":
        return False
    is_possible = os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    return is_possible or os.environ.get("CI") == "true"
