"""The page in the system's Chromium, as people use it: what tests of it share."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.stack import ROOT
from tests.valkey import free_port

PATIENCE_MS: Final = 60_000
SHOTS: Final = ROOT / ".cache" / "page"
"""Where screenshots go, to be looked at."""

QUIET: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_AXE: Final = ROOT / "ui/node_modules/axe-core/axe.min.js"


@contextmanager
def running_page(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """`python -m functions`, as `make run` starts it; its address, with a slash at the end."""
    port = free_port()
    surroundings = {"PORT": str(port), "XDG_STATE_HOME": str(folder), "HOME": str(folder), "PATH": os.environ["PATH"]}
    log = folder / "output.log"
    with log.open("wb") as output:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "functions"], cwd=ROOT, env={**surroundings, **settings}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/healthz", log, launcher)
        yield f"http://127.0.0.1:{port}{settings.get('ROOT_PATH', '')}/"
    finally:
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(timeout=60) == 0, log.read_text()


@retry(retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(120), wait=wait_fixed(0.2), reraise=True)
def _wait_until_ready(address: str, log: Path, launcher: "subprocess.Popen[bytes]") -> None:
    assert launcher.poll() is None, log.read_text()
    assert httpx.get(address, trust_env=False).status_code == 200
    if "Sluice is ready" not in log.read_text():
        raise httpx.ConnectError("not ready yet")


def installed_browser() -> str:
    """As the system calls it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "these tests need Chromium: scripts/system-tools.sh"
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_browser(), args=list(QUIET))
        yield browser
        browser.close()


class Watched:
    """A page, and what it complained about or asked others for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        self._address = address

    def check(self) -> None:
        """Nothing but refusals by the system itself was complained about, and nobody else was asked."""
        assert [text for text in self.complaints if "Failed to load resource" not in text] == []
        origin = httpx.URL(self._address).copy_with(path="/")
        assert {str(httpx.URL(url).copy_with(path="/", query=None)) for url in self.requests if not url.startswith("blob:")} == {
            str(origin)
        }


@contextmanager
def opened(browser: Browser, address: str, path: str = "", **options: Any) -> Iterator[Page]:
    """The page at an address, on a device described by Playwright's options; checked when it is left."""
    with browser.new_context(**{"locale": "en", "reduced_motion": "reduce", **options}) as context:
        page = context.new_page()
        watched = Watched(page, address)
        page.goto(address + path)
        yield page
        watched.check()


def paste(page: Page, link: str) -> None:
    """Type a link and send it."""
    page.get_by_role("textbox").fill(link)
    page.keyboard.press("Enter")


def assert_accessible(page: Page) -> None:
    """axe finds nothing. It is evaluated by the debugger, so that the page's Content-Security-Policy stays as it is."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    findings = page.evaluate("axe.run().then(({ violations }) => violations)")
    told = [(found["id"], [node["html"][:200] for node in found["nodes"]][:3]) for found in findings]
    assert told == [], told


def shoot(page: Page, name: str) -> None:
    """Keep what it looks like."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
