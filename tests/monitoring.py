"""What deploy/monitoring and docs/monitoring.md hold, read for tests."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "deploy" / "monitoring"
DOCUMENTS: Final = (ROOT / "docs" / "monitoring.md", ROOT / "docs" / "monitoring.zh-CN.md")
DASHBOARD: Final = FOLDER / "grafana" / "dashboards" / "sluice.json"
_ROW: Final = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<type>counter|gauge|histogram) \| (?P<labels>[^|]+) "
    r"\| (?P<unit>[^|]+) \| (?P<origin>[^|]+) \| (?P<meaning>.+) \|$",
    re.MULTILINE,
)
_LABEL: Final = re.compile(r"`(\w+)`")


class Row(NamedTuple):
    """One metric of the list."""

    type: str
    labels: tuple[str, ...]
    unit: str
    origin: str
    meaning: str


def listed(document: Path) -> dict[str, Row]:
    """By name, in the order of the list."""
    return {
        match["name"]: Row(match["type"], tuple(_LABEL.findall(match["labels"])), match["unit"], match["origin"], match["meaning"])
        for match in _ROW.finditer(document.read_text(encoding="utf-8"))
    }


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """The dashboard's, rows included."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Where it stands, and the query: all of the dashboard and of the alerts."""
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")
    for rule in rules():
        yield rule["alert"], rule["expr"]


def tool(name: str) -> str:
    """The path of a program; the test that needs it is left out where it is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
