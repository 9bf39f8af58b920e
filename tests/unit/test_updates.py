"""The update commands, in a checkout of a few files, with indexes of a few packages."""

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = ("update-ytdlp.sh", "update-pot.sh", "lock.sh", "install.sh", "python.sh", "uv.sh", "debian-pip.sh")
OLD, NEW, BROKEN = "2026.10.26", "2026.11.20", "2026.12.1"
TRIED: Final = """
import sys
from importlib.metadata import version
sys.exit(version("yt-dlp") == "2026.12.1")
"""
PROJECT: Final = """
[project]
name = "sluice"
version = "0"
[project.optional-dependencies]
worker = [
  "yt-dlp==2026.10.26",
  "yt-dlp-ejs==0.8.0",
]
test = ["sluice[worker]", "pytest"]
[tool.uv]
package = false
"""


def wheel(folder: Path, name: str, version: str, *requires: str, main: str = "") -> None:
    """The least that can be installed."""
    module = name.replace("-", "_")
    metadata = "\n".join(
        ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {item}" for item in requires)]
    )
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": "",
        f"{module}/__main__.py": main,
        f"{info}/METADATA": f"{metadata}\nProvides-Extra: default\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    for version, solver in {OLD: "0.8.0", NEW: "0.9.0"}.items():
        wheel(folder, "yt-dlp", version, f'yt-dlp-ejs=={solver}; extra == "default"')
        wheel(folder, "yt-dlp-ejs", solver)
    for name in ("uv", "bgutil-ytdlp-pot-provider"):
        wheel(folder, name, "2.0.2")
    wheel(folder, "pytest", "1", main=TRIED)
    (folder / "uv.toml").write_text(f"[pip]\nno-index = true\nfind-links = ['{folder}']\n")
    return folder


@pytest.fixture(scope="module")
def path() -> str:
    """With uv, and Deno."""
    uv = subprocess.run([ROOT / "scripts" / "uv.sh"], check=True, capture_output=True, text=True).stdout.strip()
    return os.pathsep.join((str(Path(uv).parent), str(Path(sys.executable).parent), os.environ["PATH"]))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in SCRIPTS:
        (folder / "scripts").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "scripts" / name, folder / "scripts" / name)
    (folder / "deploy").mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


def run(checkout: Path, path: str, script: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "UV_CACHE_DIR": str(checkout.parent / "cache"), **variables}
    command = [str(checkout / "scripts" / script), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def update(checkout: Path, path: str, index: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run(checkout, path, "update-ytdlp.sh", *arguments, UV_CONFIG_FILE=str(index / "uv.toml"))


def pins(checkout: Path) -> set[str]:
    """In both places."""
    lines = (checkout / "requirements.lock").read_text().splitlines()
    locked = {line.partition(" ")[0] for line in lines if line.startswith("yt-dlp")}
    assert all(f'"{pin}"' in (checkout / "pyproject.toml").read_text() for pin in locked)
    return locked


@pytest.fixture
def locked(checkout: Path, path: str, index: Path) -> Path:
    ended = run(checkout, path, "lock.sh", UV_CONFIG_FILE=str(index / "uv.toml"))
    assert ended.returncode == 0, ended.stderr
    assert "uv==2.0.2" in (checkout / "deploy" / "uv.txt").read_text()
    return checkout


def test_the_newest_yt_dlp_comes_with_its_solver_and_goes_again(locked: Path, path: str, index: Path) -> None:
    assert pins(locked) == {f"yt-dlp=={OLD}", "yt-dlp-ejs==0.8.0"}
    updated = update(locked, path, index)
    assert updated.returncode == 0, updated.stderr
    assert f"yt-dlp      {OLD} → {NEW}" in updated.stdout
    assert f"make update-ytdlp VERSION={OLD}" in updated.stdout
    assert "and in requirements.lock" not in updated.stdout
    assert pins(locked) == {f"yt-dlp=={NEW}", "yt-dlp-ejs==0.9.0"}
    assert "Nothing was changed" in update(locked, path, index).stdout
    assert update(locked, path, index, OLD).returncode == 0
    assert pins(locked) == {f"yt-dlp=={OLD}", "yt-dlp-ejs==0.8.0"}


def test_a_yt_dlp_whose_tests_fail_is_not_kept(locked: Path, path: str, index: Path) -> None:
    wheel(index, "yt-dlp", BROKEN, 'yt-dlp-ejs==0.9.0; extra == "default"')
    before = (locked / "pyproject.toml").read_bytes(), (locked / "requirements.lock").read_bytes()
    ended = update(locked, path, index)
    assert ended.returncode == 1
    assert f"yt-dlp stays at {OLD}: tests fail with {BROKEN}." in ended.stderr
    assert ((locked / "pyproject.toml").read_bytes(), (locked / "requirements.lock").read_bytes()) == before
    installed = "from importlib.metadata import version; print(version('yt-dlp'))"
    assert subprocess.check_output([locked / ".venv" / "bin" / "python", "-c", installed], text=True) == f"{OLD}\n"


@pytest.mark.parametrize("version", [(), ("1.2.3",)])
def test_without_an_index_nothing_is_changed(locked: Path, path: str, version: tuple[str, ...]) -> None:
    before = (locked / "pyproject.toml").read_bytes(), (locked / "requirements.lock").read_bytes()
    ended = run(locked, path, "update-ytdlp.sh", *version, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple", UV_HTTP_RETRIES="0")
    assert ended.returncode == 1
    assert "Nothing was changed." in ended.stderr
    assert ((locked / "pyproject.toml").read_bytes(), (locked / "requirements.lock").read_bytes()) == before


class Npm(http.server.BaseHTTPRequestHandler):
    """A registry of two packages."""

    versions: tuple[str, ...] = ("1.0.0",)

    def do_GET(self) -> None:
        name, _, file = unquote(self.path).strip("/").partition("/-/")
        body = archive(name, file.removeprefix(f"{name}-").removesuffix(".tgz")) if file else json.dumps(self.about(name)).encode()
        self.send_response(200 if name in {"bgutils-js", "jsdom"} else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def about(self, name: str) -> dict[str, object]:
        host = self.headers["Host"]
        return {
            "name": name,
            "dist-tags": {"latest": self.versions[-1]},
            "versions": {
                version: {
                    "name": name,
                    "version": version,
                    "dist": {
                        "tarball": f"http://{host}/{name}/-/{name}-{version}.tgz",
                        "integrity": f"sha512-{base64.b64encode(hashlib.sha512(archive(name, version)).digest()).decode()}",
                    },
                }
                for version in self.versions
            },
        }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def archive(name: str, version: str) -> bytes:
    packed = io.BytesIO()
    text = json.dumps({"name": name, "version": version}).encode()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("package/package.json")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    # The time of packing, which is a part of it, must not be.
    return packed.getvalue()[:4] + b"\0\0\0\0" + packed.getvalue()[8:]


@contextmanager
def registry(*versions: str) -> Iterator[str]:
    handler = type("Registry", (Npm,), {"versions": versions})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def service(checkout: Path, path: str) -> Path:
    """A token service of two packages, whose tests fail with version 3 of them."""
    folder = checkout / "pot-provider"
    folder.mkdir()
    tried = 'grep -q \'\\"version\\": \\"3\' node_modules/jsdom/package.json && exit 1 || exit 0'
    tasks = {"check": "true", "test": f'sh -c "{tried}"'}
    (folder / "deno.json").write_text(json.dumps({"nodeModulesDir": "manual", "tasks": tasks}))
    (folder / "package.json").write_text(json.dumps({"dependencies": {"bgutils-js": "^1.0.0", "jsdom": "^1.0.0"}}, indent=2))
    (folder / "server.ts").write_text('export const PROTOCOL_VERSION = "2.0.2";\n')
    (checkout / "requirements.lock").write_text("bgutil-ytdlp-pot-provider==2.0.2 \\\n")
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text("#!/bin/sh\n")
    (programs / "python").chmod(0o755)
    with registry("1.0.0") as npm:
        subprocess.run(["deno", "install", "--quiet"], cwd=folder, env=npm_environment(checkout, path, npm), check=True)
    lock = json.loads((folder / "deno.lock").read_text())
    for entry in lock["npm"].values():
        del entry["tarball"]
    (folder / "deno.lock").write_text(json.dumps(lock, indent=2))
    return checkout


def npm_environment(checkout: Path, path: str, npm: str) -> dict[str, str]:
    return {"PATH": path, "HOME": str(checkout), "DENO_DIR": str(checkout.parent / "deno"), "NPM_CONFIG_REGISTRY": npm}


def update_pot(checkout: Path, path: str, index: Path, npm: str) -> "subprocess.CompletedProcess[str]":
    variables = {**npm_environment(checkout, path, npm), "UV_CONFIG_FILE": str(index / "uv.toml")}
    return run(checkout, variables.pop("PATH"), "update-pot.sh", **variables)


def test_the_token_service_moves_to_what_is_newest(service: Path, path: str, index: Path) -> None:
    with registry("1.0.0", "2.1.0") as npm:
        updated = update_pot(service, path, index, npm)
    assert updated.returncode == 0, updated.stderr
    assert "before  jsdom 1.0.0" in updated.stdout
    assert "now     bgutils-js 2.1.0" in updated.stdout
    assert "plugin  2.0.2, the newest is 2.0.2; the service speaks 2.0.2" in updated.stdout
    assert "://" not in (service / "pot-provider" / "deno.lock").read_text()
    assert '"jsdom": "^2.1.0"' in (service / "pot-provider" / "package.json").read_text()
    wheel(index, "bgutil-ytdlp-pot-provider", "3.0.0")
    with registry("1.0.0", "2.1.0") as npm:
        again = update_pot(service, path, index, npm)
    assert "Nothing was changed" in again.stdout
    assert "of another major version" in again.stdout


def test_a_token_service_whose_tests_fail_stays_as_it_was(service: Path, path: str, index: Path) -> None:
    folder = service / "pot-provider"
    before = {name: (folder / name).read_bytes() for name in ("package.json", "deno.lock")}
    with registry("1.0.0", "3.0.0") as npm:
        ended = update_pot(service, path, index, npm)
    assert ended.returncode == 1
    assert "The token service stays as it was: its tests fail." in ended.stderr
    assert {name: (folder / name).read_bytes() for name in before} == before
    unreachable = update_pot(service, path, index, "http://127.0.0.1:9/")
    assert unreachable.returncode == 1
    assert "no npm registry can be reached" in unreachable.stderr
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_plugin_of_another_major_version_is_told_before_anything_else(service: Path, path: str, index: Path) -> None:
    (service / "requirements.lock").write_text("bgutil-ytdlp-pot-provider==3.0.0 \\\n")
    ended = update_pot(service, path, index, "http://127.0.0.1:9/")
    assert ended.returncode == 1
    assert "the plugin refuses another major version" in ended.stderr
