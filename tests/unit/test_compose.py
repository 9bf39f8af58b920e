"""The plain forms agree with each other: settings, .env.example, compose.yaml and the Caddyfile."""

import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import yaml  # type: ignore[import-untyped]

from shared.problems import problem
from shared.settings import Settings, load_settings

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = (ROOT / ".env.example").read_text(encoding="utf-8")
COMPOSE: Final = (ROOT / "compose.yaml").read_text(encoding="utf-8")
SERVICES: Final[dict[str, dict[str, Any]]] = yaml.safe_load(COMPOSE)["services"]

CONTRACT: Final = {
    "GLOBAL_PROXY",
    "REDIS_URL",
    "POT_PROVIDER_URL",
    "MAX_CONCURRENT_ANALYSES",
    "MAX_CONCURRENT_DOWNLOADS",
    "MAX_BANDWIDTH",
    "MAX_QUEUE_LENGTH",
    "RATE_LIMIT",
    "RESULT_TTL",
    "ANALYSIS_TIMEOUT",
    "ANALYSIS_ATTEMPTS",
    "STREAM_CONNECTIONS",
    "STREAM_MEMORY",
    "STREAM_IDLE_TIMEOUT",
    "STREAM_GRACE",
    "ACCESS_KEY",
    "SECRET_KEY",
    "TRUSTED_PROXIES",
    "PUBLIC_URL",
    "ROOT_PATH",
    "CORS_ORIGINS",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "HOST",
    "PORT",
    "ALLOW_ANONYMOUS",
    "SSL_CERT_FILE",
}
COMPOSE_ONLY: Final = {
    "CERTIFICATE",
    "CERTIFICATE_KEY",
    "COMPOSE_FILE",
    "COMPOSE_PROFILES",
    "DOMAIN",
    "EDGE_SUBNET",
    "GRAFANA_PORT",
    "HUB_MIRROR",
    "PIP_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
    "DEBIAN_MIRROR",
    "MEMORY_STORE",
    "MEMORY_STREAM",
    "MEMORY_WORKER",
}
"""No function reads them."""


def documented() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_every_setting_is_documented_and_read() -> None:
    assert documented().keys() == CONTRACT | COMPOSE_ONLY
    assert {name.upper() for name in Settings.__struct_fields__} == CONTRACT


def test_the_documented_defaults_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_settings(dotenv=None, default_port=8080)
    for name, value in documented().items():
        monkeypatch.setenv(name, value)
    assert load_settings(dotenv=None) == expected


def test_the_example_is_explained_in_both_languages() -> None:
    for block in EXAMPLE.split("\n\n"):
        if re.search(r"^#?[A-Z_]+=", block, re.MULTILINE):
            assert re.search(r"[\u4e00-\u9fff]", block), block


def test_each_setting_reaches_a_function_that_reads_it() -> None:
    passed = {name for service in SERVICES.values() for name in service.get("environment", {})}
    assert passed >= CONTRACT


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_the_edges_speak_of_problems_as_the_functions_do(name: str) -> None:
    said = re.findall(r"[`'](\{\"type\":.*\})[`'] ?(\d*)", text := (ROOT / "deploy" / name).read_text(encoding="utf-8"))
    for body, _ in said:
        code = msgspec.json.decode(body)["code"]
        assert body == msgspec.json.encode(problem(code)).decode()
        assert re.search(rf"(return {problem(code).status} '|` {problem(code).status}$)", text, re.MULTILINE)
    assert {msgspec.json.decode(body)["code"] for body, _ in said} >= {"not_found", "method_not_allowed", "internal_error"}


LOCKS: Final = [ROOT / "requirements.lock", ROOT / "ui" / "deno.lock"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_no_lock_names_an_index(path: Path) -> None:
    assert "://" not in path.read_text(encoding="utf-8")
