"""The launcher's smaller decisions."""

import errno
import os
import socket
from pathlib import Path

import pytest

from functions.local import listening, store
from functions.local.child import in_words
from functions.local.failure import LaunchError
from functions.local.guardian import survivors
from functions.local.stopping import StopRequests


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EADDRINUSE, "port 80 on localhost is taken: stop what listens there, or choose another with PORT=81"),
        (errno.EACCES, "port 80 on localhost is not allowed for this user: choose one above 1023 with PORT"),
        (errno.EADDRNOTAVAIL, "HOST=localhost is not an address of this machine"),
        (errno.ENOBUFS, "cannot listen on localhost, port 80: No buffer space available"),
    ],
)
def test_why_a_port_cannot_be_had(number: int, sentence: str) -> None:
    assert listening.explain(OSError(number, os.strerror(number)), host="localhost", port=80) == sentence


def test_a_host_nobody_knows_is_one_sentence() -> None:
    with pytest.raises(LaunchError, match=r"^HOST=nowhere\.invalid: "):
        listening.bind("nowhere.invalid", 8080)


def test_a_bound_port_refuses_until_the_edge_listens() -> None:
    with listening.bind("127.0.0.1", listening.free_port()) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname())


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(LaunchError, match="is taken"):
        listening.bind("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("nas.local", "http://nas.local:8080"),
    ],
)
def test_the_address_that_is_shown_can_be_opened(host: str, url: str) -> None:
    assert listening.address(host, 8080) == url


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with exit code 0"), (3, "ended with exit code 3"), (-9, "was killed by SIGKILL"), (-99, "was killed by signal 99")],
)
def test_how_a_child_ended(code: int, words: str) -> None:
    assert in_words(code) == words


def test_what_the_guardian_has_left_to_do() -> None:
    assert survivors([b"+10\n", b"+11\n", b"-10\n", b"+12\n"]) == [12, 11]
    assert survivors([]) == []


async def test_the_second_request_hurries() -> None:
    requests = StopRequests()
    requests.add()
    assert requests.stop.is_set()
    assert not requests.hurry.is_set()
    requests.add()
    assert requests.hurry.is_set()


def program(folder: Path, name: str) -> None:
    (folder / name).touch(mode=0o755)


def test_an_installed_store_is_preferred(tmp_path: Path) -> None:
    program(tmp_path, "redis-server")
    assert store.server(str(tmp_path)).name == "redis-server"
    program(tmp_path, "valkey-server")
    assert store.server(str(tmp_path)).name == "valkey-server"


def test_the_bundled_store_is_found(tmp_path: Path) -> None:
    assert store.server(str(tmp_path)) == store.bundled()


def test_no_store_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "bundled", lambda: None)
    with pytest.raises(LaunchError, match="set REDIS_URL, or install valkey-server or redis-server"):
        store.server(str(tmp_path))
