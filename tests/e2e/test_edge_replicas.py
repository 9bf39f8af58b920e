"""`docker compose up --scale stream=3`: the edge finds every replica by the function's name, also one that comes later or goes."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.edges import DEPLOY, Functions, caddy, nginx, page_in
from tests.names import NameServer
from tests.valkey import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the whole of 127.0.0.0/8 is the loopback on Linux only")

PORT: Final = free_port()
"""The same for all replicas, as 8000 is in their containers."""

FUNCTIONS: Final[Functions] = {"stream": f"http://stream:{PORT}"}


class Answer(BaseHTTPRequestHandler):
    """Says who it is, and what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Replica)
        if self.server.is_gone:
            self.close_connection = True
            return
        body = self.server.host.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


class Replica(ThreadingHTTPServer):
    """One instance of a function."""

    daemon_threads = True
    is_gone = False
    """Connections that it still has are cut when they are used."""

    def __init__(self, host: str) -> None:
        super().__init__((host, PORT), Answer)
        self.host = host


@contextmanager
def replica(host: str) -> Iterator[None]:
    server = Replica(host)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.is_gone = True
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def names() -> Iterator[NameServer]:
    server = NameServer()
    with server.running():
        yield server


def by_caddy(folder: Path, names: NameServer) -> Any:
    """deploy/Caddyfile with another name server than the system's, asked more often."""
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    file = folder / "Caddyfile"
    file.write_text(text.replace("refresh 5s", f"refresh 100ms\n\t\t\t\tresolvers udp/127.0.0.1:{names.port}"))
    return caddy(page_in(folder), FUNCTIONS, CADDYFILE=str(file))


def by_nginx(folder: Path, names: NameServer) -> Any:
    """The same for deploy/nginx.conf."""
    return nginx(page_in(folder), FUNCTIONS, resolver=f"127.0.0.1:{names.port} valid=1s")


@pytest.mark.parametrize("edge", [by_caddy, by_nginx])
def test_replicas_come_and_go(edge: Callable[[Path, NameServer], Any], tmp_path: Path, names: NameServer) -> None:
    names.addresses["stream"] = ["127.0.0.11"]
    with ExitStack() as first, ExitStack() as others:
        first.enter_context(replica("127.0.0.11"))
        url = others.enter_context(edge(tmp_path, names)).url
        with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
            assert asked(client) == {"127.0.0.11"}
            for host in ("127.0.0.12", "127.0.0.13"):
                others.enter_context(replica(host))
            names.addresses["stream"] = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
            until(lambda: asked(client) == {"127.0.0.11", "127.0.0.12", "127.0.0.13"})
            first.close()  # gone before the name server knows
            until(lambda: asked(client) == {"127.0.0.12", "127.0.0.13"})
            names.addresses["stream"] = ["127.0.0.13"]
            until(lambda: asked(client) == {"127.0.0.13"})


def asked(client: httpx.Client) -> set[str]:
    """Who answers; every request is answered."""
    answers: Counter[str] = Counter()
    for _ in range(12):
        answer = client.get("/v1/stream/dQw4w9WgXcQ/137")
        assert answer.status_code == 200, answer.text
        answers[answer.text] += 1
    return set(answers)


@retry(retry=retry_if_exception_type(AssertionError), stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True)
def until(holds: Callable[[], bool]) -> None:
    assert holds()
