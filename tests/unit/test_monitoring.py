"""The list of metrics is the code's; configuration, alerts and dashboard are valid and ask for nothing that does not exist."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from functions.analyze.failures import CLASSES
from tests.metrics_in_code import in_code
from tests.monitoring import DASHBOARD, DOCUMENTS, FOLDER, ROOT, listed, panels, queries, rules, tool

CODE: Final = in_code()
ENGLISH: Final = listed(DOCUMENTS[0])
NAME: Final = re.compile(r"\b(?:sluice|process)_\w+|\bup\b")
GROUPED: Final = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
SELECTED: Final = re.compile(r"(\w+)\s*\{([^}]*)\}")
OF_PROMETHEUS: Final = {"job", "instance", "le"}


def test_the_list_is_what_the_code_can_emit() -> None:
    assert list(ENGLISH) == list(CODE)
    for name, row in ENGLISH.items():
        fixed = CODE[name]
        assert (row.type, row.unit, row.origin, row.meaning) == (fixed.type, fixed.unit, fixed.origin, fixed.meaning), name
        assert fixed.labels is None or row.labels == fixed.labels, name


def test_both_languages_list_the_same() -> None:
    chinese = listed(DOCUMENTS[1])
    assert [(name, *row[:4]) for name, row in chinese.items()] == [(name, *row[:4]) for name, row in ENGLISH.items()]
    assert all(re.search(r"[\u4e00-\u9fff]|^[A-Z_]+$", row.meaning) for row in chinese.values())


def test_names_follow_the_conventions() -> None:
    for name, row in CODE.items():
        assert re.fullmatch(r"(sluice|process)(_[a-z0-9]+)+", name), name
        assert name.endswith("_total") == (row.type == "counter"), name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_class_of_failure_and_every_alert_is_explained(document: object) -> None:
    text = document.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    for name, codes in CLASSES.items():
        (row,) = re.findall(rf"^\| `{name}` \| ([^|]+) \|", text, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == codes
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == [rule["alert"] for rule in rules()]


def test_each_alert_says_what_is_wrong_what_to_do_and_where_more_is() -> None:
    for rule in rules():
        notes = rule["annotations"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert len(notes["summary"]) < 80 < len(notes["description"])
        assert notes["runbook_url"] == f"docs/monitoring.md#{rule['alert'].lower()}"
        assert rule["for"]


def test_each_alert_is_tested_both_ways() -> None:
    scenes = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    for rule in rules():
        looks = [look for scene in scenes if scene["name"].startswith(f"{rule['alert']}:") for look in scene["promql_expr_test"]]
        assert {bool(look["exp_samples"]) for look in looks} == {True, False}, rule["alert"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_s_own_tool_agrees(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([tool("promtool"), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_scraped_is_what_runs() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    found = {job["job_name"]: job["dns_sd_configs"][0] for job in jobs}
    assert set(found) == {"analyze", "status", "stream", "worker", "pot-provider"}
    for name, discovery in found.items():
        assert discovery["names"] == [name]
        assert discovery["type"] == "A"
        # What sets no port listens on the default one.
        assert discovery["port"] == int(services[name]["environment"].get("PORT", 8000))


def test_an_alertmanager_is_named_by_taking_away_three_signs(tmp_path: Path) -> None:
    text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    named = re.sub(r"^#(?! )|^#(?=  )", "", text, flags=re.MULTILINE)
    assert yaml.safe_load(named)["alerting"] == {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]}
    (tmp_path / "prometheus.yml").write_text(named)
    (tmp_path / "alerts.yml").write_bytes((FOLDER / "alerts.yml").read_bytes())
    command = [tool("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def pod_of(part: str, *, ready: bool = True, phase: str = "Running", whole: str = "sluice") -> dict[str, Any]:
    """As Prometheus finds it in a cluster."""
    found = {"label_app_kubernetes_io_part_of": whole, "label_app_kubernetes_io_component": part, "name": f"{part}-1"}
    found |= {"ready": str(ready).lower(), "phase": phase}
    return {"targets": [f"{part}.example:8000"], "labels": {f"__meta_kubernetes_pod_{key}": value for key, value in found.items()}}


def test_in_a_cluster_every_part_is_scraped_under_its_own_name(tmp_path: Path) -> None:
    configuration = yaml.safe_load((FOLDER / "kubernetes.yml").read_text(encoding="utf-8"))
    (scraped,) = configuration["scrape_configs"]
    assert scraped.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["sluice"]}}]
    assert configuration.pop("rule_files") == ["alerts.yml"]
    scraped["file_sd_configs"] = [{"files": [str(tmp_path / "pods.json")]}]
    parts = ["analyze", "status", "stream", "worker", "pot-provider"]
    strangers = [pod_of("edge"), pod_of("redis"), pod_of("worker", whole="another"), pod_of("worker", phase="Failed")]
    draining = pod_of("stream", ready=False)
    pods = [*map(pod_of, parts), pod_of("analyze", ready=False), draining, *strangers]
    (tmp_path / "pods.json").write_text(json.dumps(pods))
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    command = [tool("promtool"), "check", "service-discovery", "--timeout=1s", str(tmp_path / "prometheus.yml"), "sluice"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    kept = [found["labels"] for found in json.loads(done.stdout) if found["labels"]]
    assert sorted(labels["job"] for labels in kept) == sorted([*parts, "analyze"])
    assert all(labels["pod"] == f"{labels['job']}-1" and labels["instance"] for labels in kept)


def base(name: str) -> str:
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if ENGLISH.get(stem, ENGLISH["sluice_queue_limit"]).type == "histogram" else name


@pytest.mark.parametrize(("place", "query"), list(queries()))
def test_every_query_asks_for_what_exists(place: str, query: str) -> None:
    names = {base(name) for name in NAME.findall(re.sub(r"\{[^}]*\}", "", query))}
    assert names
    assert names - {"up"} <= set(ENGLISH)
    labels = {label for name in names - {"up"} for label in ENGLISH[name].labels} | OF_PROMETHEUS
    for group in GROUPED.findall(query):
        assert {label.strip() for label in group.split(",")} <= labels, place
    for name, selectors in SELECTED.findall(query):
        known = set() if name == "up" else set(ENGLISH[base(name)].labels)
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors)) <= known | OF_PROMETHEUS, place


def test_the_dashboard_shows_each_panel_once_and_in_both_languages() -> None:
    found = panels()
    assert len({panel["id"] for panel in found}) == len(found)
    shown = [panel for panel in found if panel["type"] != "row"]
    for panel in found:
        assert panel["title"] == "CPU" or re.search(r" · .*([\u4e00-\u9fff]|p95)", panel["title"]), panel["title"]
    for panel in shown:
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
        legends = {label for target in panel["targets"] for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
        grouped = [group for target in panel["targets"] for group in GROUPED.findall(target["expr"])]
        groups = {label.strip() for group in grouped for label in group.split(",")}
        assert legends <= groups, panel["title"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in found}
    assert len(places) == len(found)


def test_what_is_provisioned_fits_together() -> None:
    folder = FOLDER / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "sluice.yml").read_text(encoding="utf-8"))["providers"]
    assert (source["uid"], source["type"]) == ("prometheus", "prometheus")
    assert provider["type"] == "file"
    assert DASHBOARD.is_file()
