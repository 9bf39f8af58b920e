"""compose.yaml and what may be added to it, read as Compose reads them."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest
import yaml  # type: ignore[import-untyped]

from shared.serve import CLEARING
from shared.settings import Settings
from tests.deployed import filled, in_compose
from tests.unit.test_compose import COMPOSE_ONLY, CONTRACT, EXAMPLE, ROOT, SERVICES, documented

HTTPS: Final = ROOT / "deploy" / "compose.https.yaml"
CERTIFICATE: Final = ROOT / "deploy" / "compose.certificate.yaml"
FILES: Final = [ROOT / "compose.yaml", HTTPS, CERTIFICATE]
OURS: Final = ["edge", "analyze", "status", "stream", "worker", "pot-provider"]
OPTIONAL: Final = {"bgutil": ["bgutil"], "prometheus": ["monitoring"], "grafana": ["monitoring"]}
LEAVING: Final = {"stream", "worker", "pot-provider", "bgutil"}
NETWORKS: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["networks"]
USED: Final = re.compile(r"\$\{([A-Z_]+)")


class Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Compose's own tags say how files are put together, which the schema does not look at."""


Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_schema_of_the_specification(path: Path) -> None:
    schema = msgspec.json.decode((ROOT / "tests" / "schemas" / "compose-spec.json").read_bytes())
    validator = jsonschema_rs.validator_for(schema)
    document = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a SafeLoader
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)] == []


CLI: Final = next(
    (
        command
        for command in (["docker", "compose"], ["docker-compose"])
        if shutil.which(command[0])
        and b"v2" in subprocess.run([*command, "version"], capture_output=True, check=False, timeout=20).stdout
    ),
    None,
)


def test_compose_itself_takes_them(tmp_path: Path) -> None:
    """Where it is installed; it needs no engine for this."""
    (tmp_path / "deploy").mkdir()
    for path in FILES:
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    (tmp_path / ".env").write_text(EXAMPLE)
    own = {"DOMAIN": "example.org", "CERTIFICATE": "/a.pem", "CERTIFICATE_KEY": "/a.key"}
    for variables in ({}, *({"COMPOSE_FILE": f"compose.yaml:deploy/{path.name}", **own} for path in FILES[1:])):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables}
        arguments = [*(CLI or ()), "--profile", "*", "config", "--quiet"]
        done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")


if CLI is None:
    del test_compose_itself_takes_them  # nothing is skipped, and nothing pretended: the schema is looked at everywhere


def test_every_variable_is_used_and_every_used_one_is_explained() -> None:
    used = {name for path in FILES for name in USED.findall(path.read_text(encoding="utf-8"))}
    assert used <= documented().keys()
    assert used | {"COMPOSE_FILE", "COMPOSE_PROFILES"} >= COMPOSE_ONLY, "these two are Compose's own"
    assert used | {"REDIS_URL"} >= CONTRACT, "Compose always has its own store"


def test_the_examples_defaults_are_compose_s() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    for name in sorted(COMPOSE_ONLY - {"COMPOSE_FILE", "COMPOSE_PROFILES", "DOMAIN", "CERTIFICATE", "CERTIFICATE_KEY"}):
        assert set(re.findall(rf"\$\{{{name}:-([^}}]*)\}}", text)) == {documented()[name]}, name


MIRRORS: Final = {
    "HUB_MIRROR": "hub.example.org/",
    "PIP_INDEX_URL": "https://pypi.example.org/simple",
    "NPM_CONFIG_REGISTRY": "https://npm.example.org/",
    "DEBIAN_MIRROR": "https://mirror.example.org",
}


@pytest.mark.parametrize("name", OURS)
def test_each_build_is_told_of_the_mirrors_it_can_use(name: str) -> None:
    build = SERVICES[name]["build"]
    text = (ROOT / build["dockerfile"]).read_text(encoding="utf-8")
    known = (MIRRORS | {"REGISTRY": "hub.example.org/library/"}).items() - {("HUB_MIRROR", MIRRORS["HUB_MIRROR"])}
    expected = {argument: value for argument, value in known if re.search(rf"^ARG {argument}\b", text, re.MULTILINE)}
    target = build.get("target")
    if target == "analyze":
        del expected["DEBIAN_MIRROR"]  # a stage that it does without
    assert {argument: filled(value, MIRRORS) for argument, value in build["args"].items()} == expected


def test_every_other_image_is_from_the_mirror_as_well() -> None:
    for name, service in SERVICES.items():
        if name not in OURS:
            assert filled(service["image"], MIRRORS) == f"hub.example.org/{filled(service['image'], {})}"
            assert "/" in filled(service["image"], {}), "what has none is below library/"


def test_there_is_every_part() -> None:
    assert SERVICES.keys() == {*OURS, "redis", *OPTIONAL}
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == OPTIONAL


def test_the_edge_is_published_and_figures_on_this_machine_alone() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "edge": ["${HOST:-127.0.0.1}:${PORT:-8080}:8080"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_the_back_reaches_nothing_and_nothing_reaches_it() -> None:
    outward = {name for name, network in NETWORKS.items() if not (network or {}).get("internal")}
    assert outward == {"public", "out"}
    reaching = {name for name, service in SERVICES.items() if outward & set(service["networks"])}
    assert reaching == {"edge", "grafana"} | LEAVING
    assert SERVICES["redis"]["networks"] == ["store"]
    assert {name for name, service in SERVICES.items() if "store" in service["networks"]} == {
        *("analyze", "status", "stream", "worker", "redis")
    }
    assert {name for name, service in SERVICES.items() if "out" in service["networks"]} == LEAVING


def test_a_proxy_on_this_machine_has_a_name() -> None:
    named = {name for name, service in SERVICES.items() if "extra_hosts" in service}
    assert named == LEAVING
    assert all(SERVICES[name]["extra_hosts"] == ["host.docker.internal:host-gateway"] for name in LEAVING)


@pytest.mark.parametrize("name", SERVICES)
def test_each_part_has_bounds_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert "mem_limit" in service
    assert service["pids_limit"] >= (512 if name in {"worker", "pot-provider"} else 64), "threads of programs that use every core"
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert "container_name" not in service, "no replica could be added"


@pytest.mark.parametrize("name", [*OURS, "prometheus", "grafana"])
def test_each_part_has_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*OURS, "redis"])
def test_each_part_says_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert "HEALTHCHECK" in (ROOT / service["build"]["dockerfile"]).read_text(encoding="utf-8")
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("grace", ["", "0", "600"])
def test_running_downloads_have_their_time_and_whoever_stops_waits_longer(grace: str, tmp_path: Path) -> None:
    variables = {"STREAM_GRACE": grace}
    command = ["caddy", "adapt", "--config", str(ROOT / "deploy" / "Caddyfile"), "--adapter", "caddyfile"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **in_compose("edge", variables)}
    adapted = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    at_the_edge = msgspec.json.decode(adapted)["apps"]["http"]["grace_period"] / 1e9
    downloads = Settings().stream_grace if grace == "" else int(grace)
    for name in ("edge", "stream"):
        patience = seconds(filled(SERVICES[name]["stop_grace_period"], variables))
        assert downloads + CLEARING < at_the_edge < patience <= downloads + 12


def seconds(duration: str) -> float:
    """As Go reads it."""
    return sum(int(number) * {"s": 1.0, "ms": 0.001}[unit] for number, unit in re.findall(r"(\d+)(m?s)", duration))


def test_https_takes_the_place_of_the_plain_port() -> None:
    edge = yaml.load(HTTPS.read_text(encoding="utf-8"), Loader)["services"]["edge"]  # noqa: S506 - a SafeLoader
    assert "!override" in HTTPS.read_text(encoding="utf-8")
    assert edge["ports"] == [f"80:{SERVICES['edge']['environment']['PORT']}", f"443:{edge['environment']['HTTPS_PORT']}"]
    assert edge["volumes"] == [f"certificates:{edge['environment']['XDG_DATA_HOME']}"]
    folder = edge["environment"]["XDG_DATA_HOME"]
    assert f"mkdir {folder} && chown 65532:65532 {folder}" in (ROOT / "ui" / "Dockerfile").read_text(encoding="utf-8")


def test_a_certificate_of_one_s_own_needs_no_other_port() -> None:
    edge = yaml.load(CERTIFICATE.read_text(encoding="utf-8"), Loader)["services"]["edge"]  # noqa: S506 - a SafeLoader
    assert "!override" in CERTIFICATE.read_text(encoding="utf-8")
    assert edge["ports"] == [SERVICES["edge"]["ports"][0].replace(":8080", f":{edge['environment']['HTTPS_PORT']}")]
    mounted = [volume["target"] for volume in edge["volumes"] if volume["read_only"]]
    assert edge["environment"]["SITE_TLS"].split() == ["tls", *mounted]
    assert [volume["source"].partition(":")[0] for volume in edge["volumes"]] == ["${CERTIFICATE", "${CERTIFICATE_KEY"]
