"""The pages of the documentation agree with each other and with their other language, and what they name exists."""

import json
import re
import subprocess
from collections.abc import Iterable
from typing import Final

import pytest
import yaml  # type: ignore[import-untyped]

from shared.settings import Settings
from tests.documentation import CHINESE, DOCS, IMAGES, Block, Page, names, pages, read, without_comment
from tests.stack import ROOT

PAGES: Final = pages()
COMMENTED: Final = frozenset({"sh", "console", "nginx", "yaml", "caddyfile", "ini", "toml"})

every_page: Final = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
every_english_page: Final = pytest.mark.parametrize(
    "page", [page for page in PAGES if not page.is_chinese], ids=lambda page: page.name
)


@every_english_page
def test_both_languages_have_the_same_parts(page: Page) -> None:
    chinese = read(page.companion)
    assert [level for level, _ in page.headings] == [level for level, _ in chinese.headings]
    assert len(page.rows) == len(chinese.rows)
    assert [names(row[0]) for row in page.rows] == [names(row[0]) for row in chinese.rows]
    assert list(map(bare, page.blocks)) == list(map(bare, chinese.blocks))


def bare(block: Block) -> tuple[str, object]:
    """What both languages share of a block: all but comments; of a diagram its shape."""
    if block.language == "mermaid":
        return block.language, len(block.text.splitlines())
    lines = block.text.splitlines()
    kept = [without_comment(line) for line in lines] if block.language in COMMENTED else lines
    return block.language, [" ".join(line.split()) for line in kept if line.strip()]


@every_page
def test_each_page_leads_to_its_other_language(page: Page) -> None:
    assert f"]({page.companion.name})" in "\n".join(page.text.splitlines()[:3])


CHINESE_PAGES: Final = [page for page in PAGES if page.is_chinese]
_NOT_WORDS: Final = re.compile(r"`[^`\n]*`|\]\([^)\s]*\)|<[^>\n]+>")
_HALF_WIDTH: Final = re.compile(r".{0,12}[\u4e00-\u9fff]\**[,:;()].{0,12}")
_BOLD_WITHOUT_END: Final = re.compile(r"\*\*[^*\n]+[。，：；）]\*\*\w")


@pytest.mark.parametrize("page", CHINESE_PAGES, ids=lambda page: page.name)
def test_chinese_has_marks_of_its_own_width(page: Page) -> None:
    """Code, addresses and markup keep theirs. Bold that ends in such a mark needs a space, or Markdown does not end it."""
    words = _NOT_WORDS.sub("", page.prose)
    assert _HALF_WIDTH.findall(words) == []
    assert _BOLD_WITHOUT_END.findall(words) == []


@every_page
def test_no_link_is_dead(page: Page) -> None:
    for link in page.links:
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), link
        assert not anchor or anchor in read(path).anchors, link
        is_of_other_language = path.suffix == ".md" and path.name.endswith(CHINESE) != page.is_chinese
        assert path == page.companion or not is_of_other_language or not Page(path, "").companion.exists(), link


@every_page
def test_each_block_says_what_it_is(page: Page) -> None:
    assert all(block.language for block in page.blocks), "a fence without a language"
    assert page.text.count("```") == 2 * len(page.blocks), "a fence that is not closed"
    for block in page.blocks:
        if block.language == "json":
            json.loads(block.text)


def test_every_page_is_in_the_index() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        index = read(DOCS / name)
        there = {page.path.name for page in PAGES if page.path.parent == DOCS and page.is_chinese == index.is_chinese}
        assert there - set(index.links) == {name}


def test_the_pictures_are_few_and_small_and_shown() -> None:
    shown = {link for page in PAGES for link in page.links if link.endswith(".png")}
    found = sorted(IMAGES.iterdir())
    assert {f"docs/images/{path.name}" for path in found} == shown
    assert len(found) <= 4
    for path in found:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 150_000, path.name


def test_every_picture_and_page_can_be_taken_along() -> None:
    """Nothing on a page is loaded from elsewhere."""
    loaded = [link for page in PAGES for link in re.findall(r'(?:!\[[^\]]*\]\(|src=")([^)"\s]+)', page.prose)]
    assert [link for link in loaded if "://" in link] == []


# -- commands that cannot be run here ----------------------------------------------------------------------------------------

CONSOLE: Final = [
    (page, line.command) for page in PAGES for block in page.blocks if block.language == "console" for line in block.lines
]
SUBCOMMANDS: Final = frozenset({"exec", "logs", "restart", "up", "build", "pull", "run", "ps", "stop", "start", "rm", "kill"})
OF_OTHERS: Final = frozenset(
    {"CI", "COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME", "DOCKER_HOST", "KUBECONFIG", "VERSION"}
)
"""Variables that are no settings of this system."""


def build_arguments() -> set[str]:
    """Of the images."""
    paths = [path for path in ROOT.glob("*/**/Dockerfile") if "node_modules" not in path.parts]
    return {name for path in paths for name in re.findall(r"^ARG (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}


def services() -> set[str]:
    return {name for path in ROOT.glob("compose*.yaml") for name in yaml.safe_load(path.read_text(encoding="utf-8"))["services"]}


@pytest.mark.parametrize(("page", "command"), CONSOLE, ids=lambda item: item.name if isinstance(item, Page) else item)
def test_what_a_command_names_exists(page: Page, command: str) -> None:
    words = command.split()
    for variable in re.findall(r"(?:^|\s)([A-Z][A-Z0-9_]+)=", command):
        assert variable.lower() in Settings.__struct_fields__ or variable in OF_OTHERS | build_arguments(), variable
    for path in named_files(words):
        assert (ROOT / path).exists(), path
    if words[:2] == ["docker", "compose"]:
        assert set(named_services(words[2:])) <= services(), command
    if words[0] == "make":
        assert words[1] in re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def named_files(words: Iterable[str]) -> list[str]:
    """Words that begin with a folder of this repository."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    bare_words = (word.strip("'\",").removeprefix("./") for word in words)
    return [word for word in bare_words if "/" in word and word.partition("/")[0] in folders and not re.search(r"[$<>*{]", word)]


def named_services(words: list[str]) -> list[str]:
    """What follows a subcommand of Compose and its options, as far as it is services; after `exec` and `run` that is one."""
    at = next((index for index, word in enumerate(words) if word in SUBCOMMANDS), None)
    if at is None:
        return []
    found = []
    for word in words[at + 1 :]:
        if word in {"|", "&&", ">", "<", ";"}:
            break
        if not word.startswith("-") and not re.search(r"[=/.\d$]", word):
            found.append(word)
    return found[:1] if words[at] in {"exec", "run"} else found


def test_the_shell_understands_every_block() -> None:
    for page in PAGES:
        for block in page.blocks:
            if block.language in {"sh", "console"}:
                script = block.text if "$ " not in block.text else "\n".join(line.command for line in block.lines)
                checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
                assert checked.returncode == 0, (page.name, checked.stderr)
