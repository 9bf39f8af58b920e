"""The documents on security: every test they name exists, every host is told, and both languages say the same."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from shared import hosts

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ROOT / "docs/threat-model.md", ROOT / "docs/threat-model.zh-CN.md"
NAMED = re.compile(r"`((?:tests|pot-provider)/[\w./-]+)::([^`]+)`")
ROW = re.compile(r"^\| ([STRIDE]) \|(.+)\|(.+)\|(.+)\|(.+)\|$", re.MULTILINE)


def named(page: Path) -> list[tuple[str, str]]:
    return NAMED.findall(page.read_text())


@cache
def functions_in(file: str) -> frozenset[str]:
    text = (ROOT / file).read_text()
    if file.endswith(".ts"):
        return frozenset(re.findall(r'(?:Deno\.test\(|\bname: )"([^"]+)"', text))
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions)


def test_every_test_that_is_named_exists() -> None:
    assert len(named(ENGLISH)) > 80
    assert [f"{file}::{name}" for file, name in named(ENGLISH) if name not in functions_in(file)] == []


def test_every_threat_has_a_proof_and_says_what_remains() -> None:
    rows = ROW.findall(ENGLISH.read_text())
    assert len(rows) > 45
    for letter, threat, means, proof, remains in rows:
        assert NAMED.search(proof), threat
        assert means.strip(), threat
        assert remains.strip(), (letter, threat)


def test_every_part_has_a_table() -> None:
    sections = re.split(r"^### ", ENGLISH.read_text(), flags=re.MULTILINE)[1:]
    assert [section.splitlines()[0] for section in sections] == [
        *("Edge", "Analyze", "Status", "Stream", "Worker and yt-dlp", "Store", "Token service and sandbox"),
        *("Page and browser", "Proxy and the way out", "Supply chain"),
    ]
    assert all(ROW.search(section) for section in sections)


def test_both_languages_say_the_same() -> None:
    english, chinese = ENGLISH.read_text(), CHINESE.read_text()
    assert named(CHINESE) == named(ENGLISH)
    assert [row[0] for row in ROW.findall(chinese)] == [row[0] for row in ROW.findall(english)]
    for mark in ("\n## ", "\n### ", "\n| ", "\n* ", "```mermaid", "-->"):
        assert chinese.count(mark) == english.count(mark), mark


@pytest.mark.parametrize(("page", "other"), [("docs/threat-model", "threat-model"), ("SECURITY", "SECURITY")])
def test_each_page_leads_to_the_other_language(page: str, other: str) -> None:
    assert (ROOT / f"{page}.md").read_text().startswith(f"[简体中文]({other}.zh-CN.md)\n")
    assert (ROOT / f"{page}.zh-CN.md").read_text().startswith(f"[English]({other}.md)\n")


def test_the_promises_are_as_many_in_both_languages() -> None:
    english, chinese = ((ROOT / name).read_text() for name in ("SECURITY.md", "SECURITY.zh-CN.md"))
    for mark in ("\n## ", "\n* "):
        assert chinese.count(mark) == english.count(mark) > 2
    assert set(re.findall(r"`[^`]+`", chinese)) == set(re.findall(r"`[^`]+`", english))


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_every_host_that_may_be_reached_is_told(page: Path) -> None:
    text = page.read_text()
    for host in (*hosts.MEDIA, *hosts.ASSETS, *hosts.ANALYSIS):
        assert f"`{host}`" in text or f"`*.{host}`" in text, host
    for host in re.findall(r'\["([a-z.-]+)", /', (ROOT / "pot-provider/hosts.ts").read_text()):
        assert f"`{host}`" in text, host
