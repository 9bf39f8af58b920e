"""The token service as a worker uses it: the real plugin inside the real yt-dlp, Google played by the stand-in."""

import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Literal, cast

import httpx
import pytest
import trustme
import yt_dlp
from yt_dlp.extractor.youtube.pot.provider import PoTokenContext  # type: ignore[import-not-found]

from tests import youtube as videos
from tests.token_service import GOOGLE, INTEGRITY_TOKEN, PATIENCE, Service, WithChallenge, contents, serving
from tests.youtube import BadCertificate, Delay, Fault, Reset, Status, YouTube


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running(username="alice", password="s3cret/:@", extras=GOOGLE) as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> YouTube:
    running.clear()
    running.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
    return running


@pytest.fixture
def service(youtube: YouTube) -> Iterator[Service]:
    with serving(SSL_CERT_FILE=str(youtube.ca_file)) as service:
        service.wait()
        yield service


@contextmanager
def tls_in_front_of(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port where the same answers by TLS: an https:// proxy."""

    class Front(BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(("127.0.0.1", port)) as server,
            ):
                back = Thread(target=pump, args=(server, client))
                back.start()
                pump(client, server)
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Front) as front:
        thread = Thread(target=front.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()
            thread.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


class Recorder:
    """What yt-dlp says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str) -> None:
        self.lines.append(message)

    warning = error = debug

    def __contains__(self, part: str) -> bool:
        return any(part in line for line in self.lines)


@contextmanager
def yt_dlp_with(service: Service, proxy: str, recorder: Recorder, **youtube: list[str]) -> Iterator[yt_dlp.YoutubeDL]:
    params: Any = {
        "proxy": proxy,
        "nocheckcertificate": True,
        "cachedir": False,
        "logger": recorder,
        "verbose": True,
        "extractor_args": {
            "youtube": {"fetch_pot": ["always"], **youtube},
            "youtubepot-bgutilhttp": {"base_url": [service.url]},
        },
    }
    with yt_dlp.YoutubeDL(params) as ydl:
        yield ydl


def fetch_token(ydl: yt_dlp.YoutubeDL, context: PoTokenContext, *, content: str) -> str | None:
    """A token of the web client, as yt-dlp's extractor gets it."""
    extractor: Any = ydl.get_info_extractor("Youtube")
    extractor.initialize()
    client = {"clientName": "WEB", "clientVersion": "2.20260708.00.00", "remoteHost": "198.51.100.7"}
    token = extractor.fetch_po_token(
        client="web",
        context=context,
        ytcfg={"INNERTUBE_CONTEXT": {"client": client}},
        visitor_data=content,
        video_id=content,
        required=True,
    )
    return cast("str | None", token)


Way = Literal["http", "socks5", "socks5h"]


def way_out(youtube: YouTube, way: Way) -> str:
    return youtube.http_proxy.replace("s3cret/:@", "s3cret%2F%3A%40").replace("http", way, 1)


@pytest.mark.parametrize("way", ["http", "socks5", "socks5h"])
def test_the_plugin_gets_every_kind_of_token(service: Service, youtube: YouTube, way: Way) -> None:
    recorder = Recorder()
    with yt_dlp_with(service, way_out(youtube, way), recorder) as ydl:
        contexts = (PoTokenContext.GVS, PoTokenContext.PLAYER, PoTokenContext.SUBS)
        # Not the same content twice: yt-dlp keeps tokens for as long as the process lives.
        tokens = [fetch_token(ydl, context, content=f"{context.value} by {way}") for context in contexts]
    assert [contents(token or "") for token in tokens] == [f"gvs by {way}", f"player by {way}", f"subs by {way}"]
    assert [request.host for request in youtube.requests] == ["www.youtube.com", "www.google.com", "jnn-pa.googleapis.com"]
    assert not youtube.requests.leaving
    assert "different versions" not in recorder


def test_an_extraction_gets_what_needs_a_token(service: Service, youtube: YouTube) -> None:
    recorder = Recorder()
    url = f"https://www.youtube.com/watch?v={videos.BOT_CHECK_UNTIL_TOKEN}"
    with yt_dlp_with(service, way_out(youtube, "http"), recorder, player_client=["mweb"]) as ydl:
        info: Any = ydl.extract_info(url, download=False)
    media = [entry["url"] for entry in info["formats"] if entry["format_id"] == "137"]
    assert len(media) == 1
    assert "pot=" in media[0]
    assert "Generating a player PO Token for mweb client via bgutil HTTP server" in recorder
    assert "Generating a gvs PO Token for mweb client via bgutil HTTP server" in recorder
    assert httpx.get(f"{service.url}/minter_cache").json() != []


def test_the_reason_reaches_the_user(service: Service, youtube: YouTube) -> None:
    youtube.fault(Fault("page", Status(429), host="www.youtube.com"))
    recorder = Recorder()
    with yt_dlp_with(service, way_out(youtube, "http"), recorder) as ydl:
        token = fetch_token(ydl, PoTokenContext.PLAYER, content="refused")
    assert token is None
    assert "home page: HTTP 429" in recorder


def test_a_proxy_that_is_itself_reached_by_tls(youtube: YouTube, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(youtube.ca_file.read_bytes() + authority.cert_pem.bytes())
    with tls_in_front_of(youtube.port, context) as port, serving(SSL_CERT_FILE=str(trusted)) as service:
        service.wait()
        proxy = way_out(youtube, "http").replace("http", "https", 1).replace(str(youtube.port), str(port))
        assert contents(service.ask(proxy)["poToken"]) == videos.QUICK
        refused = service.ask(proxy.replace("s3cret", "wr0ng"))
    assert refused == {"error": "home page: the proxy refused the credentials"}


@pytest.mark.parametrize("way", ["http", "socks5"])
def test_wrong_password(service: Service, youtube: YouTube, way: Way) -> None:
    answer = service.ask(way_out(youtube, way).replace("s3cret", "wr0ng"))
    assert answer == {"error": "home page: the proxy refused the credentials"}


@pytest.mark.parametrize("way", ["http", "socks5"])
def test_dead_proxy(service: Service, way: Way) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = service.ask(f"{way}://alice:s3cret@127.0.0.1:{port}")
    assert answer == {"error": "home page: the proxy cannot be reached"}


def test_certificate_of_nobody(service: Service, youtube: YouTube) -> None:
    youtube.fault(Fault("connect", BadCertificate()))
    answer = service.ask(way_out(youtube, "http"), disable_tls_verification=True)
    assert answer == {"error": "home page: the certificate is not trusted (SSL_CERT_FILE adds trust)"}


def test_a_failure_is_not_repeated_at_google(service: Service, youtube: YouTube) -> None:
    youtube.fault(Fault("page", Status(429), host="www.youtube.com"))
    first, second = (service.ask(way_out(youtube, "http")) for _ in range(2))
    assert first == second == {"error": "home page: HTTP 429"}
    assert len(youtube.requests) == 1


def test_connections_break(service: Service, youtube: YouTube) -> None:
    youtube.fault(Fault("extra", Reset(), host="www.google.com"))
    assert service.ask(way_out(youtube, "http")) == {"error": "interpreter: the connection failed"}


def test_the_proxy_is_pinned(youtube: YouTube) -> None:
    pinned = way_out(youtube, "socks5")
    with serving(SSL_CERT_FILE=str(youtube.ca_file), GLOBAL_PROXY=pinned) as service:
        service.wait()
        for other in (None, "http://127.0.0.1:9", pinned.replace("alice", "bob")):
            assert service.ask(other)["error"].startswith("proxy: this service leaves by its GLOBAL_PROXY only")
        assert "poToken" in service.ask(pinned.replace("socks5", "socks5h"))
    assert {request.host for request in youtube.requests if request.kind == "page"} == {"www.youtube.com"}


def test_stopping_answers_first_and_leaves_nothing(youtube: YouTube) -> None:
    held = youtube.fault(Fault("page", Delay(PATIENCE), host="www.youtube.com"))
    with serving(SSL_CERT_FILE=str(youtube.ca_file)) as service, ThreadPoolExecutor() as pool:
        service.wait()
        asked = pool.submit(service.ask, way_out(youtube, "http"))
        youtube.requests.wait_for(lambda requests: len(requests) == 1)
        service.process.terminate()
        held.release()
        assert contents(asked.result()["poToken"]) == videos.QUICK
        output, _ = service.process.communicate(timeout=PATIENCE)  # ends when no process has its pipe any more
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events == ["listening", "stopping", "attested", "token made", "stopped"]
    assert service.process.returncode == 0


def test_logs_hold_no_secret(service: Service, youtube: YouTube) -> None:
    proxy = way_out(youtube, "http")
    token = service.ask(proxy, content_binding="visitor-data")["poToken"]
    service.ask(proxy.replace("alice", "mallory"))
    output = service.stop()
    for secret in (token, "s3cret", "visitor-data", b64encode(INTEGRITY_TOKEN).decode(), "!answer"):
        assert secret not in output
    assert [json.loads(line)["event"] for line in output.splitlines()].count("attested") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("HOST", "a b"),
        ("LOG_LEVEL", "loud"),
        ("GLOBAL_PROXY", "ftp://127.0.0.1"),
        ("SSL_CERT_FILE", "/nonexistent.pem"),
    ],
)
def test_a_bad_setting_stops_the_start(name: str, value: str) -> None:
    with serving(**{name: value}) as service:
        output, _ = service.process.communicate(timeout=PATIENCE)
    assert output.startswith(f"pot-provider: {name}: must ")
    assert value not in output
    assert service.process.returncode == 2
