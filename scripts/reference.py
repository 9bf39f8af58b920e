"""Renders the functions' OpenAPI documents as pages, in both languages: `python scripts/reference.py FOLDER`.

What the documents say is English; scripts/reference.zh.json holds the Chinese of every sentence, and one without it is an error.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from scripts.openapi import documents  # noqa: E402 - found through the line above

PAGES: Final = {"en": "api-reference.md", "zh": "api-reference.zh-CN.md"}
SENTENCES: Final = Path(__file__).with_name("reference.zh.json")
FIRST_ERROR: Final = 400
INTRODUCTION: Final = """\
Made from the functions' OpenAPI documents by `scripts/api-reference.sh`; with examples it is explained in [api.md](api.md).
Every field is always present, unknown is `null`; times are RFC 3339 UTC, sizes bytes, durations seconds, bitrates bit/s.
What each failure means: [failures.md](failures.md)."""

Say = Callable[[str], str]


def pages() -> dict[str, str]:
    """Text of each page by its name."""
    found = {name: json.loads(content) for name, content in asyncio.run(documents()).items()}
    chinese: dict[str, str] = json.loads(SENTENCES.read_text(encoding="utf-8"))

    def translated(sentence: str) -> str:
        if sentence not in chinese:
            raise SystemExit(f"{SENTENCES.name} has no Chinese for: {sentence}")
        return chinese[sentence]

    return {PAGES["en"]: render(found, lambda sentence: sentence), PAGES["zh"]: render(found, translated)}


def render(found: Mapping[str, dict[str, Any]], say: Say) -> str:
    """One page."""
    lines = [f"# {say('API reference')}", "", say("[中文](api-reference.zh-CN.md)"), "", say(INTRODUCTION)]
    schemas: dict[str, Any] = {}
    for name, document in found.items():
        schemas |= document["components"]["schemas"]
        lines += ["", f"## {name}", "", f"{say('The document itself: ')}`/v1/{name}/openapi.json`"]
        for path, methods in document["paths"].items():
            for verbs, operation in alike(methods):
                lines += ["", *described(f"{verbs} {path}", operation, say)]
    lines += ["", f"## {say('Schemas')}"]
    for name in sorted(schemas):
        lines += ["", *schema(name, schemas[name], say)]
    return "\n".join(lines) + "\n"


def alike(methods: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """GET and HEAD are one operation."""
    for verb, operation in methods.items():
        if verb != "head":
            yield "GET, HEAD" if verb == "get" and "head" in methods else verb.upper(), operation


def described(title: str, operation: Mapping[str, Any], say: Say) -> Iterator[str]:
    """One operation."""
    yield f"### `{title}`"
    yield ""
    told = [operation["summary"] + ".", operation.get("description", "")]
    yield say(" ").join(say(sentence) for sentence in told if sentence)
    yield ""
    yield f"{say('Access: ')}{say(access(operation['security']))}"
    if parameters := operation.get("parameters"):
        yield from ("", f"| {say('parameter')} | {say('where')} | {say('type')} | {say('meaning')} |", "|---|---|---|---|")
        for item in parameters:
            place = say(f"{item['in']}{', required' if item.get('required') else ''}")
            yield f"| `{item['name']}` | {place} | {kind(item['schema'], say)} | {meaning(item, say)} |"
    if body := operation.get("requestBody"):
        (content,) = body["content"].values()
        what = kind(content["schema"], say) if content["schema"] else say(body["description"])
        yield from ("", f"{say('Body: ')}{what}")
    answers, problems = parted(operation["responses"])
    yield from ("", f"| {say('answer')} | {say('body')} | {say('meaning')} |", "|---|---|---|")
    for status, answer in answers.items():
        yield f"| {status} | {body_of(answer, say)} | {say(answer['description'])} |"
    yield from ("", f"| {say('problem')} | {say('codes')} |", "|---|---|")
    for status, codes in problems.items():
        yield f"| {status} | {listed(codes)} |"


def access(security: list[dict[str, Any]]) -> str:
    """Who may ask, where there is an access key."""
    if not security:
        return "everybody"
    return f"{'a signed link, ' * ({'signature': []} in security)}the access key, or the session cookie"


def parted(responses: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Answers, and the codes of problems, by status."""
    answers = {status: response for status, response in responses.items() if int(status) < FIRST_ERROR}
    codes: dict[str, list[str]] = {}
    for status, response in responses.items():
        if int(status) >= FIRST_ERROR:
            (content,) = response["content"].values()
            codes[status] = content["schema"]["allOf"][1]["properties"]["code"]["enum"]
    return dict(sorted(answers.items())), codes


def body_of(answer: Mapping[str, Any], say: Say) -> str:
    """Media type and schema, if there is a body."""
    if not answer.get("content"):
        return "–"
    ((media_type, content),) = answer["content"].items()
    reference = content.get("schema", {}).get("$ref")
    return f"`{media_type}` {kind({'$ref': reference}, say) if reference else ''}".strip()


def schema(name: str, found: Mapping[str, Any], say: Say) -> Iterator[str]:
    """One schema and its fields."""
    yield from (f"### {name}", "", say(plain(found["description"])), "")
    yield from (f"| {say('field')} | {say('type')} | {say('meaning')} |", "|---|---|---|")
    for field, item in found["properties"].items():
        yield f"| `{field}` | {kind(item, say)} | {meaning(item, say)} |"


def meaning(item: Mapping[str, Any], say: Say) -> str:
    """What is said of it, if anything."""
    return say(item["description"]) if item.get("description") else ""


def kind(item: Mapping[str, Any], say: Say) -> str:
    """The type as people write it."""
    if "$ref" in item:
        name = item["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if either := item.get("anyOf") or item.get("oneOf"):
        return f" {say('or')} ".join(kind(one, say) for one in either)
    if "enum" in item:
        return listed(item["enum"])
    if item.get("type") == "array":
        return f"{say('list of ')}{kind(item['items'], say)}"
    return f"{say(item['type'])}{bounds(item)}"


def bounds(item: Mapping[str, Any]) -> str:
    """Of a number."""
    return f" ({item['minimum']:g}–{item['maximum']:g})" if "minimum" in item and "maximum" in item else ""


def listed(values: list[str]) -> str:
    """Each as code."""
    return ", ".join(f"`{value}`" for value in values)


def plain(text: str) -> str:
    """Docstrings are written for another renderer."""
    return text.replace("``", "`").replace(":class:", "")


if __name__ == "__main__":
    for name, text in pages().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
