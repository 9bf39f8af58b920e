"""The token service as a worker uses it: the real plugin inside the real yt-dlp, Google played by the stand-in."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import trustme
import yaml  # type: ignore[import-untyped]
from tenacity import Retrying, stop_after_delay, wait_fixed
from yt_dlp.extractor.youtube.pot.provider import PoTokenContext  # type: ignore[import-not-found]
from yt_dlp_plugins.extractor.getpot_bgutil_http import BgUtilHTTPPTP

from functions.local import guardian
from functions.local.plan import provider_stage
from shared.settings import Settings
from tests import youtube as videos
from tests.stack import ROOT
from tests.token_service import DENO, FOLDER, GOOGLE, INTEGRITY_TOKEN, PATIENCE, Service, WithChallenge, contents, serving
from tests.worker.fronts import tls_in_front_of
from tests.worker.plugin import CONTEXTS, Recorder, fetch_token, yt_dlp_with
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


Way = Literal["http", "socks5", "socks5h"]


def way_out(youtube: YouTube, way: Way) -> str:
    return youtube.http_proxy.replace("s3cret/:@", "s3cret%2F%3A%40").replace("http", way, 1)


def unshared() -> list[str]:
    """What runs a command in network and mount namespaces of its own, as their root."""
    for command in (["unshare", "--map-root-user", "--net", "--mount"], ["unshare", "--net", "--mount"]):
        with suppress(FileNotFoundError):
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
    reason = "no namespace of its own can be made here"
    if os.environ.get("CI") == "true" and os.geteuid() == 0 and Path("/etc/debian_version").exists():
        pytest.fail(reason)
    pytest.skip(reason)


def test_the_plugin_gets_every_kind_of_token_without_a_proxy(tmp_path: Path) -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ended = subprocess.run(
        [*unshared(), sys.executable, "-W", "error", "-m", "tests.worker.direct", tmp_path],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "tokens": ["directly: gvs", "directly: player", "directly: subs"],
        "hosts": ["www.youtube.com", "www.google.com", "jnn-pa.googleapis.com"],
        "minters": ["198.51.100.7"],
        "callers": ["127.0.0.1"],
        "from another address": videos.QUICK,
        "callers from another address": ["127.0.2.1"],
    }


@pytest.mark.parametrize("way", ["http", "socks5", "socks5h"])
def test_the_plugin_gets_every_kind_of_token(service: Service, youtube: YouTube, way: Way) -> None:
    recorder = Recorder()
    with yt_dlp_with(service, way_out(youtube, way), recorder) as ydl:
        # Not the same content twice: yt-dlp keeps tokens for as long as the process lives.
        tokens = [fetch_token(ydl, context, content=f"{context.value} by {way}") for context in CONTEXTS]
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


def samples(service: Service) -> dict[str, float]:
    """What operators watch, by name and labels."""
    lines = httpx.get(f"{service.url}/metrics", trust_env=False).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def becomes(service: Service, name: str, value: float) -> None:
    for attempt in Retrying(wait=wait_fixed(0.02), stop=stop_after_delay(PATIENCE), reraise=True):
        with attempt:
            assert samples(service).get(name) == value


def test_what_operators_watch(service: Service, youtube: YouTube) -> None:
    becomes(service, "sluice_pot_spare_warm", 1)
    assert httpx.get(f"{service.url}/readyz", trust_env=False).status_code == 200
    assert "poToken" in service.ask(way_out(youtube, "http"))
    assert "poToken" in service.ask(way_out(youtube, "http"))
    youtube.fault(Fault("page", Status(429), host="www.youtube.com"))
    assert "error" in service.ask(way_out(youtube, "socks5"))
    becomes(service, 'sluice_pot_sandbox_exits_total{reason="retired"}', 1)
    becomes(service, "sluice_pot_spare_warm", 1)
    seen = samples(service)
    assert 0 <= time.time() - seen.pop("sluice_pot_last_attestation_timestamp_seconds") < PATIENCE
    assert 0 <= time.time() - seen.pop("process_start_time_seconds") < 2 * PATIENCE
    assert seen.pop("process_resident_memory_bytes") > 1 << 20
    assert seen == {
        'sluice_pot_attestations_total{outcome="ok",stage="done"}': 1,
        'sluice_pot_attestations_total{outcome="failed",stage="home_page"}': 1,
        'sluice_pot_tokens_total{outcome="ok"}': 2,
        'sluice_pot_tokens_total{outcome="failed"}': 1,
        'sluice_pot_sandbox_exits_total{reason="retired"}': 1,
        "sluice_pot_minters": 1,
        "sluice_pot_sandboxes": 2,
        "sluice_pot_spare_warm": 1,
    }
    assert httpx.post(f"{service.url}/invalidate_it", trust_env=False).status_code == 204
    becomes(service, 'sluice_pot_sandbox_exits_total{reason="retired"}', 2)
    assert samples(service)["sluice_pot_minters"] == 0


def test_nobody_outside_loses_patience_first() -> None:
    """All of them in milliseconds: the plugin's for a token, and those of what ends the service."""
    told = "import { PATIENCE } from './patience.ts'; console.log(JSON.stringify(PATIENCE))"
    patience = json.loads(subprocess.check_output([DENO, "eval", "--no-config", told], cwd=FOLDER))
    assert patience["attestation"] < patience["token"] < BgUtilHTTPPTP._GETPOT_TIMEOUT * 1000
    provider = provider_stage(Settings(), root=ROOT, common={"PATH": ""}, python=Path(sys.executable))
    assert provider is not None
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["pot-provider"]["stop_grace_period"]
    for grace in (provider.children[0].grace, guardian.GRACE, float(compose.removesuffix("s"))):
        assert patience["draining"] + patience["parting"] < grace * 1000


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
