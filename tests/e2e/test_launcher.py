"""The launcher as people run it: a real process with a real store, and doubles in the place of the functions."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import httpx
import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.valkey import free_port

ROOT: Final = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds processes through /proc")

APP = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from litestar import Litestar, get
from litestar.datastructures import State

@get("/v1/{name}", sync_to_thread=False)
def answer() -> str:
    return "{name}"

@asynccontextmanager
async def lifespan(app):
    Path("{name}.started").touch()
    yield
    Path("{name}.stopped").touch()

def create_app(settings=None):
    state = State({"stopping": asyncio.Event()})
    return Litestar([answer], lifespan=[lifespan], state=state, openapi_config=None)
"""

WORKER = """
import os, shutil, signal, subprocess, sys
from pathlib import Path
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])  # left behind on purpose
def stop(*_):
    Path("worker.stopped_before_edge" if not Path("stream.stopped").exists() else "worker.stopped").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("deno is", shutil.which("deno"))
print("worker is up")
while True:
    signal.pause()
"""

STUBBORN = """
import signal
signal.signal(signal.SIGTERM, lambda *_: print("not now"))
print("worker is up")
while True:
    signal.pause()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with the real launcher and small doubles."""
    folder = tmp_path / "project"
    for name in ("analyze", "status", "stream"):
        (folder / "functions" / name).mkdir(parents=True)
        (folder / "functions" / name / "app.py").write_text(APP.replace("{name}", name))
    (folder / "functions" / "analyze" / "worker.py").write_text(WORKER)
    for shared in ("functions/__main__.py", "functions/local", "shared"):
        (folder / shared).symlink_to(ROOT / shared)
    (folder / "ui" / "dist" / "assets").mkdir(parents=True)
    (folder / "ui" / "dist" / "index.html").write_text('<!doctype html><base href="/" /><title>Sluice</title>')
    (folder / "ui" / "dist" / "assets" / "index-1a2b.js").write_text("export {}")
    return folder


class Launcher:
    """`python -m functions` in a checkout."""

    def __init__(self, project: Path, **environment: str) -> None:
        self.port = int(environment.get("PORT", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = project.parent
        self.lines: list[str] = []
        base = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(project.parent / "state")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "functions"],
            cwd=project,
            env={**base, "PORT": str(self.port), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def says(self, text: str) -> None:
        until(lambda: text in self.output or self.process.poll() is not None)
        assert text in self.output, self.output

    def exit_code(self) -> int:
        code = self.process.wait(timeout=30)
        self._reader.join(timeout=10)
        return code

    def survivors(self) -> dict[int, str]:
        """Every living process below this test's folder, which all that the launcher starts works in, and its command line."""
        found: dict[int, str] = {}
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and (process / "cwd").readlink().is_relative_to(self.folder):
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def pid_of(self, part: str) -> int:
        return next(pid for pid, command in self.survivors().items() if part in command)


def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    wait = Retrying(retry=retry_if_result(lambda ok: not ok), stop=stop_after_delay(seconds), wait=wait_fixed(0.02))
    wait(condition)


@pytest.fixture
def launch(project: Path) -> Iterator[Callable[..., Launcher]]:
    started: list[Launcher] = []

    def start(**environment: str) -> Launcher:
        launcher = Launcher(project, **environment)
        started.append(launcher)
        return launcher

    yield start
    for launcher in started:
        for pid in launcher.survivors():
            os.kill(pid, signal.SIGKILL)
        launcher.exit_code()


def test_everything_answers_on_one_port(launch: Callable[..., Launcher], project: Path) -> None:
    launcher = launch()
    launcher.says(f"Sluice is ready: {launcher.url}/")
    with httpx.Client(base_url=launcher.url, trust_env=False) as client:
        for name in ("analyze", "status", "stream"):
            assert client.get(f"/v1/{name}").text == name
        assert client.get("/healthz").text == "ok"
        assert client.get("/").text.startswith("<!doctype html>")
        asset = client.get("/assets/index-1a2b.js")
        assert "immutable" in asset.headers["cache-control"]
        for private in ("/readyz", "/metrics", "/v1/nothing"):
            answer = client.get(private, headers={"accept": "text/html"})
            assert answer.status_code == 404
            assert answer.json()["code"] == "not_found"
    launcher.says("worker   | worker is up")
    assert f"deno is {Path(sys.executable).parent / 'deno'}" in launcher.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(launch: Callable[..., Launcher], project: Path, number: signal.Signals) -> None:
    launcher = launch()
    launcher.says("Sluice is ready")
    launcher.process.send_signal(number)
    assert launcher.exit_code() == 0, launcher.output
    assert launcher.survivors() == {}
    assert (project / "stream.stopped").exists()
    assert (project / "worker.stopped").exists(), "the edge stops before the worker"
    assert "Traceback" not in launcher.output


def test_a_signal_while_starting_stops_everything(launch: Callable[..., Launcher], project: Path) -> None:
    (project / "functions/stream/app.py").write_text(
        APP.replace("{name}", "stream").replace("yield", "import asyncio; await asyncio.sleep(60); yield")
    )
    launcher = launch()
    until((project / "stream.started").exists)
    launcher.process.send_signal(signal.SIGINT)
    until(lambda: launcher.process.poll() is not None)
    assert launcher.exit_code() == 0
    assert launcher.survivors() == {}


def test_a_second_signal_hurries(launch: Callable[..., Launcher], project: Path) -> None:
    (project / "functions/analyze/worker.py").write_text(STUBBORN)
    launcher = launch()
    launcher.says("Sluice is ready")
    launcher.says("worker is up")
    launcher.process.send_signal(signal.SIGINT)
    launcher.says("not now")
    launcher.process.send_signal(signal.SIGINT)
    launcher.process.wait(timeout=4)  # the worker's own grace is longer
    assert launcher.survivors() == {}


@pytest.mark.parametrize(
    ("part", "name"),
    [("functions.analyze.worker", "worker"), ("functions.local.edge", "edge"), ("-server", "store")],
)
def test_a_child_that_dies_is_named_and_stops_the_rest(launch: Callable[..., Launcher], part: str, name: str) -> None:
    launcher = launch()
    launcher.says("Sluice is ready")
    launcher.says("worker is up")
    os.kill(launcher.pid_of(part), signal.SIGKILL)
    assert launcher.exit_code() == 1
    assert f"sluice: {name} was killed by SIGKILL; its last lines:" in launcher.output
    assert launcher.survivors() == {}


def test_a_child_that_cannot_start_is_quoted(launch: Callable[..., Launcher], project: Path) -> None:
    (project / "functions/analyze/worker.py").write_text("raise SystemExit('no fuel')")
    launcher = launch()
    assert launcher.exit_code() == 1
    assert "sluice: worker ended with exit code 1; its last lines:\n  no fuel" in launcher.output
    assert launcher.survivors() == {}


def test_killing_the_launcher_leaves_nothing(launch: Callable[..., Launcher], project: Path) -> None:
    launcher = launch()
    launcher.says("Sluice is ready")
    launcher.says("worker is up")
    launcher.process.kill()
    until(lambda: launcher.survivors() == {})
    assert (project / "worker.stopped").exists(), "the guardian asks first"
    launcher.exit_code()
    again = launch()
    again.says("Sluice is ready")


def test_a_taken_port_is_one_sentence(launch: Callable[..., Launcher]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        launcher = launch(PORT=str(port))
        assert launcher.exit_code() == 1
    assert launcher.output == (
        f"sluice: port {port} on 127.0.0.1 is taken: stop what listens there, or choose another with PORT={port + 1}"
    )


def test_one_launcher_per_state_folder(launch: Callable[..., Launcher]) -> None:
    first = launch()
    first.says("Sluice is ready")
    second = launch()
    assert second.exit_code() == 1
    assert second.output.startswith("sluice: Sluice is already running on ")
    assert httpx.get(f"{first.url}/healthz", trust_env=False).text == "ok"


def test_a_bad_setting_is_one_sentence(launch: Callable[..., Launcher]) -> None:
    launcher = launch(HOST="0.0.0.0")
    assert launcher.exit_code() == 2
    assert launcher.output.startswith("sluice: ACCESS_KEY: empty is only allowed on a loopback address")
    assert len(launcher.lines) == 1


def test_settings_come_from_dotenv_and_the_environment_wins(launch: Callable[..., Launcher], project: Path) -> None:
    (project / ".env").write_text("ROOT_PATH=/sluice\nPORT=1\nACCESS_KEY=0123456789abcdef\n")
    launcher = launch()
    launcher.says(f"Sluice is ready: {launcher.url}/sluice/")
    with httpx.Client(base_url=launcher.url, trust_env=False) as client:
        assert '<base href="/sluice/" />' in client.get("/sluice/").text
        assert '<base href="/sluice/" />' in client.get("/").text
        assert '<base href="/sluice/" />' in client.get("/sluice", headers={"accept": "text/html"}).text
        assert client.get("/sluice/healthz").text == "ok"


def test_the_store_keeps_its_data_and_needs_its_password(launch: Callable[..., Launcher], project: Path) -> None:
    launcher = launch()
    launcher.says("Sluice is ready")
    command = launcher.survivors()[launcher.pid_of("-server")]
    assert "requirepass" not in command
    secret = project.parent / "state" / "sluice" / "secret_key"
    assert secret.stat().st_mode & 0o777 == 0o600
    before = secret.read_text()
    launcher.process.send_signal(signal.SIGTERM)
    launcher.exit_code()
    assert list((project.parent / "state" / "sluice").glob("*-server/appendonlydir/*"))
    again = launch()
    again.says("Sluice is ready")
    assert secret.read_text() == before


def test_a_store_of_ones_own_is_used(launch: Callable[..., Launcher], redis_url: str) -> None:
    launcher = launch(REDIS_URL=redis_url)
    launcher.says("Sluice is ready")
    assert not any("-server" in command for command in launcher.survivors().values())
