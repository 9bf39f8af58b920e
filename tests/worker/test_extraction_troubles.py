"""What may be wrong on the way: proxies, certificates, the JavaScript runtime, the token service, the source."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from functions.analyze.extraction.strategies import Strategy
from shared.problems import CATALOGUE
from tests import youtube as videos
from tests.worker.extraction_attempts import attempt, extracting, settings_for
from tests.youtube import BadCertificate, Fault, RefusedPast, Reset, ShortBody, SourceChanged, Status, YouTube

NO_VISIONOS = Fault("player", Status(403), client="VISIONOS")
MWEB = Strategy(name="mweb", clients=("mweb",))


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> YouTube:
    running.clear()
    return running


@contextmanager
def token_service(*, pong: int = 200, token: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """A PO token service, its URL and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(pong, {"version": "2.0.2", "server_uptime": 1})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(200 if token else 500, {"poToken": token} if token else {"error": "no"})

        def _answer(self, status: int, body: dict[str, object]) -> None:
            asked.append(self.path)
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_socks_proxy_resolves_the_names(youtube: YouTube) -> None:
    async with extracting(settings_for(youtube, global_proxy=youtube.socks_proxy)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.verdict == "complete"
    assert not youtube.requests.leaving


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_dead_proxy(youtube: YouTube, scheme: str) -> None:
    proxy = f"{scheme}://user:hunter2@127.0.0.1:{closed_port()}"
    async with extracting(settings_for(youtube, global_proxy=proxy)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("retry", "proxy_unreachable")
    assert "hunter2" not in outcome.problem.detail


@pytest.mark.parametrize("kind", ["http_proxy", "socks_proxy"])
async def test_wrong_proxy_password(youtube: YouTube, kind: str) -> None:
    with YouTube.running(username="user", password="right") as guarded:
        proxy = getattr(guarded, kind).replace("right", "wrong")
        async with extracting(settings_for(guarded, global_proxy=proxy)) as extractor:
            outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("retry", "proxy_auth_failed")


async def test_proxy_variables_of_the_machine_do_not_count(youtube: YouTube, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    async with extracting(settings_for(youtube)) as extractor:
        assert (await attempt(extractor, videos.QUICK)).verdict == "complete"


async def test_certificate_of_nobody(youtube: YouTube) -> None:
    youtube.fault(Fault("connect", BadCertificate()))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("retry", "network_error")
    assert "SSL_CERT_FILE" in outcome.problem.detail


async def test_connections_break(youtube: YouTube) -> None:
    for kind in ("page", "player", "next"):
        youtube.fault(Fault(kind, Reset()))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("retry", "network_error")
    assert outcome.problem.detail == CATALOGUE["network_error"].title


async def test_a_broken_javascript_runtime(youtube: YouTube, tmp_path: Path) -> None:
    broken = tmp_path / "deno"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "deno 2.9.8" && exit\nexit 3\n')
    broken.chmod(0o755)
    youtube.fault(NO_VISIONOS)
    async with extracting(settings_for(youtube), deno=str(broken)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) in {("degraded", "challenge_failed"), ("retry", "challenge_failed")}


async def test_no_javascript_runtime(youtube: YouTube) -> None:
    """The client that needs none delivers; if it lists less than the page promises, that is told."""
    youtube.edit(videos.QUICK, blocked_clients=frozenset({"VISIONOS"}))
    async with extracting(settings_for(youtube), deno="/nonexistent/deno") as extractor:
        blocked = await attempt(extractor, videos.QUICK)
        youtube.clear()
        free = await attempt(extractor, videos.QUICK)
    assert free.verdict == "complete"
    assert blocked.problem is not None
    assert blocked.verdict == "retry"


async def test_player_script_is_gone(youtube: YouTube) -> None:
    youtube.fault(NO_VISIONOS)
    youtube.fault(Fault("player_js", Status(404)))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert outcome.verdict in {"degraded", "retry"}
    assert outcome.problem.code == "challenge_failed"


async def test_a_player_that_could_not_be_solved_is_not_remembered(youtube: YouTube) -> None:
    youtube.fault(NO_VISIONOS)
    broken = youtube.fault(Fault("player_js", ShortBody(5000)))
    async with extracting(settings_for(youtube)) as extractor:
        assert (await attempt(extractor, videos.QUICK)).verdict != "complete"
        broken.remove()
        assert (await attempt(extractor, videos.QUICK)).verdict == "complete"


async def test_token_service_is_down(youtube: YouTube) -> None:
    settings = settings_for(youtube, pot_provider_url=f"http://127.0.0.1:{closed_port()}")
    async with extracting(settings) as extractor:
        outcome = await attempt(extractor, videos.QUICK, strategy=MWEB)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("degraded", "token_provider_unavailable")
    assert [(item.code, item.client) for item in outcome.missing] == [("token_provider_unavailable", "mweb")]


async def test_failing_token_service_is_asked_once(youtube: YouTube) -> None:
    with token_service() as (url, asked):
        async with extracting(settings_for(youtube, pot_provider_url=url)) as extractor:
            outcome = await attempt(extractor, videos.ORDINARY, strategy=MWEB)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("degraded", "token_provider_unavailable")
    assert asked.count("/get_pot") == 1


async def test_tokens_are_attached_and_can_be_made_anew(youtube: YouTube) -> None:
    with token_service(token="QUJDREVGR0hJSktMTU5PUA==") as (url, asked):
        async with extracting(settings_for(youtube, pot_provider_url=url)) as extractor:
            first = await attempt(extractor, videos.QUICK, strategy=MWEB)
            again = await attempt(extractor, videos.QUICK, strategy=Strategy(name="x", clients=("mweb",), bypass_cache=True))
    for outcome in (first, again):
        assert outcome.verdict == "complete"
        assert outcome.facts is not None
        assert "pot=" in outcome.facts.sources["137"].url
    assert asked.count("/get_pot") == 2


async def test_refused_files_are_not_offered(youtube: YouTube) -> None:
    youtube.fault(Fault("media", RefusedPast(1 << 16)))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.LARGE)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("retry", "token_rejected")


async def test_one_refused_file(youtube: YouTube) -> None:
    youtube.fault(Fault("media", Status(403), itag=137))
    youtube.fault(Fault("media", Status(403), itag=248))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.problem.code) == ("degraded", "token_rejected")
    assert [(item.code, item.formats) for item in outcome.missing] == [("token_rejected", ["1080p"])]
    assert sorted(outcome.facts.sources) == ["140", "18", "251"]


async def test_wrong_length_is_corrected(youtube: YouTube) -> None:
    youtube.fault(Fault("media", SourceChanged(), itag=137))
    size = youtube.media(videos.QUICK, 137).size
    youtube.edit(videos.QUICK, itags=(18, 137, 140))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.verdict == "complete"
    assert outcome.facts is not None
    assert outcome.facts.sources["137"].identity.size == size + 1
    assert outcome.facts.media.formats.video_only[0].size == size + 1


async def test_an_unproved_file_is_offered(youtube: YouTube) -> None:
    youtube.fault(Fault("media", Status(503)))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.facts.is_proved) == ("complete", False)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "token_rejected"), (403, "token_rejected"), (404, "formats_incomplete"), (410, "formats_incomplete")]
)
async def test_only_what_is_forbidden_is_a_matter_of_tokens(youtube: YouTube, status: int, code: str) -> None:
    for itag in (137, 248):
        youtube.fault(Fault("media", Status(status), itag=itag))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.problem.code, outcome.facts.is_proved) == ("degraded", code, True)
    assert [(item.code, item.formats) for item in outcome.missing] == [(code, ["1080p"])]


async def test_what_is_refused_after_an_advertisement_is_noticed(youtube: YouTube) -> None:
    youtube.edit(videos.ADVERTISED, ad_seconds=7)
    youtube.fault(Fault("media", Status(403)))
    async with extracting(settings_for(youtube)) as extractor:
        outcome = await attempt(extractor, videos.ADVERTISED)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("retry", "token_rejected")
