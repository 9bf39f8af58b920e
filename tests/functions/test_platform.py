"""A function as a container platform runs it: with its image's variables and the required settings, frozen between requests."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest
import redis
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.settings import Settings
from shared.store import open_store
from shared.urls import Video
from tests.valkey import Valkey, free_port
from tests.youtube import ORDINARY

ROOT: Final = Path(__file__).parents[2]
FUNCTIONS: Final = ("analyze", "status", "stream")
OTHER_ADDRESS: Final = "127.0.0.2"
"""Nobody answers there who listens on 127.0.0.1 alone."""

KEY: Final = "the access key of ours"
AUTHORIZED: Final = {"Authorization": f"Bearer {KEY}"}
REQUIRED: Final = {"SECRET_KEY": "s" * 32, "ACCESS_KEY": KEY}


def of_the_image(name: str) -> dict[str, str]:
    """What it sets by itself, but for the paths inside it."""
    text = (ROOT / "functions" / name / "Dockerfile").read_text().rpartition(f" AS {name}\n")[2]
    return dict(re.findall(r"\b([A-Z]+)=(\S+)", "\n".join(re.findall(r"^ENV (.+)$", text, re.MULTILINE))))


class Instance:
    """One function, in an environment that holds nothing else."""

    def __init__(self, name: str, store: str, folder: Path) -> None:
        port = free_port()
        self.base = f"http://{OTHER_ADDRESS}:{port}"
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"functions.{name}"],
                cwd=ROOT,
                env={**of_the_image(name), "PORT": str(port), "REDIS_URL": store, **REQUIRED},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @retry(retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True)
    def ask(self, method: str, path: str, **json: str) -> httpx.Response:
        """Asks until somebody answers."""
        with httpx.Client(trust_env=False, timeout=20) as http:
            return http.request(method, self.base + path, headers=AUTHORIZED, json=json or None)

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("store"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def instances(store: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Instance]]:
    folder = tmp_path_factory.mktemp("instances")
    with ExitStack() as ending:
        running = {}
        for name in FUNCTIONS:
            running[name] = Instance(name, store.url, folder)
            ending.callback(running[name].end)
        yield running


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 answers only there")
def test_a_function_needs_a_port_a_store_and_its_keys(instances: dict[str, Instance]) -> None:
    for name, instance in instances.items():
        assert of_the_image(name)["HOST"] == "0.0.0.0"
        for path in ("/healthz", "/readyz", "/metrics", f"/v1/{name}/openapi.json"):
            assert instance.ask("GET", path).status_code == 200, (name, path)


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 answers only there")
async def test_what_was_frozen_and_has_lost_its_connections_answers_at_once(instances: dict[str, Instance], store: Valkey) -> None:
    """Where there is a processor only while requests run, everything else stands still, the subscription of status too."""
    for instance in instances.values():
        assert instance.ask("GET", "/readyz").status_code == 200
        instance.freeze()
    with redis.Redis.from_url(store.url) as client:
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)
    for instance in instances.values():
        instance.thaw()
    submitted = instances["analyze"].ask("POST", "/v1/analyze", url=f"https://youtu.be/{ORDINARY}")
    assert submitted.status_code == 202
    found = instances["status"].ask("GET", f"/v1/status/{submitted.json()['task_id']}")
    assert found.json()["state"] == "pending"
    async with open_store(Settings(redis_url=store.url)) as ours:
        joined = await ours.submit(Video(ORDINARY), task_id="another", refresh=False, lane="analyze")
    assert joined is not None
    assert joined.outcome == "joined"
    assert instances["stream"].ask("GET", "/readyz").status_code == 200
