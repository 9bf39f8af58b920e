"""deploy/kubernetes: what the API server would take, and in agreement with the images, the settings and the architecture."""

import base64
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
import yaml  # type: ignore[import-untyped]

from shared.clients import walk
from shared.serve import CLEARING
from shared.settings import Settings, load_settings
from tests.deployed import filled
from tests.kubernetes.kustomize import Document, built, containers, parsed
from tests.kubernetes.network import Pod, may_be_entered, may_leave, may_reach
from tests.smuggling import FORGED

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "kubernetes"
SCHEMAS: Final = json.loads(Path(__file__).with_name("schemas.json").read_text())["$defs"]
PARTS: Final = ("edge", "analyze", "status", "stream", "worker", "pot-provider")
OF_CADDY: Final = set(re.findall(r"\{\$([A-Z_]+)", (ROOT / "deploy" / "Caddyfile").read_text()))
SETTINGS: Final = {name.upper() for name in Settings.__struct_fields__}


def by_kubectl(folder: Path) -> list[Document]:
    """The real thing; names without their hash, and base64 without its line breaks."""
    text = subprocess.run(["kubectl", "kustomize", str(folder)], check=True, capture_output=True, text=True).stdout
    documents = parsed(re.sub(r"(sluice-(?:settings|secrets))-\w{10}\b", r"\1", text))
    for secret in of(documents, "Secret").values():
        secret["data"] = {name: value.replace("\n", "") for name, value in secret["data"].items()}
    return documents


def has_kubectl() -> bool:
    """One that knows components: since 1.21."""
    if shutil.which("kubectl") is None:
        return False
    told = subprocess.run(["kubectl", "version", "--client", "--output=json"], capture_output=True, text=True, check=False).stdout
    return bool(told) and int(re.sub(r"\D", "", json.loads(told)["clientVersion"]["minor"])) >= 21


BUILDERS: Final[tuple[Callable[[Path], list[Document]], ...]] = (built, by_kubectl) if has_kubectl() else (built,)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its secrets."""
    folder = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secrets.env"))
    subprocess.run([folder / "example" / "secrets.sh"], check=True)
    return folder / "example"


@pytest.fixture(scope="module")
def documents(example: Path) -> list[Document]:
    return built(example)


def of(documents: list[Document], kind: str) -> dict[str, Document]:
    """By name."""
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def pod(workload: Document) -> Document:
    template: Document = workload["spec"]["template"]
    return template


def only(workload: Document) -> Document:
    (container,) = containers(workload)
    return container


def settings_of(documents: list[Document]) -> dict[str, str]:
    found: dict[str, str] = of(documents, "ConfigMap")["sluice-settings"]["data"]
    return found


def definition(kind: str) -> dict[str, Any]:
    (name,) = (name for name in SCHEMAS if name.endswith(f".{kind}") and name.startswith("io.k8s.api."))
    return {"$ref": f"#/$defs/{name}", "$defs": SCHEMAS}


def complaints(document: Document) -> list[str]:
    return [
        f"{error.instance_path}: {error.message}" for error in jsonschema_rs.iter_errors(definition(document["kind"]), document)
    ]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_the_api_server_would_take_it(example: Path, build: Callable[[Path], list[Document]]) -> None:
    found = build(example)
    assert {(document["kind"], document["metadata"]["name"]): complaints(document) for document in found} == {
        (document["kind"], document["metadata"]["name"]): [] for document in built(example)
    }
    for folder in sorted((FOLDER / "components").iterdir()):
        for document in built(folder):
            assert complaints(document) == []


def test_a_real_kubectl_builds_the_same(example: Path) -> None:
    """Where there is one."""

    def plain(documents: list[Document]) -> list[str]:
        return sorted(json.dumps(document, sort_keys=True) for document in documents)

    for build in BUILDERS[1:]:
        assert plain(build(example)) == plain(built(example))


def test_a_wrong_field_would_be_noticed(documents: list[Document]) -> None:
    broken = json.loads(json.dumps(of(documents, "Deployment")["stream"]))
    broken["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    assert complaints(broken)


def test_every_file_is_used() -> None:
    for folder in (path.parent for path in FOLDER.rglob("kustomization.yaml")):
        told = yaml.safe_load((folder / "kustomization.yaml").read_text())
        files = {path.name for path in folder.iterdir() if path.suffix == ".yaml"} - {"kustomization.yaml"}
        assert files == {entry for entry in told["resources"] if entry.endswith(".yaml")}


def test_every_part_has_all_it_needs(documents: list[Document]) -> None:
    deployments = of(documents, "Deployment")
    assert deployments.keys() == set(PARTS)
    assert of(documents, "PodDisruptionBudget").keys() == set(PARTS)
    assert of(documents, "Service").keys() == (set(PARTS) - {"worker"}) | {"redis"}
    scaled = of(documents, "HorizontalPodAutoscaler")
    assert {name for name, deployment in deployments.items() if "replicas" not in deployment["spec"]} == scaled.keys()
    for name, scaler in scaled.items():
        assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert "cpu" in only(deployments[name])["resources"]["requests"], "utilisation is relative to what is requested"


def test_selectors_find_their_pods(documents: list[Document]) -> None:
    workloads = of(documents, "Deployment") | of(documents, "StatefulSet")
    for name, workload in workloads.items():
        labels = pod(workload)["metadata"]["labels"]
        assert labels == {"app.kubernetes.io/part-of": "sluice", "app.kubernetes.io/component": name}
        assert workload["spec"]["selector"] == {"matchLabels": labels}
        for constraint in pod(workload)["spec"].get("topologySpreadConstraints", []):
            assert constraint["labelSelector"] == {"matchLabels": labels}
    for kind in ("Service", "PodDisruptionBudget"):
        for name, document in of(documents, kind).items():
            selector = document["spec"]["selector"]
            assert selector.get("matchLabels", selector) == pod(workloads[name])["metadata"]["labels"]


def dockerfile(name: str) -> str:
    """What its image is made of."""
    build: dict[str, str] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][name]["build"]
    text = (ROOT / build["dockerfile"]).read_text()
    return text.partition(f" AS {build['target']}\n")[2].partition("\nFROM ")[0] if "target" in build else text


def test_ports_are_those_of_the_images_and_of_whoever_asks(documents: list[Document]) -> None:
    ports = {}
    for name, deployment in of(documents, "Deployment").items():
        exposed = [int(port) for port in re.findall(r"^EXPOSE (\d+)", dockerfile(name), re.MULTILINE)]
        container = only(deployment)
        assert [port["containerPort"] for port in container.get("ports", [])] == exposed, name
        plain = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
        assert [plain["PORT"]] == list(map(str, exposed)) if exposed else "PORT" not in plain, name
    for name, service in of(documents, "Service").items():
        (entry,) = service["spec"]["ports"]
        assert entry["targetPort"] == entry["name"] == only(
            (of(documents, "Deployment") | of(documents, "StatefulSet"))[name]
        )["ports"][0]["name"]  # fmt: skip
        ports[name] = entry["port"]
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    assert dict(re.findall(r"\{\$(?:ANALYZE|STATUS|STREAM):(\w+)\} \{\$(?:ANALYZE|STATUS|STREAM)_PORT:(\d+)\}", caddyfile)) == {
        name: str(ports[name]) for name in ("analyze", "status", "stream")
    }
    provider = urlsplit(settings_of(documents)["POT_PROVIDER_URL"])
    assert ports["pot-provider"] == provider.port
    assert provider.hostname == "pot-provider"


def test_every_variable_is_a_setting_and_every_value_is_taken(documents: list[Document], monkeypatch: pytest.MonkeyPatch) -> None:
    configured = settings_of(documents)
    assert configured.keys() <= SETTINGS
    for name, deployment in of(documents, "Deployment").items():
        names = {entry["name"] for entry in only(deployment)["env"]}
        assert names <= (OF_CADDY if name == "edge" else SETTINGS), name
    secrets = {key: base64.b64decode(value).decode() for key, value in of(documents, "Secret")["sluice-secrets"]["data"].items()}
    for key, value in (configured | secrets).items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("HOST", "0.0.0.0")
    assert load_settings(dotenv=None).redis_url == f"redis://:{secrets['REDIS_PASSWORD']}@redis:6379/0"


def test_no_client_chooses_its_own_address(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one with a private address, as people in the same building have."""
    told = {folder: settings_of(built(folder))["TRUSTED_PROXIES"] for folder in (FOLDER / "base", example)}
    assert told[FOLDER / "base"] == "", "it is another one in each cluster"
    monkeypatch.setenv("TRUSTED_PROXIES", told[example])
    (pods,) = trusted = load_settings(dotenv=None).trusted_proxies
    edge, ingress = pods[2], pods[3]
    for client in ("10.0.0.7", "172.16.0.7", "192.168.0.7", "100.64.0.7", "198.51.100.7"):
        assert str(walk(str(edge), f"{FORGED}, {client}, {ingress}", trusted)) == client


def test_secrets_that_are_there_are_kept(example: Path) -> None:
    before = (example / "secrets.env").read_text()
    assert len(set(re.findall(r"[0-9a-f]{32,}", before))) == 3
    subprocess.run([example / "secrets.sh"], check=True)
    assert (example / "secrets.env").read_text() == before
    assert (example / "secrets.env").stat().st_mode & 0o077 == 0


def test_secrets_reach_only_those_that_need_them(documents: list[Document]) -> None:
    known: dict[str, set[str]] = {}
    for name, workload in (of(documents, "Deployment") | of(documents, "StatefulSet")).items():
        for entry in only(workload).get("env", []):
            if "secretKeyRef" in entry.get("valueFrom", {}):
                known.setdefault(entry["valueFrom"]["secretKeyRef"]["key"], set()).add(name)
    functions = {"analyze", "status", "stream"}
    assert known == {
        "ACCESS_KEY": functions,
        "SECRET_KEY": functions | {"worker"},
        "REDIS_URL": functions | {"worker"},
        "GLOBAL_PROXY": {"stream", "worker", "pot-provider"},
        "REDIS_PASSWORD": {"redis"},
    }


def test_images_are_the_ones_that_compose_builds(documents: list[Document]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for name, deployment in of(documents, "Deployment").items():
        assert only(deployment)["image"] == f"{compose['name']}-{name}:{version}"
        assert "build" in compose["services"][name]
    store = only(of(documents, "StatefulSet")["redis"])
    own = compose["services"]["redis"]
    assert (store["image"], store["args"]) == (filled(own["image"], {}), own["command"])


def test_no_part_has_more_rights_than_it_needs(documents: list[Document]) -> None:
    for workload in (*of(documents, "Deployment").values(), *of(documents, "StatefulSet").values()):
        spec = pod(workload)["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only(workload)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert only(workload)["resources"]["limits"].keys() == {"memory"}
    for name, deployment in of(documents, "Deployment").items():
        assert f"USER {pod(deployment)['spec']['securityContext']['runAsUser']}:" in dockerfile(name)


def test_probes_ask_what_the_parts_answer(documents: list[Document]) -> None:
    for name, deployment in of(documents, "Deployment").items():
        container = only(deployment)
        asked = [
            container.get(f"{probe}Probe", {}).get("httpGet", {}).get("path") for probe in ("startup", "liveness", "readiness")
        ]
        assert asked == {"edge": ["/", "/", "/"]}.get(name, ["/healthz", "/healthz", "/readyz"]), name


def test_a_replica_goes_only_after_its_successor_has_come_and_its_downloads_had_their_time(documents: list[Document]) -> None:
    grace = int(settings_of(documents)["STREAM_GRACE"])
    edge = {entry["name"]: entry.get("value") for entry in only(of(documents, "Deployment")["edge"])["env"]}
    at_the_edge = int(edge["EDGE_GRACE"].removesuffix("s"))
    assert grace + CLEARING < at_the_edge
    for name, deployment in of(documents, "Deployment").items():
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        notice = only(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert bool(notice) == (name != "worker")
        patience = pod(deployment)["spec"]["terminationGracePeriodSeconds"]
        needed = {"edge": at_the_edge, "stream": grace}.get(name, 15)
        assert notice + needed + CLEARING < patience, name


HERE: Final[dict[str, str]] = {}
ELSEWHERE: Final = {"kubernetes.io/metadata.name": "elsewhere"}
PORTS: Final = (53, 80, 443, 1080, 2020, 4416, 6379, 8000, 8080, 26379)


def reachable(documents: list[Document], *others: Pod) -> set[tuple[str, str, int]]:
    workloads = of(documents, "Deployment") | of(documents, "StatefulSet")
    pods = [Pod(name, pod(workload)["metadata"]["labels"], HERE) for name, workload in workloads.items()]
    policies = list(of(documents, "NetworkPolicy").values())
    pairs = product([*pods, *others], [*pods, *others], PORTS)
    ours = {one.name for one in pods}
    return {
        (source.name, target.name, port)
        for source, target, port in pairs
        if source != target and ours & {source.name, target.name} and may_reach(policies, source, target, port)
    }


def test_nobody_talks_to_anybody_but_as_the_architecture_says(documents: list[Document]) -> None:
    expected = {("edge", name, 8000) for name in ("analyze", "status", "stream")}
    expected |= {(name, "redis", 6379) for name in ("analyze", "status", "stream", "worker")}
    expected |= {("worker", "pot-provider", 4416)}
    assert reachable(documents) == expected


def test_whoever_is_elsewhere_in_the_cluster_reaches_the_edge_alone(documents: list[Document]) -> None:
    ends = Pod("stranger", {}, ELSEWHERE)
    assert {pair for pair in reachable(documents, ends) if "stranger" in pair} == {("stranger", "edge", 8080)}


def test_the_proxy_may_be_inside_the_cluster(documents: list[Document]) -> None:
    proxy = Pod("proxy", {"sluice-way-out": "true"}, ELSEWHERE)
    leaving = {pair for pair in reachable(documents, proxy) if pair[1] == "proxy"}
    assert leaving == {(name, "proxy", port) for name in ("stream", "worker", "pot-provider") for port in PORTS}


def test_few_leave_the_cluster_and_only_the_edge_is_entered(documents: list[Document]) -> None:
    policies = list(of(documents, "NetworkPolicy").values())
    workloads = of(documents, "Deployment") | of(documents, "StatefulSet")
    pods = [Pod(name, pod(workload)["metadata"]["labels"], HERE) for name, workload in workloads.items()]
    assert {one.name for one in pods if may_leave(policies, one, 443)} == {"stream", "worker", "pot-provider"}
    assert {one.name for one in pods for port in PORTS if may_be_entered(policies, one, port)} == {"edge"}


def test_a_store_elsewhere_takes_the_place_of_the_own_one() -> None:
    documents = built(FOLDER / "base") + built(FOLDER / "components" / "external-store")
    policies = list(of(documents, "NetworkPolicy").values())
    pods = [Pod(name, pod(workload)["metadata"]["labels"], HERE) for name, workload in of(documents, "Deployment").items()]
    assert {one.name for one in pods if may_leave(policies, one, 26379)} == {
        "analyze",
        "status",
        "stream",
        "worker",
        "pot-provider",
    }
    assert {one.name for one in pods if may_leave(policies, one, 443)} == {"stream", "worker", "pot-provider"}
