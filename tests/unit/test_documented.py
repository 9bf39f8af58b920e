"""What the documentation says of settings, failures, answers and the store is what the code says."""

import asyncio
import json
import re
from typing import Final, get_args

import msgspec
import pytest

from functions.analyze.extraction.outcome import FINAL
from functions.analyze.extraction.strategies import LADDERS, PASSING
from functions.stream.merge.errors import SENTENCES
from scripts import openapi, reference
from shared.problems import CATALOGUE, problem
from shared.schemas import Format, Phase, Problem
from shared.settings import Settings
from tests.documentation import CHINESE, DOCS, names, read
from tests.stack import ROOT


@pytest.mark.parametrize("name", ["docs/settings.md", "docs/settings.zh-CN.md"])
def test_the_table_of_settings_is_the_settings(name: str) -> None:
    documented = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    told = {row[0].strip("`"): row[1] for row in read(ROOT / name).rows}
    assert told.keys() == {field.upper() for field in Settings.__struct_fields__}
    for setting, cell in told.items():
        assert bool(documented[setting]) == (cell.startswith("`") and "PUBLIC_URL" not in cell), setting
        assert not documented[setting] or cell == f"`{documented[setting]}`", setting


FAILURES: Final = {"en": "docs/failures.md", "zh": f"docs/failures{CHINESE}"}
TRIED_BEFORE_IT_IS_TOLD: Final = {"source_refused", "source_timeout", "source_unreadable"}


def failures(language: str) -> dict[str, list[str]]:
    rows = [row for row in read(ROOT / FAILURES[language]).rows if re.fullmatch(r"`\w+`", row[0])]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.parametrize("language", FAILURES)
def test_the_table_of_failures_is_the_catalogue(language: str) -> None:
    page = json.loads((ROOT / f"ui/src/language/{language}.json").read_text(encoding="utf-8"))["problems"]
    told = failures(language)
    assert told.keys() == CATALOGUE.keys()
    for code, (status, meaning, _, person, operator) in told.items():
        kind = CATALOGUE[code]
        assert (status, meaning) == (str(kind.status), kind.title if language == "en" else kind.title_zh), code
        assert person == page[code]["next"], code
        assert operator, code


def test_what_is_retried_is_what_the_worker_and_the_relay_retry() -> None:
    retried = {code: cells[2] for code, cells in failures("en").items()}
    assert {code for code, said in retried.items() if said.endswith("final at once")} == FINAL
    again = {code for code, said in retried.items() if "yes" in said}
    assert again == set(LADDERS) | PASSING | TRIED_BEFORE_IT_IS_TOLD | {"sabr_only"}
    pairs = {(english[2], chinese[2]) for english, chinese in zip(*map(dict.values, map(failures, FAILURES)), strict=True)}
    assert len(pairs) == len(set(retried.values())), "the Chinese table says the same"


@pytest.mark.parametrize("language", FAILURES)
def test_every_reason_why_two_files_cannot_be_one_is_told(language: str) -> None:
    assert {row[0] for row in read(ROOT / FAILURES[language]).rows} >= set(SENTENCES.values())


@pytest.mark.parametrize("name", ["docs/api.md", f"docs/api{CHINESE}"])
def test_the_examples_of_json_are_what_the_schemas_say(name: str) -> None:
    shown = [block.text for block in read(ROOT / name).blocks if block.language == "json"]
    for text, schema in zip(shown, (Format, Problem), strict=True):
        assert json.loads(text) == msgspec.to_builtins(msgspec.json.decode(text, type=schema)), "no field too many, none too few"
    told = msgspec.json.decode(shown[1], type=Problem)
    assert told == problem(told.code)


def test_every_operation_has_an_example_that_is_run() -> None:
    documents = [json.loads(document) for document in asyncio.run(openapi.documents()).values()]
    operations = {(path, method) for document in documents for path, methods in document["paths"].items() for method in methods}
    commands = [line.command for block in read(DOCS / "api.md").blocks if block.language == "sh" for line in block.lines]
    for path, method in operations:
        if method == "head":  # of a GET
            continue
        address = re.compile(re.sub(r"\{\w+\}", r"[^/?\" ]+", path) + r"(?=[?\" ]|$)")
        asked = [command for command in commands if address.search(command)]
        assert any(method_of(command) == method for command in asked), (method, path)


def method_of(command: str) -> str:
    """What curl does with these options."""
    if named := re.search(r" -X (\w+)", command):
        return named[1].lower()
    return "post" if " --json " in command else "head" if " -I " in command else "get"


@pytest.mark.parametrize("name", ["docs/api.md", f"docs/api{CHINESE}"])
def test_every_phase_is_explained(name: str) -> None:
    first = [names(row[0]) for row in read(ROOT / name).rows]
    assert [[phase] for phase in get_args(Phase)] == [cell for cell in first if cell and cell[0] in get_args(Phase)]


def test_the_reference_is_what_the_functions_say_today() -> None:
    for name, text in reference.pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "scripts/api-reference.sh writes it anew"


KEY: Final = re.compile(r"""f?['"]((?:task|trail|queue|inflight|media|sources|layout|leases|rate|tags|workers):[a-z:]*)""")


def test_every_key_of_the_store_is_described() -> None:
    sources = [*(ROOT / "shared/store/lua").glob("*.lua"), ROOT / "shared/store/store.py"]
    used = {key for path in sources for key in KEY.findall(path.read_text(encoding="utf-8"))}
    for name in ("docs/architecture.md", f"docs/architecture{CHINESE}"):
        told = {key.partition("{")[0] for row in read(ROOT / name).rows for key in names(row[0])}
        assert used - told == set(), name
        assert {key for key in told if ":" in key and not key.startswith("dramatiq")} <= used, name
