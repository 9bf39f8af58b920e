"""The reverse proxies of deploy/, as real processes in front of whatever addresses a test gives them."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct
from tenacity import retry, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_fixed

from tests.valkey import free_port

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
INDEX: Final = '<!doctype html><base href="/" /><title>Sluice</title>'
Name: TypeAlias = Literal["analyze", "status", "stream"]
NAMES: Final[tuple[Name, ...]] = ("analyze", "status", "stream")
Functions: TypeAlias = Mapping[Name, str]
"""The base URL of each function."""


class Edge(Struct, frozen=True):
    """A running reverse proxy."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Of the first of its processes."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        """It, and what it has started. (Linux)"""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]


def page_in(folder: Path) -> Path:
    """A built page, small."""
    page = folder / "dist"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text(INDEX)
    (page / "icon.svg").write_text("<svg/>")
    (page / "assets" / "index-1a2b.js").write_text("export {}")
    return page


@contextmanager
def caddy(page: Path, functions: Functions, *, root_path: str = "", **environment: str) -> Iterator[Edge]:
    """deploy/Caddyfile as it is, with what the image sets; the environment adds to that."""
    (page / "index.html").write_text(INDEX.replace('href="/"', 'href="{{env `ROOT_PATH`}}/"'))  # as ui/Dockerfile does
    variables = {
        **{name.upper(): urlsplit(url).hostname or "" for name, url in functions.items()},
        **{f"{name.upper()}_PORT": str(urlsplit(url).port) for name, url in functions.items()},
        "ROOT_PATH": root_path,
        "PAGE": str(page),
        "XDG_CONFIG_HOME": str(page.parent),
        "XDG_DATA_HOME": str(page.parent),
    }
    file = environment.pop("CADDYFILE", str(DEPLOY / "Caddyfile"))
    command = ["caddy", "run", "--config", file, "--adapter", "caddyfile"]

    def start(port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
        ports = {"PORT": str(port), "HEALTH_PORT": str(free_port())}
        everything = {**os.environ, **variables, **ports, **environment}
        return subprocess.Popen(command, env=everything, stdout=output, stderr=subprocess.STDOUT)

    with _running(start, log=page.parent / "caddy.log") as edge:
        yield edge


@contextmanager
def nginx(page: Path, functions: Functions, *, root_path: str = "", resolver: str = "127.0.0.11 valid=5s") -> Iterator[Edge]:
    """deploy/nginx.conf with its lines marked "here" adapted, as docs/edge.md tells people to."""
    folder = page.parent
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    changes = {
        " /tmp/": f" {folder}/",
        "root /srv;": f"root {page};",
        "resolver 127.0.0.11 valid=5s": f"resolver {resolver}",
        **{f"{name}:8000;": f"{urlsplit(url).netloc};" for name, url in functions.items()},
    }
    if root_path:
        changes |= {
            "# rewrite ^/sluice(/.*)$ $1;": f"rewrite ^{root_path}(/.*)$ $1;",
            """'<base href="/" />';""": f"""'<base href="{root_path}/" />';""",
        }
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    configuration = folder / "nginx.conf"
    # A worker of root's would become somebody who cannot read the folder.
    user = "user root; " if os.geteuid() == 0 else ""
    command = [nginx_binary(), "-e", "stderr", "-c", str(configuration), "-g", f"{user}daemon off;"]

    def start(port: int, output: IO[bytes]) -> subprocess.Popen[bytes]:
        assert "listen 8080;" in text
        configuration.write_text(text.replace("listen 8080;", f"listen 127.0.0.1:{port};"))
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    with _running(start, log=folder / "nginx.log") as edge:
        yield edge


def nginx_binary() -> str:
    """Debian keeps it where only root looks."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"


EDGES: Final[Mapping[str, Callable[..., AbstractContextManager[Edge]]]] = {"caddy": caddy, "nginx": nginx}


class TakenError(Exception):
    """Between being found free and being listened on, a port has become somebody's."""


@contextmanager
def _running(start: Callable[[int, IO[bytes]], subprocess.Popen[bytes]], *, log: Path) -> Iterator[Edge]:
    process, port = _started(start, log)
    try:
        yield Edge(port, process)
    finally:
        process.terminate()
        process.wait(timeout=20)


@retry(retry=retry_if_exception_type(TakenError), stop=stop_after_attempt(5), reraise=True)
def _started(start: Callable[[int, IO[bytes]], subprocess.Popen[bytes]], log: Path) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    with log.open("wb") as output:
        process = start(port, output)
    _wait(process, port, log)
    return process, port


@retry(retry=retry_if_exception_type(OSError), stop=stop_after_delay(20), wait=wait_fixed(0.02), reraise=True)
def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    if process.poll() is not None:
        said = log.read_text()
        raise (TakenError if "in use" in said else RuntimeError)(f"{process.args!r} ended with {process.returncode}:\n{said}")
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def bytes_written(pids: list[int]) -> int:
    """What these processes have caused to be written to storage so far. (Linux)"""
    assert sys.platform == "linux"
    text = "".join(Path(f"/proc/{pid}/io").read_text() for pid in pids)
    return sum(map(int, re.findall(r"^write_bytes: (\d+)$", text, re.MULTILINE)))
