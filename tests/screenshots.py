"""The pictures of the documentation, of the page as it is: `python -m tests.screenshots [FOLDER]` (scripts/screenshots.sh).

A picture of Chinese needs a Chinese font on the machine (Debian: fonts-noto-cjk).
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import imageio_ffmpeg
from playwright.sync_api import Browser, Page, expect

from tests.browsing import PATIENCE_MS, opened, running_browser, running_page
from tests.documentation import IMAGES, PICTURED, show_pictured
from tests.youtube import YouTube

COLOURS: Final = 128
"""Of the palette: a page has few, and its picture is a third as large with them."""

DESK: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 1000}}
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
SHOTS: Final[dict[str, dict[str, Any]]] = {
    "desk-en.png": {**DESK, "locale": "en", "color_scheme": "light"},
    "desk-zh-CN.png": {**DESK, "locale": "zh-CN", "color_scheme": "light"},
    "phone-en.png": {**PHONE, "locale": "en", "color_scheme": "dark"},
    "phone-zh-CN.png": {**PHONE, "locale": "zh-CN", "color_scheme": "dark"},
}


def take(browser: Browser, address: str, youtube: YouTube, folder: Path) -> None:
    """Every picture, small."""
    show_pictured(youtube)
    for name, device in SHOTS.items():
        with opened(browser, address, f"?v={PICTURED}", **device) as page:
            expect(page.get_by_role("tab")).to_have_count(3, timeout=PATIENCE_MS)
            settle(page)
            with tempfile.NamedTemporaryFile(suffix=".png") as full:
                page.screenshot(path=full.name)
                shrink(Path(full.name), folder / name)


def settle(page: Page) -> None:
    """Nothing is still on its way, and nothing is marked as focused."""
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    page.evaluate("document.activeElement?.blur()")


def shrink(picture: Path, into: Path) -> None:
    """The same with a palette of its own, without dithering: text stays as sharp as it was."""
    few = f"palettegen=max_colors={COLOURS}:reserve_transparent=0"
    reduced = f"split[whole][sample];[sample]{few}[few];[whole][few]paletteuse=dither=none"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(picture), "-vf", reduced]
    subprocess.run([*ffmpeg, "-compression_level", "9", "-pred", "mixed", str(into)], check=True)


def main() -> None:
    """The stand-in, the whole system and a browser, for as long as it takes."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    with YouTube.running() as youtube, tempfile.TemporaryDirectory() as state:
        settings = {"GLOBAL_PROXY": youtube.http_proxy, "SSL_CERT_FILE": str(youtube.ca_file)}
        with running_page(Path(state), settings) as address, running_browser() as browser:
            take(browser, address, youtube, folder)


if __name__ == "__main__":
    main()
