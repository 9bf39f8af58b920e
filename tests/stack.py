"""The whole system as real processes on loopback: store, worker and functions, with the stand-in for YouTube behind their proxy.

Every process can be stopped, killed and started again, which is what most end-to-end tests are about.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.valkey import Valkey, free_port

Part = Literal["analyze", "status", "stream", "worker"]
FUNCTIONS: Final[tuple[Part, ...]] = ("analyze", "status", "stream")
MODULES: Final[Mapping[Part, str]] = {
    "analyze": "functions.analyze",
    "status": "functions.status",
    "stream": "functions.stream",
    "worker": "functions.analyze.worker",
}
ROOT: Final = Path(__file__).parent.parent
T = TypeVar("T")


class Process:
    """One part of the system."""

    def __init__(self, part: Part, environment: Mapping[str, str], log: Path) -> None:
        self.part = part
        self.port = free_port()
        self.log = log
        self._environment = {**environment, "PORT": str(self.port), "HOST": "127.0.0.1"}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once a function is ready; a worker is left to become so."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", MODULES[self.part]],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self.part != "worker":
            self._wait()

    def stop(self) -> int:
        """As an orchestrator does; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """As when the machine fails; its exit code."""
        return self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It holds what it has, and does nothing; it may be killed meanwhile."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            if self.process is not None:
                self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(timeout=30)
        self.process = None
        return code

    @retry(
        retry=retry_if_exception_type((httpx.HTTPError, AssertionError)),
        stop=stop_after_delay(30),
        wait=wait_fixed(0.05),
        reraise=True,
    )
    def _wait(self) -> None:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.part} ended with {self.process.returncode}:\n{self.log.read_text()}")
        assert httpx.get(f"{self.base}/readyz").status_code == 200


class Stack:
    """All parts, and the calls a client makes."""

    def __init__(self, store: Valkey, folder: Path, environment: Mapping[str, str]) -> None:
        self.store = store
        self.folder = folder
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "REDIS_URL": store.url,
            "SECRET_KEY": "t" * 32,
            "RATE_LIMIT": "0",
            "MAX_CONCURRENT_ANALYSES": "2",
            "LOG_LEVEL": "debug",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.processes: list[Process] = []
        self.http = httpx.Client(timeout=60, trust_env=False)

    def start(self, *parts: Part) -> Process:
        """Start these parts; the last one is returned."""
        started = [
            Process(part, self._environment, self.folder / f"{part}-{len(self.processes) + i}.log") for i, part in enumerate(parts)
        ]
        self.processes.extend(started)
        for process in started:
            process.start()
        return started[-1]

    def part(self, part: Part) -> Process:
        """The first process of this part."""
        return next(process for process in self.processes if process.part == part)

    def close(self) -> None:
        """End everything."""
        self.http.close()
        for process in self.processes:
            process.stop()

    # -- what a client does ------------------------------------------------------------------------------------------

    def submit(self, url: str, *, refresh: bool = False) -> httpx.Response:
        """POST /v1/analyze."""
        return self.http.post(f"{self.part('analyze').base}/v1/analyze", json={"url": url, "refresh": refresh})

    def status(self, task_id: str, *, wait: int = 0) -> dict[str, Any]:
        """GET /v1/status."""
        answer = self.http.get(f"{self.part('status').base}/v1/status/{task_id}", params={"wait": wait} if wait else {})
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def finished(self, task_id: str, *, within: float = 60) -> dict[str, Any]:
        """The task in its final state."""
        return self.until(
            lambda: self.status(task_id, wait=5), lambda task: task["state"] in {"completed", "failed"}, within=within
        )

    def analyzed(self, url: str, *, refresh: bool = False, within: float = 60) -> dict[str, Any]:
        """Submit and wait: the final task."""
        answer = self.submit(url, refresh=refresh)
        assert answer.status_code in {200, 202}, answer.text
        return self.finished(answer.json()["task_id"], within=within)

    def stream_url(self, path: str) -> str:
        """The absolute form of a link to the stream function."""
        return self.part("stream").base + path

    def until(self, read: Callable[[], T], holds: Callable[[T], bool], *, within: float = 30) -> T:
        """What ``read`` gives once it holds; the logs are shown when it never does."""
        for attempt in _paced(within):
            value = read()
            if holds(value):
                return value
            last = attempt, value
        logs = "\n".join(f"--- {process.log.name}\n{process.log.read_text()[-4000:]}" for process in self.processes)
        raise AssertionError(f"not within {within} s: {last}\n{logs}")


def _paced(within: float) -> Iterator[int]:
    deadline = time.monotonic() + within
    attempt = 0
    while time.monotonic() < deadline:
        attempt += 1
        yield attempt
        time.sleep(0.02)  # the pace of a poll, not a wait for something to have happened


@contextmanager
def running_stack(store: Valkey, folder: Path, environment: Mapping[str, str]) -> Iterator[Stack]:
    """A stack that is ended whatever happens."""
    stack = Stack(store, folder, environment)
    try:
        yield stack
    finally:
        stack.close()
