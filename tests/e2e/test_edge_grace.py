"""A download that runs when Caddy is told to stop: it has the time that EDGE_GRACE says, and no more."""

import os
import signal
import socket
import time
from pathlib import Path
from typing import Final

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from tests.edges import NAMES, Edge, caddy, page_in

HALF: Final = bytes(1 << 18)
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(HALF))


@pytest.mark.parametrize(("grace", "is_whole"), [("60s", True), ("500ms", False)])
def test_a_running_download_has_its_time(grace: str, is_whole: bool, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as function:
        function.settimeout(20)
        url = f"http://127.0.0.1:{function.getsockname()[1]}"
        with (
            caddy(page_in(tmp_path), dict.fromkeys(NAMES, url), EDGE_GRACE=grace) as edge,
            socket.create_connection(("127.0.0.1", edge.port), timeout=20) as client,
        ):
            client.sendall(b"GET /v1/stream/a/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            source, _ = function.accept()
            with source:
                source.sendall(HEAD + HALF)
                received = len(client.recv(1024))
                os.kill(edge.pid, signal.SIGTERM)
                told = time.monotonic()
                until_nobody_is_let_in(edge)
                if is_whole:
                    source.sendall(HALF)
                while got := client.recv(65_536):
                    received += len(got)
            assert (received > 2 * len(HALF)) is is_whole
            assert time.monotonic() - told < 10, "less than what Caddy gives where nothing is said"


@retry(retry=retry_if_result(lambda is_refused: not is_refused), stop=stop_after_delay(10), wait=wait_fixed(0.02))
def until_nobody_is_let_in(edge: Edge) -> bool:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", edge.port)) != 0
