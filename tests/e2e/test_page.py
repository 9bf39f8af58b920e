"""The one command on the real tree, as a person uses it: a browser, a link, real progress, a file."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.e2e.conftest import environment
from tests.stack import ROOT
from tests.valkey import free_port
from tests.youtube import YouTube, catalogue

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
"""Any of them is enough, as scripts/system-tools.sh says."""

QUIET: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE_MS: Final = 60_000


@pytest.fixture(scope="module")
def address(_youtube: YouTube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python -m functions`, as `make run` starts it."""
    folder = tmp_path_factory.mktemp("one-command")
    port = free_port()
    settings = {"PORT": str(port), "XDG_STATE_HOME": str(folder), "HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "output.log").open("wb") as output:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "functions"],
            cwd=ROOT,
            env={**settings, **environment(_youtube)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _ready(f"http://127.0.0.1:{port}/healthz", folder / "output.log", launcher)
        yield f"http://127.0.0.1:{port}/"
    finally:
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(timeout=60) == 0, (folder / "output.log").read_text()


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(120), wait=wait_fixed(0.2), reraise=True)
def _ready(address: str, log: Path, launcher: "subprocess.Popen[bytes]") -> None:
    assert launcher.poll() is None, log.read_text()
    assert httpx.get(address, trust_env=False).status_code == 200
    if "Sluice is ready" not in log.read_text():
        raise httpx.ConnectError("not ready yet")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        installed = next(filter(None, map(shutil.which, BROWSERS)), None)
        if installed is None:
            pytest.skip("no browser is installed")
        chromium = playwright.chromium.launch(executable_path=installed, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(locale="en")
    opened.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(address)
    yield opened
    opened.close()
    assert complaints == []


def paste(page: Page, link: str) -> None:
    page.get_by_role("textbox").fill(link)
    page.keyboard.press("Enter")


def test_from_a_link_to_a_file(page: Page, youtube: YouTube) -> None:
    paste(page, f"https://youtu.be/{catalogue.ORDINARY}")
    expect(page.get_by_role("heading", name="An ordinary video")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("table")).to_have_count(3)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").first.click()
    saved = downloading.value
    assert saved.suggested_filename == "An ordinary video [ordinary-01] 360p.mp4"
    assert hashlib.sha256(saved.path().read_bytes()).hexdigest() == youtube.media(catalogue.ORDINARY, "18").sha256()
    assert not youtube.requests.leaving


def test_a_refusal_is_a_sentence_with_its_code(page: Page, youtube: YouTube) -> None:
    paste(page, catalogue.PRIVATE)
    expect(page.get_by_text("video_private")).to_be_visible(timeout=PATIENCE_MS)


def test_chinese_is_a_first_class_language(browser: Browser, address: str, youtube: YouTube) -> None:
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        paste(page, catalogue.PRIVATE)
        expect(page.get_by_text("该视频为私享视频。")).to_be_visible(timeout=PATIENCE_MS)
