"""What googlevideo answers to a media URL: who may have it, and which bytes."""

import time
from email.utils import formatdate

from .answer import Answer, refusal, text
from .catalogue import Video
from .log import Request
from .media import MediaFile
from .signing import challenge, rewritten, signature
from .urls import CLIENTS_WITHOUT_PLAYER

_TOKEN_CLIENTS = frozenset({"WEB", "MWEB", "WEB_REMIX"})
_EARLY = 2
"""Seconds before the end of an advertisement from which media is given (measured: 3.8 s is too early, 1.8 s is not)."""


def media_answer(request: Request, video: Video | None, file: MediaFile | None, rejected_tokens: frozenset[str]) -> Answer:
    """206 or 200 with bytes of the file; 403 for a URL that is expired or was tampered with, 404 for one without a file."""
    if not _is_granted(request, video, rejected_tokens):
        return refusal(403)
    if file is None:
        return refusal(404)
    headers = {
        "Content-Type": file.mime,
        "Last-Modified": formatdate(file.lmt // 1_000_000, usegmt=True),
        "Cache-Control": "private, max-age=21000",
        "Accept-Ranges": "bytes",
    }
    if request.range is None:
        return Answer(headers=headers, body=file.content)
    first, last = request.range
    end = file.size if last is None else min(last + 1, file.size)
    if first >= end:
        return Answer(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    if "range" in request.query:  # the parameter is answered 200, only the header 206
        return Answer(headers=headers, body=file.content, start=first, end=end)
    headers["Content-Range"] = f"bytes {first}-{end - 1}/{file.size}"
    return Answer(status=206, headers=headers, body=file.content, start=first, end=end)


def live_manifest(video: Video) -> Answer:
    """The HLS variants of a live video."""
    lines = ["#EXTM3U", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for itag, width, height in ((91, 256, 144), (93, 640, 360), (95, 1280, 720)):
        lines += [
            f'#EXT-X-STREAM-INF:BANDWIDTH={height * 3000},CODECS="avc1.4D401F,mp4a.40.2",RESOLUTION={width}x{height},FRAME-RATE=30',
            f"https://manifest.googlevideo.com/api/manifest/hls_playlist/id/{video.video_id}/itag/{itag}/playlist/index.m3u8",
        ]
    return text("\n".join([*lines, ""]), "application/vnd.apple.mpegurl")


def _is_granted(request: Request, video: Video | None, rejected_tokens: frozenset[str]) -> bool:
    query = request.query
    now = time.time()
    if video is None or query.get("sig") != signature(query) or int(query["expire"]) < now:
        return False
    if query["c"] not in CLIENTS_WITHOUT_PLAYER and query.get("n") != rewritten(challenge(query)):
        return False
    if query["c"] in _TOKEN_CLIENTS and query["itag"] != "18" and (not request.has_po_token or request.po_token in rejected_tokens):
        return False
    return now >= int(query["mt"]) + video.ad_seconds - (_EARLY if video.ad_seconds else 0)
