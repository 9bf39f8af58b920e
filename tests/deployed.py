"""The environment that each deployment gives to a part, as the part finds it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from tests.kubernetes.kustomize import built, containers

ROOT: Final = Path(__file__).parents[1]
_VARIABLE: Final = re.compile(r"\$\{([A-Z_]+)(?::([-+?])([^}]*))?\}")


def in_compose(name: str, variables: Mapping[str, str]) -> dict[str, str]:
    """By compose.yaml, where .env holds these variables."""
    service: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"][name]
    return {key: filled(str(value), variables) for key, value in service["environment"].items()}


def filled(text: str, variables: Mapping[str, str]) -> str:
    """With the variables in it replaced, as Compose does."""

    def value(match: re.Match[str]) -> str:
        name, sign, other = match.groups()
        found = variables.get(name, "")
        return (other if found else "") if sign == "+" else found or (other if sign == "-" else "")

    return _VARIABLE.sub(value, text)


def in_kubernetes(name: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """By the base of deploy/kubernetes, where the Secret holds these."""
    documents = built(ROOT / "deploy" / "kubernetes" / "base")
    (settings,) = (document["data"] for document in documents if document["kind"] == "ConfigMap")
    (container,) = (container for document in documents for container in containers(document) if container["name"] == name)
    found: dict[str, str] = dict(settings) if "envFrom" in container else {}
    for entry in container["env"]:
        if "value" in entry:
            found[entry["name"]] = entry["value"]
        elif (key := entry["valueFrom"].get("secretKeyRef", {}).get("key")) in secrets:
            found[entry["name"]] = secrets[key]
    return found
