"""The real plugin inside the real yt-dlp."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import yt_dlp
from yt_dlp.extractor.youtube.pot.provider import PoTokenContext  # type: ignore[import-not-found]

from tests.token_service import Service

CONTEXTS = (PoTokenContext.GVS, PoTokenContext.PLAYER, PoTokenContext.SUBS)


class Recorder:
    """What yt-dlp says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str) -> None:
        self.lines.append(message)

    warning = error = debug

    def __contains__(self, part: str) -> bool:
        return any(part in line for line in self.lines)


@contextmanager
def yt_dlp_with(service: Service, proxy: str, recorder: Recorder, **youtube: list[str]) -> Iterator[yt_dlp.YoutubeDL]:
    params: Any = {
        "proxy": proxy,
        "nocheckcertificate": True,
        "cachedir": False,
        "logger": recorder,
        "verbose": True,
        "extractor_args": {
            "youtube": {"fetch_pot": ["always"], **youtube},
            "youtubepot-bgutilhttp": {"base_url": [service.url]},
        },
    }
    with yt_dlp.YoutubeDL(params) as ydl:
        yield ydl


def fetch_token(ydl: yt_dlp.YoutubeDL, context: PoTokenContext, *, content: str) -> str | None:
    """A token of the web client, as yt-dlp's extractor gets it."""
    extractor: Any = ydl.get_info_extractor("Youtube")
    extractor.initialize()
    client = {"clientName": "WEB", "clientVersion": "2.20260708.00.00", "remoteHost": "198.51.100.7"}
    token = extractor.fetch_po_token(
        client="web",
        context=context,
        ytcfg={"INNERTUBE_CONTEXT": {"client": client}},
        visitor_data=content,
        video_id=content,
        required=True,
    )
    return cast("str | None", token)
