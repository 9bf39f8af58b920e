"""What the page's sources promise: types that are the functions' own, and a sentence in both languages for every code."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from shared.problems import CATALOGUE
from tests.stack import ROOT

GENERATED: Final = ROOT / "ui/src/api/generated"
LANGUAGES: Final = ("en", "zh")


def test_the_api_types_are_what_the_functions_say_today(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/api-types.sh", tmp_path], check=True, timeout=120)
    for made in tmp_path.iterdir():
        assert (GENERATED / made.name).read_text() == made.read_text(), "scripts/api-types.sh writes them anew"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_reason_and_a_next_step(language: str) -> None:
    problems = messages(language)["problems"]
    assert set(problems) == set(CATALOGUE) | {"unreachable"}, "unreachable is the page's own: no answer at all"
    assert all(told["reason"] and told["next"] for told in problems.values())


def test_both_languages_say_the_same_things() -> None:
    assert keys(messages("en")) == keys(messages("zh"))


def messages(language: str) -> Any:
    return json.loads((ROOT / f"ui/src/language/{language}.json").read_text(encoding="utf-8"))


def keys(value: Any, prefix: str = "") -> set[str]:
    """Dotted names of all sentences."""
    if not isinstance(value, dict):
        return {prefix}
    return {name for key, inner in value.items() for name in keys(inner, f"{prefix}.{key}")}
