"""The figures that the pages quote are those of bench/results.json, and what follows from them is worked out right."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("capacity.md", "capacity.zh-CN.md")
GIB_PER_MIB: Final = 1 / 1024

PEOPLE: Final = 1000
FILE: Final = 500 * (1 << 20)
LINE: Final = 20e6
HOUR: Final = 3600
LAST_HOURS: Final = (6, 19)
"""With and without media URLs: a result ends 25 hours after its analysis."""


def measured() -> dict[tuple[str, str], tuple[float, str]]:
    """By measurement and name; a figure that begins with two spaces belongs to the one before, and is also found by both names."""
    figures = {}
    for measurement, rows in json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))["figures"].items():
        above = ""
        for row in rows:
            name = row["name"].strip()
            if row["name"].startswith("  "):
                figures[measurement, f"{name} ({above})"] = row["value"], row["unit"]
            else:
                above = re.sub(r", median$", "", name)
            figures[measurement, name] = row["value"], row["unit"]
    return figures


FIGURES: Final = measured()


def rows(page: str, heading: int) -> Iterator[list[str]]:
    """Of the table below this heading."""
    section = re.split(r"^## .+$", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE)[heading]
    for line in re.findall(r"^\| (.+) \|$", section, re.MULTILINE)[1:]:
        yield line.split(" | ")


def number(text: str) -> tuple[float, float]:
    """What is written, and half of its last digit."""
    written = text.split(" ", maxsplit=1)[0].replace(",", "")
    return float(written), 0.5 * 10 ** -len(written.partition(".")[2])


def agrees(text: str, value: float) -> bool:
    written, tolerance = number(text)
    return abs(written - value) <= tolerance * 1.001


@pytest.mark.parametrize("page", PAGES)
def test_quoted_figures_are_those_of_the_results(page: str) -> None:
    quoted = list(rows(page, 1))
    assert len(quoted) == 15
    for _, figure, source in quoted:
        found = re.fullmatch(r"`(\w+)`: (.+)", source)
        assert found is not None, source
        value, unit = FIGURES[found[1], found[2]]
        assert agrees(figure, value), (figure, value)
        assert figure.partition(" ")[2] == unit


def following() -> list[float]:
    """In the order of the table."""

    def figure(measurement: str, name: str) -> float:
        return FIGURES[measurement, name][0]

    sent = PEOPLE * FILE / (1 << 30)
    at_once = PEOPLE * (FILE * 8 / LINE) / HOUR
    fresh, kept = figure("store", "1,000 videos"), figure("store", "1,000 videos whose media URLs have ended")
    return [
        sent,
        PEOPLE * FILE * 8 / HOUR / 1e9,
        FILE * 8 / LINE,
        at_once,
        sent * figure("cpu", "sluice, TLS upstream") / HOUR,
        sent * figure("crowd", "CPU time") / HOUR,
        figure("memory", "in memory during 10 GiB, peak") + at_once * figure("crowd", "for each stream"),
        PEOPLE * figure("worker", "CPU time of one analysis, all told") / HOUR,
        (LAST_HOURS[0] * fresh + LAST_HOURS[1] * kept) * GIB_PER_MIB,
    ]


@pytest.mark.parametrize("page", PAGES)
def test_what_follows_is_worked_out_right(page: str) -> None:
    written = [figure for _, figure, _ in rows(page, 2)]
    expected = following()
    assert len(written) == len(expected)
    for text, value in zip(written, expected, strict=True):
        assert agrees(text, value), (text, value)


@pytest.mark.parametrize("page", ["redis.md", "redis.zh-CN.md"])
def test_the_page_of_the_store_quotes_the_same(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    written = re.findall(r"([\d.]+ MiB)", text)
    formats, _ = FIGURES["store", "formats of each video"]
    assert f"{formats:g}" in text
    for quoted, name in zip(written, ("1,000 videos", "1,000 videos whose media URLs have ended"), strict=True):
        assert agrees(quoted, FIGURES["store", name][0])
