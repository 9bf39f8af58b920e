"""What the first visit costs, and that nothing waits for the system behind it."""

import gzip
import json
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Route, expect

from tests.browsing import opened
from tests.stack import ROOT

DIST: Final = ROOT / "ui/dist"
BUDGET: Final = 120_000
"""Bytes of JavaScript, compressed, that are loaded at once."""


def test_the_first_load_is_within_its_budget() -> None:
    manifest = json.loads((DIST / ".vite/manifest.json").read_text())
    wanted, loaded = ["index.html"], set[str]()
    while wanted:
        entry: dict[str, Any] = manifest[wanted.pop()]
        if entry["file"] not in loaded:
            loaded.add(entry["file"])
            wanted += entry.get("imports", [])
    weight = sum(len(gzip.compress((DIST / file).read_bytes())) for file in loaded if file.endswith(".js"))
    assert weight <= BUDGET
    lazy = {name for name, entry in manifest.items() if entry.get("isDynamicEntry")}
    assert {
        f"src/components/{name}.vue" for name in ("SettingsDialog", "HistoryDialog", "PreviewDialog", "OfferMenu", "SignIn")
    } <= lazy


def test_it_is_there_before_the_system_answers(browser: Browser, address: str) -> None:
    with browser.new_context(locale="en") as context:
        page = context.new_page()
        held: list[Route] = []
        page.route("**/v1/**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright writes on what it is given
        page.goto(address)
        expect(page.get_by_role("textbox")).to_be_focused()
        assert len(held) == 1
        held[0].abort()


def test_on_a_slow_line_it_shows_that_it_is_at_work(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        network = page.context.new_cdp_session(page)
        network.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 1500, "downloadThroughput": 50_000, "uploadThroughput": 50_000},
        )
        page.get_by_role("textbox").fill("https://example.com/")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Go")).to_have_attribute("aria-busy", "true")
        expect(page.get_by_text("unsupported_url")).to_be_visible()
        expect(page.get_by_role("button", name="Go")).to_have_attribute("aria-busy", "false")


def test_it_can_be_installed(address: str) -> None:
    answer = httpx.get(f"{address}manifest.webmanifest", trust_env=False)
    assert answer.headers["content-type"].startswith("application/manifest+json")
    manifest = answer.json()
    assert manifest["share_target"]["params"]["url"] == "url"
    for icon in manifest["icons"]:
        found = httpx.get(address + icon["src"], trust_env=False)
        assert found.headers["content-type"] == icon["type"]


def test_the_policy_allows_nothing_but_the_page_itself(address: str) -> None:
    policy = httpx.get(address, trust_env=False).headers["content-security-policy"]
    assert policy == "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    assert policy in (ROOT / "deploy/Caddyfile").read_text()
