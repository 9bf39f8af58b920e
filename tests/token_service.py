"""This project's token service as a process of its own, and the Google that it asks."""

import json
import os
import socket
import subprocess
import sys
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests import youtube as videos
from tests.youtube import Answer, Request, as_json, text
from tests.youtube.faults import Occasion
from tests.youtube.site import Handler

FOLDER = Path(__file__).parents[1] / "pot-provider"
DENO = Path(sys.executable).parent / "deno"
INTERPRETER = (FOLDER / "tests" / "interpreter.js").read_text()
PATIENCE = 60.0
EVENT_ID = "event-of-this-page"
INTEGRITY_TOKEN = b"integrity"


@dataclass(frozen=True)
class WithChallenge:
    """The home page as YouTube sends it: a challenge that belongs to its EVENT_ID."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        if occasion.request.path != "/":
            return
        url = {"privateDoNotAccessOrElseTrustedResourceUrlWrappedValue": "//www.google.com/js/th/synthetic.js"}
        challenge = {"bgChallenge": {"program": " ", "globalName": "trayride", "interpreterUrl": url}}
        escaped = "".join(f"\\x{ord(character):02x}" if character in '{}"' else character for character in json.dumps(challenge))
        page = f"ytcfg.set({json.dumps({'EVENT_ID': EVENT_ID})});window.ytAtN({{'R': '{escaped}', 'T': 'page token'}});"
        answer.replace(200, {"Content-Type": "text/html"}, f"<script>{page}</script>".encode())


def google(request: Request) -> Answer:
    """Hands out the interpreter, and integrity tokens for answers that were made from this page only."""
    if request.path == "/js/th/synthetic.js":
        return text(INTERPRETER, "text/javascript")
    if not request.path.endswith("/GenerateIT"):
        return text("", status=404)
    _, answer = json.loads(request.body)
    if answer != f"!answer:{EVENT_ID}:YouTube":
        return as_json([])
    return as_json([b64encode(INTEGRITY_TOKEN).decode(), 43200, 300])


GOOGLE: dict[str, Handler] = {"www.google.com": google, "jnn-pa.googleapis.com": google}
"""What the stand-in has to play beside YouTube."""


def contents(token: str) -> str:
    """What a token of the synthetic interpreter was made for."""
    return urlsafe_b64decode(token).removeprefix(b"minted:" + INTEGRITY_TOKEN[:4]).decode()


@dataclass
class Service:
    """A token service of its own process."""

    url: str
    process: subprocess.Popen[str]

    @retry(
        wait=wait_fixed(0.02), stop=stop_after_delay(PATIENCE), retry=retry_if_exception_type(httpx.TransportError), reraise=True
    )
    def wait(self) -> dict[str, Any]:
        if self.process.poll() is not None:
            raise AssertionError(self.process.stdout and self.process.stdout.read())
        return cast("dict[str, Any]", httpx.get(f"{self.url}/ping", trust_env=False).json())

    def ask(self, proxy: str | None, **fields: Any) -> dict[str, Any]:
        body = {"content_binding": videos.QUICK, "proxy": proxy, **fields}
        answer = httpx.post(f"{self.url}/get_pot", json=body, timeout=20, trust_env=False)
        return cast("dict[str, Any]", answer.json())

    def stop(self) -> str:
        """Ask it to end; what it wrote."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=PATIENCE)
        return output or ""


@contextmanager
def serving(output: int | IO[str] = subprocess.PIPE, /, **settings: str) -> Iterator[Service]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        "HOME": os.environ.get("HOME", "/"),
        "PORT": str(port),
        "LOG_LEVEL": "debug",
        **settings,
    }
    process = subprocess.Popen(
        [DENO, "task", "--quiet", "start"],
        cwd=FOLDER,
        env=environment,
        text=True,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    service = Service(url=f"http://127.0.0.1:{port}", process=process)
    try:
        yield service
    finally:
        if process.poll() is None:
            service.stop()
