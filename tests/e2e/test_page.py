"""The one command on the real tree, as a person uses it: a browser, a link, real progress, a file."""

import hashlib
import json
import re

import httpx
from playwright.sync_api import Browser, Page, Route, expect

from tests.browsing import PATIENCE_MS, opened, paste
from tests.youtube import YouTube, catalogue

MERGE = {
    "format_id": "401+140",
    "video_format_id": "401",
    "audio_format_id": "140",
    "container": "mp4",
    "extension": "mp4",
    "resolution": "2160p60",
    "size": 5_000_000_000,
    "is_size_exact": False,
    "version": None,
    "filename": "merged.mp4",
}
PASTING = """(text) => {
  const data = new DataTransfer();
  data.setData('text/plain', text);
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}"""
DROPPING = """(text) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.setData('text/plain', text);
  document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
}"""


def ready(page: Page, title: str) -> None:
    """The result is there."""
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("tab")).to_have_count(3)


def test_from_a_pasted_link_to_a_file(page: Page, youtube: YouTube) -> None:
    page.evaluate(PASTING, f"https://youtu.be/{catalogue.ORDINARY}")
    ready(page, "An ordinary video")
    expect(page).to_have_url(re.compile(rf"/\?v={catalogue.ORDINARY}$"))
    expect(page).to_have_title("An ordinary video · Sluice")
    best, *_ = page.get_by_role("link", name="Download").all()
    with page.expect_download() as downloading:
        best.click()
    saved = downloading.value
    assert saved.suggested_filename.startswith("An ordinary video [ordinary-01] 4320p60 HDR10 AV1")
    parts = [youtube.media(catalogue.ORDINARY, itag).size for itag in ("702", "140")]
    assert sum(parts) * 0.99 < saved.path().stat().st_size < sum(parts) * 1.05  # picture and sound in one file
    with page.expect_download() as downloading:
        page.locator("a[data-format='18']").last.click()
    saved = downloading.value
    assert saved.suggested_filename == "An ordinary video [ordinary-01] 360p.mp4"
    assert hashlib.sha256(saved.path().read_bytes()).hexdigest() == youtube.media(catalogue.ORDINARY, "18").sha256()
    assert not youtube.requests.leaving


def test_progress_is_shown_and_never_goes_back(page: Page, youtube: YouTube) -> None:
    page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => {
            const bar = document.querySelector('[role=progressbar]');
            if (bar) window.seen.push(Number(bar.getAttribute('aria-valuenow')));
          }).observe(document.body, { subtree: true, childList: true, attributes: true });
        }"""
    )
    paste(page, catalogue.CHAPTERS)
    expect(page.get_by_role("heading", name="Analysing the video")).to_be_visible()
    ready(page, "In chapters")
    seen = page.evaluate("window.seen")
    assert len(set(seen)) > 1
    assert seen == sorted(seen)
    expect(page.get_by_text('Middle & "quotes"')).to_be_visible()


def test_a_shared_address_reload_and_back_come_to_the_same_result(browser: Browser, address: str, youtube: YouTube) -> None:
    with opened(browser, address, f"?v={catalogue.ORDINARY}") as page:
        ready(page, "An ordinary video")
        page.reload()
        ready(page, "An ordinary video")
        page.get_by_role("link", name="All videos").click()
        expect(page.get_by_role("textbox")).to_be_focused()
        page.go_back()
        ready(page, "An ordinary video")
        page.go_forward()
        expect(page.get_by_role("textbox")).to_be_focused()


def test_what_another_application_shares_is_taken(browser: Browser, address: str, youtube: YouTube) -> None:
    with opened(browser, address, f"?title=Look&text=Look:%20https://youtu.be/{catalogue.ORDINARY}") as page:
        ready(page, "An ordinary video")
    with opened(browser, address, f"?url=https://youtu.be/{catalogue.ORDINARY}") as page:
        ready(page, "An ordinary video")


def test_several_links_become_a_list_over_one_stream(page: Page, youtube: YouTube) -> None:
    page.evaluate(DROPPING, f"https://youtu.be/{catalogue.QUICK}\nhttps://youtu.be/{catalogue.CAPTIONS} https://youtu.be/nonsense")
    rows = page.get_by_role("region", name="In this window").get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("A quick video", timeout=PATIENCE_MS)
    expect(rows.nth(1)).to_contain_text("With captions", timeout=PATIENCE_MS)
    expect(rows.nth(2)).to_contain_text("not the link of a YouTube video")
    rows.nth(1).get_by_role("link").click()
    ready(page, "With captions")
    subtitles = page.get_by_role("region", name="Subtitles").get_by_role("listitem")
    expect(subtitles).to_have_count(3)
    link = subtitles.first.get_by_role("link", name="SRT").get_attribute("href")
    assert link
    assert httpx.get(page.url.split("/?")[0] + link).text.startswith("1\n")


def test_where_events_are_refused_it_asks_instead(page: Page, youtube: YouTube) -> None:
    page.route("**/v1/status/events?*", lambda route: route.abort())
    paste(page, catalogue.UNKNOWN_LENGTH)
    ready(page, "Nobody knows how long")


def test_a_refusal_has_a_reason_a_next_step_and_its_code(page: Page, youtube: YouTube) -> None:
    paste(page, catalogue.PRIVATE)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The video is private.", timeout=PATIENCE_MS)
    expect(alert).to_contain_text("video_private")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Analysing the video")).to_be_visible()
    expect(alert).to_contain_text("Only its owner can share it.", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Another video").click()
    expect(page.get_by_role("textbox")).to_be_focused()


def test_what_is_missing_is_told(page: Page, youtube: YouTube) -> None:
    paste(page, catalogue.SEGMENTED)
    ready(page, "Partly segmented")
    expect(page.get_by_role("region", name="This list may be incomplete")).to_contain_text("only in segments")


def test_filters_and_sorting(browser: Browser, address: str, youtube: YouTube) -> None:
    with opened(browser, address, f"?v={catalogue.ORDINARY}") as page:
        page.get_by_role("tab", name="Video only").click()
        page.get_by_label("Codec").select_option("H.264")
        page.get_by_label("Resolution").select_option("1080p")
        expect(page.get_by_role("row").filter(has=page.get_by_role("cell"))).to_have_count(2)
        page.get_by_role("button", name="Show all").click()
        page.get_by_role("button", name="Size").click()
        expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")


def test_preferences_and_history_stay_on_this_device(browser: Browser, address: str, youtube: YouTube) -> None:
    with opened(browser, address, f"?v={catalogue.ORDINARY}") as page:
        ready(page, "An ordinary video")
        page.get_by_role("button", name="Settings").click()
        page.get_by_role("radio", name="Dark").click()
        page.get_by_role("radio", name="中文").click()
        page.keyboard.press("Escape")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="历史记录").click()
        visits = page.get_by_role("dialog").get_by_role("listitem")
        expect(visits).to_have_count(1)
        page.get_by_role("button", name="清除历史记录").click()
        expect(page.get_by_role("dialog")).to_contain_text("打开过的视频会出现在这里。")


def test_chinese_is_a_first_class_language(browser: Browser, address: str, youtube: YouTube) -> None:
    with opened(browser, address, locale="zh-CN") as page:
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        paste(page, catalogue.PRIVATE)
        expect(page.get_by_role("alert")).to_contain_text("该视频为私享视频。", timeout=PATIENCE_MS)
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("alert")).to_contain_text("The video is private.")


def test_merged_files_come_first_where_there_are_some(browser: Browser, address: str, youtube: YouTube) -> None:
    def merging(route: Route) -> None:
        answer = route.fetch()
        task = answer.json()
        media = task["result"]
        if media is not None:
            merge = MERGE | {"stream_url": f"/v1/stream/{media['media_id']}/401+140"}
            media["merges"] = [merge]
            media["recommended"] = [{"kind": "best", "format_id": "401+140"}, *media["recommended"][1:]]
        route.fulfill(response=answer, body=json.dumps(task))

    with opened(browser, address, f"?v={catalogue.ORDINARY}") as page:
        ready(page, "An ordinary video")
        page.route("**/v1/analyze", merging)
        page.reload()
        best = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Best quality"))
        expect(best).to_contain_text("2160p60")
        expect(best).to_contain_text("AV1 + AAC · MP4")
        expect(best).to_contain_text("≈ 5 GB")
        expect(page.get_by_role("row", name="merged")).to_be_visible()
