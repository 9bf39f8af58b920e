"""A real browser plays merged files: right duration; seeks near beginning, middle and end; sound and picture together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

import pytest
from litestar.types import Receive, Scope, Send
from playwright.async_api import Page, async_playwright

from functions.stream.headers import encoded, part_headers
from functions.stream.ranges import Representation, decide
from shared.settings import Settings
from tests.browsing import QUIET, installed_browser
from tests.merging import TAGS, Sources, content, layouts, merged
from tests.serving import serving

PAGE: Final = b"<!doctype html><title>player</title><video src='/file' preload='auto'></video>"
OPEN: Final = """async () => {
    const video = document.querySelector('video')
    await new Promise((resolve, reject) => {
        if (video.readyState >= 2) return resolve()
        video.onloadeddata = resolve
        video.onerror = () => reject(new Error(video.error.message))
    })
    const context = window.context = new AudioContext()
    window.analyser = context.createAnalyser()
    context.createMediaElementSource(video).connect(window.analyser).connect(context.destination)
    await context.resume()
    return {duration: video.duration, seekable: video.seekable.end(0), width: video.videoWidth}
}"""
SEEK: Final = """async (target) => {
    const video = document.querySelector('video')
    video.pause()
    const seeked = new Promise(resolve => video.onseeked = resolve)
    video.currentTime = target
    await seeked
    const frame = new Promise(resolve => video.requestVideoFrameCallback((_, told) => resolve(told.mediaTime)))
    await video.play()
    const shown = await frame
    const samples = new Float32Array(window.analyser.fftSize)
    let heard = null
    while (video.currentTime < target + 1) {
        window.analyser.getFloatTimeDomainData(samples)
        const loud = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length)
        if (heard === null && loud > 0.005) heard = video.currentTime
        await new Promise(resolve => setTimeout(resolve, 5))
    }
    video.pause()
    return {shown, heard, at: video.currentTime, error: video.error && video.error.message}
}"""


class Served:
    """A file with ranges, as any server has them, and what was asked of it."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self._body = body
        self._type = content_type
        self.ranges: list[str] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if str(scope["type"]) != "http":
            return
        if scope["path"] != "/file":
            await self._send(send, 200, {"Content-Type": "text/html", "Content-Length": str(len(PAGE))}, PAGE)
            return
        fields = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.ranges.append(fields.get("range", ""))
        decision = decide("GET", fields, Representation(size=len(self._body), etag="x", last_modified=None))
        if decision.range is None:  # the browser has kept these bytes
            await self._send(send, int(decision.status), {"ETag": '"x"'}, b"")
            return
        is_partial = decision.status == HTTPStatus.PARTIAL_CONTENT
        headers = part_headers(decision.range, len(self._body), content_type=self._type, is_partial=is_partial)
        part = self._body[decision.range.start : decision.range.end]
        await self._send(send, int(decision.status), headers | {"Accept-Ranges": "bytes", "ETag": '"x"'}, part)

    async def _send(self, send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
        await send({"type": "http.response.start", "status": status, "headers": encoded(headers)})
        for at in range(0, len(body), 65_536):
            await send({"type": "http.response.body", "body": body[at : at + 65_536], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        sounding = [*QUIET, "--autoplay-policy=no-user-gesture-required"]
        chromium = await playwright.chromium.launch(
            executable_path=installed_browser(), args=sounding, ignore_default_args=["--mute-audio"]
        )
        page = await chromium.new_page()
        page.set_default_timeout(30_000)
        await page.goto(address)
        yield page
        await chromium.close()


@pytest.mark.parametrize(
    ("video", "audio", "form", "most_requests"),
    [
        ("h264-long.mp4", "aac-long.mp4", "progressive", 8),
        ("h264-long.mp4", "aac-long.mp4", "mp4", 40),
        ("vp9-long.webm", "opus-long.webm", "webm", 8),
    ],
)
async def test_a_browser_plays_it(settings: Settings, video: str, audio: str, form: str, most_requests: int) -> None:
    kind: Any = "webm" if form == "webm" else "mp4"
    layout = next(one for one in layouts(content(video), content(audio), kind, TAGS) if one.form == form)
    served = Served(await merged(layout, Sources(content(video), content(audio), chunk=1 << 20)), f"video/{kind}")
    seconds = 120 if form == "webm" else 600
    async with asyncio.timeout(60), serving(served, settings) as address, browsing(address) as page:
        opened = await page.evaluate(OPEN)
        assert abs(opened["duration"] - seconds) < 0.2
        assert abs(opened["seekable"] - opened["duration"]) < 0.01
        assert opened["width"] == 160
        for target in (3, seconds * 0.55, seconds - 7):
            found = await page.evaluate(SEEK, target)
            assert found["error"] is None
            assert abs(found["shown"] - target) < 0.5, found
            assert found["heard"] is not None, found
            assert found["heard"] - target < 0.6, found
    assert len(served.ranges) <= most_requests
