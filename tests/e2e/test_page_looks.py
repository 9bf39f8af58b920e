"""What the page looks like in every state: in both languages and both themes, on a phone and a desk; accessible in each.

The screenshots stay in ``.cache/page``, to be looked at.
"""

import json
import re
from typing import Any, Final

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.problems import CATALOGUE, problem
from tests.browsing import PATIENCE_MS, assert_accessible, opened, paste, shoot
from tests.stack import ROOT
from tests.youtube import Fault, Stall, Track, YouTube, catalogue

DEVICES: Final[dict[str, dict[str, Any]]] = {
    "desk-en-light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", "locale": "en"},
    "desk-zh-dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark", "locale": "zh-CN"},
    "phone-zh-light": {"viewport": {"width": 360, "height": 760}, "color_scheme": "light", "locale": "zh-CN", "has_touch": True},
    "phone-en-dark": {"viewport": {"width": 360, "height": 760}, "color_scheme": "dark", "locale": "en", "has_touch": True},
    "wide-en-light": {"viewport": {"width": 2560, "height": 1300}, "color_scheme": "light", "locale": "en"},
}
LONG: Final = "Ein Titel, der " + "sehr " * 30 + "lang ist, und " + "Donaudampfschifffahrtsgesellschaft" * 4
RIGHT_TO_LEFT: Final = "مرحبا بالعالم: درس في البرمجة (الجزء 2) – HTML من الصفر"


def seen(page: Page, name: str) -> None:
    """Looked at, found accessible, and no wider than the device."""
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    shoot(page, name)


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def result(page: Page) -> None:
    expect(page.get_by_role("tab")).to_have_count(3, timeout=PATIENCE_MS)


def test_start_lists_and_dialogs(browser: Browser, address: str, youtube: YouTube, device: str) -> None:
    with opened(browser, address, **DEVICES[device]) as page:
        expect(page.get_by_role("textbox")).to_be_focused()
        seen(page, f"{device}-start")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        paste(page, "https://example.com/")
        expect(page.get_by_text("unsupported_url")).to_be_visible()
        seen(page, f"{device}-refused-link")
        paste(page, f"https://youtu.be/{catalogue.QUICK} https://youtu.be/{catalogue.REMOVED} https://youtu.be/nonsense")
        rows = page.get_by_role("main").get_by_role("listitem")
        expect(rows).to_have_count(3)
        expect(rows.first).to_contain_text("A quick video", timeout=PATIENCE_MS)
        expect(rows.nth(1).get_by_role("button")).to_be_visible(timeout=PATIENCE_MS)
        seen(page, f"{device}-list")
        header = page.get_by_role("banner").get_by_role("button")
        for index, name in [(1, "history"), (2, "settings")]:
            header.nth(index).click()
            expect(page.get_by_role("dialog")).to_be_visible()
            seen(page, f"{device}-{name}")
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)


def test_results(browser: Browser, address: str, youtube: YouTube, device: str) -> None:
    with opened(browser, address, f"?v={catalogue.ORDINARY}", **DEVICES[device]) as page:
        result(page)
        seen(page, f"{device}-result")
        page.get_by_role("tab").nth(1).click()
        seen(page, f"{device}-formats")
        page.get_by_role("tab").nth(1).scroll_into_view_if_needed()
        page.mouse.wheel(0, 600)
        seen(page, f"{device}-formats-scrolled")
        page.locator("button[aria-haspopup=menu]").first.click()
        expect(page.get_by_role("menuitem")).to_have_count(5)
        seen(page, f"{device}-menu")
        page.keyboard.press("Escape")
    with opened(browser, address, f"?v={catalogue.SEGMENTED}", **DEVICES[device]) as page:
        result(page)
        seen(page, f"{device}-degraded")
    with opened(browser, address, f"?v={catalogue.CAPTIONS}", **DEVICES[device]) as page:
        result(page)
        page.keyboard.press("End")
        seen(page, f"{device}-subtitles")


FAILING: Final = [
    *(catalogue.PRIVATE, catalogue.REMOVED, catalogue.UNAVAILABLE, catalogue.AGE_RESTRICTED, catalogue.GEO_BLOCKED),
    *(catalogue.MEMBERS_ONLY, catalogue.DRM, catalogue.LIVE, catalogue.UPCOMING, catalogue.RATE_LIMITED, catalogue.CAPTCHA),
]


@pytest.mark.parametrize("video", FAILING)
def test_failures(browser: Browser, address: str, youtube: YouTube, video: str) -> None:
    device = list(DEVICES)[FAILING.index(video) % len(DEVICES)]
    with opened(browser, address, f"?v={video}", **DEVICES[device]) as page:
        expect(page.get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)
        seen(page, f"{device}-failed-{video}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_is_told_in_the_language_of_the_page(browser: Browser, address: str, language: str) -> None:
    problems = json.loads((ROOT / f"ui/src/language/{language}.json").read_text(encoding="utf-8"))["problems"]
    refused = {"body": "", "status": 500}
    with opened(browser, address, locale=language) as page:
        page.route("**/v1/analyze", lambda route: route.fulfill(**refused, content_type="application/problem+json"))
        for code, kind in CATALOGUE.items():
            if code != "unauthorized":  # asks for the key instead
                refused |= {"body": msgspec.json.encode(problem(code)).decode(), "status": kind.status}
                paste(page, catalogue.ORDINARY)
                alert = page.get_by_role("alert").filter(has_text=code)
                expect(alert).to_contain_text(problems[code]["reason"])
                expect(alert).to_contain_text(problems[code]["next"])
        page.unroute("**/v1/analyze")
        page.route("**/v1/analyze", lambda route: route.abort())
        paste(page, catalogue.ORDINARY)
        expect(page.get_by_role("alert")).to_contain_text(problems["unreachable"]["reason"])


def test_progress_and_a_wait_between_attempts(browser: Browser, address: str, youtube: YouTube) -> None:
    device = DEVICES["desk-en-light"]
    youtube.fault(Fault("page", Stall(), times=1))
    with opened(browser, address, f"?v={catalogue.WAS_LIVE}", **device) as page:
        expect(page.get_by_role("progressbar")).to_be_visible()
        seen(page, "desk-en-light-progress")
    with opened(browser, address, f"?v={catalogue.BOT_CHECK}", **DEVICES["phone-en-dark"]) as page:
        expect(page.get_by_text(re.compile("The last attempt failed"))).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("Attempt 1 of 2")).to_be_visible()
        seen(page, "phone-en-dark-waiting")


def test_hundreds_of_formats_and_long_titles(browser: Browser, address: str, youtube: YouTube) -> None:
    tracks = tuple(Track(audio_id=f"{code}.3", name=f"Language {code}") for code in languages(125))
    youtube.edit(catalogue.LANGUAGES, title=LONG, author="Kanal " * 20, tracks=tracks)
    youtube.edit(catalogue.POST_LIVE, title=RIGHT_TO_LEFT, author="قناة")
    with opened(browser, address, f"?v={catalogue.LANGUAGES}", **DEVICES["phone-en-dark"]) as page:
        result(page)
        seen(page, "phone-en-dark-long-title")
        page.get_by_role("tab").nth(2).click()
        expect(page.get_by_role("tab").nth(2)).to_contain_text("500")
        rows = page.get_by_role("rowheader")
        expect(rows).to_have_count(500)
        seen(page, "phone-en-dark-500")
        page.get_by_label("Sort by").select_option("size up")
        page.get_by_label("Language").select_option(index=3)
        expect(rows).to_have_count(4)
    with opened(browser, address, f"?v={catalogue.POST_LIVE}", **DEVICES["desk-en-light"]) as page:
        result(page)
        expect(page.get_by_role("heading", level=1).locator("bdi")).to_have_text(RIGHT_TO_LEFT)
        seen(page, "desk-en-light-right-to-left")


def languages(count: int) -> list[str]:
    """Tags that nobody speaks are as long as others."""
    return [f"{first}{second}" for first in "abcdefgh" for second in "abcdefghijklmnopqrstuvwxyz"][:count]


def test_the_keyboard_alone(page: Page, youtube: YouTube) -> None:
    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText).trim()"
            ).startswith(name):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", (
                    f"{name}: focus is not visible"
                )
                return
        raise AssertionError(f"no way to {name}")

    page.keyboard.type(catalogue.QUICK)
    page.keyboard.press("Enter")
    result(page)
    tab_to("Download 360p")
    with page.expect_download():
        page.keyboard.press("Enter")
    tab_to("More for 360p")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Preview")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    tab_to("Video + audio")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Video only")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+Tab")
    page.goto(page.url)
    result(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
