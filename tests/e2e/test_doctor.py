"""The doctor as an operator calls it, with the stand-in for YouTube behind its proxy: what it finds, and its exit code."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from functions.analyze.doctor.checks import CHECKS, PLUGIN
from functions.analyze.doctor.command import KNOWN
from functions.analyze.doctor.programs import installed
from tests.deployed import in_compose, in_kubernetes
from tests.stack import ROOT
from tests.token_service import GOOGLE, WithChallenge, serving
from tests.valkey import Valkey, free_port
from tests.youtube import Delay, Fault, RefusedPast, Reset, Status, YouTube, catalogue

PATIENCE = 60
NAMES = ["settings", *(check.name for check in CHECKS)]
SECRETS = ("proxy-password", "t" * 32, "videoplayback", "pot=")


class Findings(NamedTuple):
    code: int
    found: dict[str, dict[str, Any]]

    @property
    def wrong(self) -> set[str]:
        return {name for name, finding in self.found.items() if finding["state"] == "failed"}

    def state(self, name: str) -> str:
        return str(self.found[name]["state"])

    def text(self, name: str) -> str:
        return str(self.found[name]["text"])

    def remedy(self, name: str) -> str:
        return str(self.found[name]["remedy"] or "")


Examine = Callable[..., Findings]


@pytest.fixture
def long_video(youtube: YouTube) -> str:
    """One that lasts ten minutes and has 2160p, under the id that the doctor knows."""
    video = dataclasses.replace(youtube.video(catalogue.HUGE), video_id=KNOWN.media_id, duration=600)
    youtube._services.site.put(video)
    return KNOWN.media_id


@pytest.fixture
def environment(youtube: YouTube, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "SECRET_KEY": "t" * 32,
        "GLOBAL_PROXY": youtube.http_proxy,
        "SSL_CERT_FILE": str(youtube.ca_file),
        "REDIS_URL": redis_url,
    }


def doctor(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "functions.analyze.doctor", *arguments]


@pytest.fixture
def examine(environment: dict[str, str], tmp_path: Path) -> Examine:
    """Run it in a folder without .env; settings by name."""

    def run(*arguments: str, **settings: str) -> Findings:
        ended = subprocess.run(
            doctor("--json", *arguments),
            cwd=tmp_path,
            env=environment | settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.stderr == ""
        findings = [json.loads(line) for line in ended.stdout.splitlines()]
        assert [finding["name"] for finding in findings] == NAMES
        assert not [secret for secret in SECRETS if secret in ended.stdout]
        assert ended.returncode == (1 if any(finding["state"] == "failed" for finding in findings) else 0)
        return Findings(ended.returncode, {finding["name"]: finding for finding in findings})

    return run


@pytest.fixture(scope="module")
def _youtube() -> Iterator[YouTube]:
    with YouTube.running(username="user", password="proxy-password", extras=GOOGLE) as youtube:
        yield youtube


@contextmanager
def token_service(version: str, *, status: int = 200, heard: dict[str, Any] | None = None) -> Iterator[str]:
    """One that makes no tokens, and notes what it is asked for."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"server_uptime": 1.5, "version": version}).encode()
            self.send_response(status if self.path == "/ping" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if heard is not None:
                heard.update(question)
            body = json.dumps({"error": "what it heard"}).encode()
            self.send_response(200 if self.path == "/get_pot" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_all_is_well(youtube: YouTube, environment: dict[str, str], long_video: str, tmp_path: Path) -> None:
    youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
    with serving(SSL_CERT_FILE=str(youtube.ca_file)) as service:
        service.wait()
        ended = subprocess.run(
            doctor(),
            cwd=tmp_path,
            env=environment | {"POT_PROVIDER_URL": service.url},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert [line.split()[1] for line in lines] == NAMES
    assert all(line.startswith("OK  ") for line in lines)
    told = dict(zip(NAMES, lines, strict=True))
    assert "198.51.*.*" in told["exit"]
    assert youtube.exit_address not in ended.stdout
    assert "made in" in told["token"]
    assert "complete: 2160p, 1080p" in told["formats"]
    assert "4.0 MiB beyond the first minute and the last byte of 4096.0 MiB" in told["media"]
    assert not [secret for secret in SECRETS if secret in ended.stdout]
    # Every byte it says it has fetched, it has: beyond the first minute in one bounded range, and the last.
    best = youtube.media(long_video, 401)
    asked = [request for request in youtube.requests.media if request.itag == best.itag]
    ranges = [(request.range[0], request.bytes_sent) for request in asked if request.range]
    assert (best.size // 5, 4 << 20) in ranges
    assert (best.size - 1, 1) in ranges
    assert all(request.range and request.range[1] is not None for request in asked)
    assert not youtube.requests.leaving


def test_a_token_service_that_cannot_make_tokens(youtube: YouTube, examine: Examine, long_video: str) -> None:
    youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
    youtube.fault(Fault("extra", Status(500), host="jnn-pa.googleapis.com"))
    with serving(SSL_CERT_FILE=str(youtube.ca_file)) as service:
        service.wait()
        findings = examine(POT_PROVIDER_URL=service.url)
    assert findings.wrong == {"token"}
    assert findings.state("provider") == "ok"
    assert findings.text("token") == "integrity token: HTTP 500"
    assert "another exit" in findings.remedy("token")


def test_a_token_is_asked_for_as_the_plugin_does(youtube: YouTube, examine: Examine, long_video: str) -> None:
    heard: dict[str, Any] = {}
    with token_service(installed(PLUGIN) or "", heard=heard) as url:
        findings = examine(POT_PROVIDER_URL=url)
    assert findings.wrong == {"token"}
    assert findings.text("token") == "what it heard"
    assert heard == {
        "bypass_cache": False,
        "challenge": None,
        "content_binding": long_video,
        "disable_tls_verification": False,
        "innertube_context": None,
        "proxy": youtube.http_proxy,
        "source_address": None,
    }


def test_an_exit_that_tokens_cure(youtube: YouTube, examine: Examine) -> None:
    youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
    with serving(SSL_CERT_FILE=str(youtube.ca_file)) as service:
        service.wait()
        findings = examine("--video", catalogue.BOT_CHECK_UNTIL_TOKEN, POT_PROVIDER_URL=service.url)
    assert findings.code == 0
    assert re.fullmatch(r"bot_check at first; \d+ formats with PO tokens in \d+\.\d s", findings.text("analysis"))
    assert "needs PO tokens" in findings.remedy("analysis")


def test_a_laptop_without_settings(examine: Examine, long_video: str) -> None:
    findings = examine(REDIS_URL="", SECRET_KEY="")
    assert findings.code == 0
    for name in ("store", "provider"):
        assert findings.state(name) == "unchecked"
        assert "started by `make run`" in findings.text(name)
    assert findings.state("token") == "unchecked"
    assert findings.text("token") == "not checked: provider was not checked"


def test_settings_that_cannot_be_read(examine: Examine) -> None:
    findings = examine(GLOBAL_PROXY="ftp://user:proxy-password@nowhere")
    assert findings.wrong == {"settings"}
    assert findings.text("settings").startswith("GLOBAL_PROXY: ")


@pytest.mark.parametrize("deployed", [in_compose, in_kubernetes])
def test_in_a_worker_s_container(
    youtube: YouTube, examine: Examine, environment: dict[str, str], deployed: Callable[..., dict[str, str]]
) -> None:
    """It listens for those who operate it, and is told no ACCESS_KEY."""
    youtube.stop_listening()
    told = deployed("worker", {"ACCESS_KEY": "a" * 32, **environment})
    assert told["HOST"] == "0.0.0.0"
    findings = examine(**told | {name: environment[name] for name in ("REDIS_URL", "SSL_CERT_FILE")} | {"POT_PROVIDER_URL": ""})
    assert findings.state("settings") == "ok"
    assert findings.wrong == {"proxy"}


def test_a_dead_proxy(youtube: YouTube, examine: Examine) -> None:
    youtube.stop_listening()
    findings = examine()
    assert findings.wrong == {"proxy"}
    assert "cannot be reached" in findings.text("proxy")
    assert findings.text("youtube") == "not checked: proxy failed"
    assert findings.text("media") == "not checked: googlevideo was not checked"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_wrong_proxy_password(youtube: YouTube, examine: Examine, scheme: str) -> None:
    findings = examine(GLOBAL_PROXY=f"{scheme}://user:wrong-password@127.0.0.1:{youtube.port}")
    assert findings.wrong == {"proxy"}
    assert "refuses the credentials" in findings.text("proxy")
    assert "wrong-password" not in str(findings)


def test_youtube_is_not_reachable_behind_the_proxy(youtube: YouTube, examine: Examine) -> None:
    youtube.fault(Fault("iframe", Reset()))
    findings = examine()
    assert findings.wrong == {"youtube"}
    assert findings.state("proxy") == "ok"
    assert findings.text("analysis") == "not checked: youtube failed"


def test_a_store_that_is_away(examine: Examine, long_video: str) -> None:
    findings = examine(REDIS_URL=f"redis://:secret-of-the-store@127.0.0.1:{free_port()}/0")
    assert findings.wrong == {"store"}
    assert "secret-of-the-store" not in str(findings)
    assert findings.state("media") == "ok"


def test_a_store_that_hangs(examine: Examine, long_video: str, tmp_path: Path) -> None:
    store = Valkey(tmp_path)
    store.start()
    try:
        with store.paused():
            findings = examine(REDIS_URL=store.url)
    finally:
        store.stop()
    assert findings.wrong == {"store"}


def test_a_token_service_that_is_away(examine: Examine, long_video: str) -> None:
    findings = examine(POT_PROVIDER_URL=f"http://127.0.0.1:{free_port()}")
    assert findings.wrong == {"provider"}
    assert "start the service" in findings.remedy("provider")


@pytest.mark.parametrize(
    ("version", "status", "remedy"), [("1.3.1", 200, "run version 2"), ("2.0.2", 500, "name a PO token service")]
)
def test_a_token_service_that_does_not_fit(examine: Examine, long_video: str, version: str, status: int, remedy: str) -> None:
    with token_service(version, status=status) as url:
        findings = examine(POT_PROVIDER_URL=url)
    assert findings.wrong == {"provider"}
    assert remedy in findings.remedy("provider")


def test_a_degraded_video(examine: Examine) -> None:
    findings = examine("--video", f"https://youtu.be/{catalogue.PLAYER_RATE_LIMITED}")
    assert findings.wrong == {"formats"}
    assert "degraded: 360p; missing: 1080p" in findings.text("formats")
    assert "source_rate_limited" in findings.text("formats")
    assert findings.remedy("formats") == "wait, or use another exit"


def test_a_token_that_is_missing(youtube: YouTube, examine: Examine, long_video: str) -> None:
    youtube.fault(Fault("media", RefusedPast(1 << 20)))
    findings = examine()
    assert findings.code == 1
    assert findings.wrong & {"analysis", "formats"}
    assert "token_rejected" in f"{findings.text('analysis')} {findings.text('formats')}"


def test_bot_check(examine: Examine) -> None:
    findings = examine("--video", catalogue.BOT_CHECK)
    assert findings.wrong == {"analysis"}
    assert findings.text("analysis").startswith("bot_check: ")
    assert "exit" in findings.remedy("analysis")
    assert findings.text("formats") == "not checked: analysis failed"


def test_media_hosts_that_refuse(youtube: YouTube, examine: Examine, long_video: str) -> None:
    youtube.fault(Fault("media", Status(503)))
    findings = examine()
    assert findings.wrong == {"googlevideo"}
    assert findings.text("media") == "not checked: googlevideo failed"


def test_something_that_is_no_video(environment: dict[str, str], tmp_path: Path) -> None:
    ended = subprocess.run(
        doctor("--video", "https://example.org/"), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "not the URL of a YouTube video" in ended.stderr
    assert ended.stdout == ""


def test_ctrl_c_ends_it_at_once(youtube: YouTube, environment: dict[str, str], long_video: str, tmp_path: Path) -> None:
    youtube.fault(Fault("player", Delay(PATIENCE)))
    with subprocess.Popen(
        doctor(),
        cwd=tmp_path,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell lets what it runs in the background ignore Ctrl-C, and tests may be run so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing in it that another thread could hold
    ) as process:
        youtube.requests.wait_for(lambda requests: any(request.kind == "player" for request in requests), timeout=PATIENCE)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        started = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")
    assert "analysis" not in output
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
