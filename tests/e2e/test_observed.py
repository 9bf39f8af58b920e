"""The whole system as an operator sees it: one request id from curl to the token service's log, and a real Prometheus that asks."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from tests.edges import NAMES, Functions, caddy, page_in
from tests.monitoring import DOCUMENTS, FOLDER, listed, queries, tool
from tests.stack import Part, Stack, running_stack
from tests.token_service import GOOGLE, WithChallenge, serving
from tests.valkey import Valkey, free_port
from tests.youtube import BOT_CHECK_UNTIL_TOKEN, Fault, YouTube, catalogue

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
SILENT: Final = {
    # Nothing, or nothing again, has gone wrong.
    "Problems by code · 错误代码",
    "Failures by code · 失败代码",
    "Retries and fresh URLs by cause · 重试与换新地址的原因",
}


class Scene:
    """Everything that runs, and where it is scraped."""

    def __init__(self, stack: Stack, youtube: YouTube, tokens: str, token_log: Path) -> None:
        self.stack = stack
        self.youtube = youtube
        self.token_log = token_log
        self.targets = {process.part: process.base for process in stack.processes} | {"pot-provider": tokens}

    def lines(self, log: Path) -> list[dict[str, Any]]:
        """What a part has logged."""
        return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]

    def metrics(self, part: str) -> str:
        """What a part tells Prometheus."""
        return httpx.get(f"{self.targets[part]}/metrics", trust_env=False).raise_for_status().text


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("observed")
    store = Valkey(tmp_path_factory.mktemp("observed-store"))
    with YouTube.running(username="user", password="proxy-password", extras=GOOGLE) as youtube:
        youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
        leaving = {"GLOBAL_PROXY": youtube.http_proxy, "SSL_CERT_FILE": str(youtube.ca_file)}
        token_log = folder / "tokens.log"
        with token_log.open("w") as output, serving(output, **leaving) as tokens:
            tokens.wait()
            store.start()
            try:
                with running_stack(store, folder, leaving | {"POT_PROVIDER_URL": tokens.url, "ANALYSIS_ATTEMPTS": "3"}) as stack:
                    stack.start("worker", "analyze", "status", "stream")
                    yield Scene(stack, youtube, tokens.url, token_log)
            finally:
                store.stop()


@pytest.fixture(scope="module")
def edge(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Caddy with the configuration that is delivered, in front of the functions."""
    functions: Functions = {name: scene.targets[name] for name in NAMES}
    with caddy(page_in(tmp_path_factory.mktemp("edge")), functions) as running:
        yield running.url


def curl(url: str, *more: str) -> str:
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--include", *more, url], capture_output=True, check=True
    ).stdout.decode()


def requested(scene: Scene, part: Part, request_id: str) -> dict[str, Any]:
    """The one line that a function has written of a request, once it has."""

    def found() -> list[dict[str, Any]]:
        lines = scene.lines(scene.stack.part(part).log)
        return [line for line in lines if (line.get("request_id"), line["event"]) == (request_id, "request")]

    (line,) = scene.stack.until(found, bool)
    return line


def test_one_id_from_the_client_to_the_token_service(scene: Scene, edge: str) -> None:
    body = json.dumps({"url": f"https://youtu.be/{BOT_CHECK_UNTIL_TOKEN}"})
    said = ("--header", "X-Request-ID: from-curl.1", "--header", f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01")
    answer = curl(f"{edge}/v1/analyze", *said, "--header", "Content-Type: application/json", "--data", body)
    head, _, text = answer.partition("\r\n\r\n")
    assert "x-request-id: from-curl.1" in head.lower()
    task_id = json.loads(text)["task_id"]
    assert scene.stack.finished(task_id)["state"] == "completed"

    asked = requested(scene, "analyze", "from-curl.1")
    assert (asked["route"], asked["status"], asked["trace_id"]) == ("/v1/analyze", 202, TRACE)
    worked = [line for line in scene.lines(scene.stack.part("worker").log) if line.get("task_id") == task_id and "attempt" in line]
    assert {line["event"] for line in worked} >= {"analysis started", "analysis attempted"}
    assert all(line["request_ids"] == ["from-curl.1"] for line in worked)
    minted = [line for line in scene.lines(scene.token_log) if line.get("request_id") == "from-curl.1"]
    assert {line["event"] for line in minted} >= {"attested", "token made"}
    # Nobody outside is told.
    outside = [str(request.headers) for request in scene.youtube.requests]
    assert any("user-agent" in headers.lower() for headers in outside)
    assert not any("from-curl" in headers for headers in outside)


def test_a_download_s_id_reaches_the_analysis_it_needs(scene: Scene) -> None:
    url = f"{scene.stack.part('stream').base}/v1/stream/{catalogue.ORDINARY}/140?expires=99&signature=0123456789abcdef"
    assert curl(url, "--header", "X-Request-ID: download-7", "--output", "/dev/null", "--write-out", "%{http_code}") == "200"
    worked = [line for line in scene.lines(scene.stack.part("worker").log) if line.get("request_ids") == ["download-7"]]
    assert {line["event"] for line in worked} >= {"analysis started", "analysis attempted"}
    told = requested(scene, "stream", "download-7")
    assert "0123456789abcdef" not in scene.stack.part("stream").log.read_text()
    assert (told["method"], told["route"], told["status"]) == ("GET", "/v1/stream/{media_id}/{format_id}", 200)
    assert told["bytes"] > 100_000
    assert told["is_complete"]


def test_what_each_part_tells_is_in_the_list_and_pleases_prometheus_s_own_tool(scene: Scene) -> None:
    known = listed(DOCUMENTS[0])
    seen = set()
    for part in scene.targets:
        text = scene.metrics(part)
        linted = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert linted.returncode == 0, linted.stdout + linted.stderr
        for family in text_string_to_metric_families(text):
            if family.name.endswith("_created"):
                continue
            name = f"{family.name}_total" if family.type == "counter" else family.name
            assert family.type == known[name].type, name
            seen.add(name)
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(known[name].labels), sample
    assert seen == set(known)


@pytest.fixture(scope="module")
def prometheus(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real one with the configuration that is delivered, but for where things are and how often they are asked."""
    folder = tmp_path_factory.mktemp("prometheus")
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(FOLDER / "alerts.yml")]
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [scene.targets[job["job_name"]].removeprefix("http://")]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [tool("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def results(prometheus: str, query: str) -> list[Any]:
    """What a query gives now; nothing where Prometheus does not answer yet."""
    try:
        answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, trust_env=False, timeout=20)
    except httpx.TransportError:
        return []
    if answer.status_code == 503:  # it has only just started
        return []
    told = answer.json()
    assert told["status"] == "success", told
    found: list[Any] = told["data"]["result"]
    return found


def test_every_query_of_dashboard_and_alerts_works_and_shows_what_happened(scene: Scene, prometheus: str) -> None:
    scene.stack.until(lambda: results(prometheus, "sum(up) == 5 and sum(count_over_time(up[1m])) >= 15"), bool)
    assert scene.stack.analyzed(catalogue.PRIVATE)["state"] == "failed"
    task = scene.stack.analyzed(catalogue.ORDINARY)
    merge = task["result"]["merges"][0]
    assert scene.stack.http.get(scene.stack.stream_url(merge["stream_url"])).status_code == 200
    rising = 'sum(rate(sluice_stream_sent_bytes_total[1m])) > 0 and sum(rate(sluice_analyses_total{failure="video"}[1m])) > 0'
    scene.stack.until(lambda: results(prometheus, rising), bool)
    alerts = {rule for rule, _ in queries() if rule.startswith("Sluice")}
    found = {(place, query): results(prometheus, query) for place, query in queries()}
    assert {place for (place, _), result in found.items() if not result and place not in alerts} <= SILENT
    assert {place for (place, _), result in found.items() if result and place in alerts} == set()
    (outcome,) = results(prometheus, 'sum by (outcome) (sluice_analyses_total{code="video_private"})')
    assert (outcome["metric"], outcome["value"][1]) == ({"outcome": "failed"}, "1")
    (workers,) = results(prometheus, "max(sluice_workers)")
    assert workers["value"][1] == "1"
