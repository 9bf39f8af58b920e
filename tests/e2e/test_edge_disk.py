"""A body of 4 GiB passes through the edge, and nothing of it is written; a client that stops holds it back at its source."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.edges import EDGES, Edge, Functions, bytes_written, page_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process has written")

SIZE: Final = 4 << 30
BLOCK: Final = bytes(1 << 20)
HELD_BACK: Final = 64 << 20
"""Bytes that buffers of the system and of the edge may swallow for a client that takes nothing."""


class Source:
    """Answers one request with :data:`SIZE` bytes as fast as they are taken."""

    def __init__(self) -> None:
        self.sent = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, name="source")

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError), self._listener.accept()[0] as connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % SIZE)
            while self.sent < SIZE:
                connection.sendall(BLOCK)
                self.sent += len(BLOCK)


@pytest.mark.parametrize("name", EDGES)
def test_nothing_is_written(name: str, tmp_path: Path) -> None:
    source = Source()
    functions: Functions = {"analyze": source.url, "status": source.url, "stream": source.url}
    with source.running(), EDGES[name](page_in(tmp_path), functions) as edge:
        before = bytes_written(edge.processes())
        with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as client:
            client.sendall(b"GET /v1/stream/dQw4w9WgXcQ/137 HTTP/1.1\r\nHost: a\r\n\r\n")
            received = client.recv(65_536)
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert settled(source) < HELD_BACK
            buffer, taken = bytearray(1 << 20), len(body)
            while taken < SIZE:
                count = client.recv_into(buffer)
                assert count, f"cut after {taken}"
                taken += count
        assert taken == SIZE
        assert bytes_written(edge.processes()) == before
        assert not spilled(edge)


def settled(source: Source) -> int:
    """How much has left the source once nothing more does."""
    before, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        if source.sent != before:
            before, since = source.sent, time.monotonic()
        time.sleep(0.01)  # the pace of a poll
    return before


def spilled(edge: Edge) -> list[str]:
    """Files that it has open and that nobody else sees: where a proxy puts what it cannot pass on."""
    links = [link for pid in edge.processes() for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [target for link in links if (target := str(link.readlink())).endswith("(deleted)")]
