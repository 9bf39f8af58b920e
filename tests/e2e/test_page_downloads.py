"""Downloads as the browser makes them: behind a key and below a path, where every place is taken, and where the line is cut."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import PATIENCE_MS, assert_accessible, opened, paste, running_page, shoot
from tests.e2e.conftest import environment
from tests.youtube import YouTube, catalogue

KEY: Final = "a key of sixteen characters or more"


@pytest.fixture(scope="module")
def guarded(_youtube: YouTube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """With an access key, below a path, and with a place for one download."""
    settings = {"ACCESS_KEY": KEY, "ROOT_PATH": "/films", "MAX_CONCURRENT_DOWNLOADS": "1"}
    with running_page(tmp_path_factory.mktemp("guarded"), environment(_youtube) | settings) as address:
        yield address


def sign_in(page: Page, key: str = KEY) -> None:
    page.get_by_label("Access key").fill(key)
    page.keyboard.press("Enter")


def test_the_key_is_asked_for_and_the_page_lives_below_a_path(browser: Browser, guarded: str, youtube: YouTube) -> None:
    with opened(browser, guarded, f"?v={catalogue.QUICK}") as page:
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert_accessible(page)
        shoot(page, "sign-in")
        sign_in(page, "wrong")
        expect(page.get_by_role("alert").filter(has_text="An access key is required.")).to_be_visible()
        sign_in(page)
        expect(page.get_by_role("heading", name="A quick video")).to_be_visible(timeout=PATIENCE_MS)
        assert page.url == f"{guarded}?v={catalogue.QUICK}"
        page.get_by_role("button", name="Settings").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_where_every_place_is_taken_the_wait_is_shown_and_it_starts_by_itself(
    browser: Browser, guarded: str, youtube: YouTube
) -> None:
    with opened(browser, guarded) as page:
        sign_in(page)
        expect(page.get_by_label("Link to a YouTube video")).to_be_visible()
        paste(page, catalogue.HUGE)
        expect(page.get_by_role("heading", name="A huge file")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("tab", name="Video only").click()
        taken = page.locator("a[data-format='137']").last.get_attribute("href")
        with httpx.stream("GET", str(httpx.URL(guarded).join(taken or "")), trust_env=False) as other:
            assert other.status_code == 200
            page.get_by_role("tab", name="Video + audio").click()
            page.locator("a[data-format='18']").last.click()
            expect(page.get_by_role("button", name=re.compile(r"Starts in \d+ s"))).to_be_visible()
            expect(page.get_by_role("status").filter(has_text="All places for downloads are taken.")).to_be_visible()
            assert_accessible(page)
            shoot(page, "waiting-for-a-place")
        with page.expect_download(timeout=PATIENCE_MS) as downloading:
            pass
        assert downloading.value.path().stat().st_size == youtube.media(catalogue.HUGE, "18").size


def test_a_file_is_previewed_and_its_link_copied(browser: Browser, address: str, youtube: YouTube) -> None:
    with opened(browser, address, f"?v={catalogue.QUICK}", permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_role("button", name="Preview").click(timeout=PATIENCE_MS)
        video = page.locator("video")
        expect(video).to_have_js_property("error", None)
        page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
        assert_accessible(page)
        page.evaluate("() => { document.querySelector('video').currentTime = 7 }")
        page.wait_for_function("() => document.querySelector('video').currentTime > 7.2")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        for name, beginning in [
            ("Copy the link", "http://"),
            ("Copy as curl", "curl -C - -o 'A quick video"),
            ("Copy as wget", "wget -c"),
        ]:
            page.get_by_role("button", name=re.compile("More for 360p")).first.click()
            page.get_by_role("menuitem", name=name).click()
            expect(page.get_by_role("menu")).to_have_count(0)
            assert page.evaluate("navigator.clipboard.readText()").startswith(beginning)


class Line:
    """A way to the server that is cut once, after so many bytes of an answer, and works again at once."""

    def __init__(self, port: int, *, cut_after: int) -> None:
        self._to = ("127.0.0.1", port)
        self._left = cut_after
        self.requests: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            threading.Thread(target=self._carry, args=(client, server, self._note), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, self._count), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, look: Callable[[bytes], bool]) -> None:
        with suppress(OSError):
            while (block := source.recv(65536)) and look(block):
                target.sendall(block)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _note(self, block: bytes) -> bool:
        self.requests.append(block)
        return True

    def _count(self, block: bytes) -> bool:
        before, self._left = self._left, self._left - len(block)
        return not before > 0 >= self._left


def test_the_browsers_own_download_manager_goes_on_where_the_line_was_cut(browser: Browser, address: str, youtube: YouTube) -> None:
    line = Line(httpx.URL(address).port or 0, cut_after=5_000_000)
    with opened(browser, f"http://127.0.0.1:{line.port}/", f"?v={catalogue.LARGE}") as page:
        page.get_by_role("tab", name="Video only").click(timeout=PATIENCE_MS)
        row = page.get_by_role("row").filter(has=page.locator("a[data-format='137']"))
        with page.expect_download() as downloading:
            row.get_by_role("link").click()
        assert downloading.value.failure() is None
        saved = downloading.value.path().read_bytes()
    line.close()
    assert hashlib.sha256(saved).hexdigest() == youtube.media(catalogue.LARGE, "137").sha256()
    resumed = [request for request in line.requests if re.search(rb"\r\nrange: bytes=[1-9]\d+-", request, re.IGNORECASE)]
    assert resumed
    assert all(re.search(rb'\r\nif-range: "', request, re.IGNORECASE) for request in resumed)
