"""YouTube's hosts: which there are, what they are asked for, and what they answer when nothing is wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from . import media
from .answer import Answer, as_json, refusal, text
from .captions import caption_answer
from .catalogue import VIDEOS, Playability, Video
from .googlevideo import live_manifest, media_answer
from .innertube import next_response, player_response
from .log import Kind, Request
from .media import MediaFile
from .pages import home_page, iframe_api, watch_page
from .player import player_js
from .renditions import cover

CERTIFIED = ("*.youtube.com", "*.googlevideo.com", "*.ytimg.com", "youtubei.googleapis.com", "*.google.com", "*.googleapis.com")
"""The names in the certificate."""
_HOSTS = re.compile(r"(www|m|music|s)\.youtube\.com|youtubei\.googleapis\.com|i\.ytimg\.com|[a-z0-9-]+\.googlevideo\.com")
_ROUTES: tuple[tuple[str, str, Kind], ...] = (
    (r".*\.googlevideo\.com", r"/videoplayback", "media"),
    (r"manifest\.googlevideo\.com", r"/api/manifest/.*", "manifest"),
    (r"i\.ytimg\.com", r"/.*", "thumbnail"),
    (r".*", r"/youtubei/v1/player", "player"),
    (r".*", r"/youtubei/v1/next", "next"),
    (r".*\.youtube\.com", r"/s/player/.*\.js", "player_js"),
    (r".*\.youtube\.com", r"/iframe_api", "iframe"),
    (r".*\.youtube\.com", r"/api/timedtext", "caption"),
    (r".*\.youtube\.com", r"/(watch|embed/.*|tv|)", "page"),
)
_UNKNOWN = Playability(status="ERROR", reason="Video unavailable", subreason="This video isn't available anymore")

Handler = Callable[[Request], Answer]


def kind_of(host: str, path: str) -> Kind:
    """What a URL is asked for."""
    return next((kind for hosts, paths, kind in _ROUTES if re.fullmatch(hosts, host) and re.fullmatch(paths, path)), "unknown")


@dataclass
class Site:
    """The videos as they are at this moment, and the answers that follow from them.

    `exit_address` is the address under which requests arrive: `ip=` of every URL made. `extras` answers for further hosts.
    """

    exit_address: str = "198.51.100.7"
    rejected_tokens: frozenset[str] = frozenset()
    player_size: int = 20_000
    extras: dict[str, Handler] = field(default_factory=dict)
    _videos: dict[str, Video] = field(default_factory=lambda: dict(VIDEOS))
    _files: dict[object, list[MediaFile]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def serves(self, host: str) -> bool:
        return bool(_HOSTS.fullmatch(host)) or host in self.extras

    def video(self, video_id: str | None) -> Video | None:
        return self._videos.get(video_id or "")

    def put(self, video: Video) -> None:
        self._videos[video.video_id] = video

    def reset(self) -> None:
        self._videos = dict(VIDEOS)
        self.exit_address, self.rejected_tokens = "198.51.100.7", frozenset()

    def file(self, video_id: str | None, format_id: str) -> MediaFile | None:
        """The file with this format id; "140" also finds the original track of several."""
        files = self._files_of(video_id)
        exact = (file for file in files if file.format_id == format_id)
        return next(exact, None) or next((file for file in files if str(file.itag) == format_id), None)

    def answer(self, request: Request) -> Answer:
        """The right answer to a request."""
        if request.host in self.extras:
            return self.extras[request.host](request)
        video = self.video(request.video_id)
        if video and request.kind in video.refuses:
            return refusal(429)
        return getattr(self, f"_{request.kind}", self._unknown)(request, video)

    def _page(self, request: Request, video: Video | None) -> Answer:
        if request.path != "/watch":
            names = {"m.youtube.com": "MWEB", "music.youtube.com": "WEB_REMIX"}
            applications = {"embed": "WEB_EMBEDDED_PLAYER", "tv": "TVHTML5"}
            return text(home_page(applications.get(request.path.split("/")[1]) or names.get(request.host, "WEB")))
        return text(watch_page(video or _unknown(request), self.exit_address))

    def _player(self, request: Request, video: Video | None) -> Answer:
        return as_json(
            player_response(
                video or _unknown(request),
                client=request.client or "WEB",
                exit_address=self.exit_address,
                has_player_token=request.has_po_token and request.po_token not in self.rejected_tokens,
            )
        )

    def _next(self, request: Request, video: Video | None) -> Answer:
        return as_json(next_response(video or _unknown(request)))

    def _iframe(self, request: Request, video: Video | None) -> Answer:
        return text(iframe_api(), "text/javascript")

    def _player_js(self, request: Request, video: Video | None) -> Answer:
        return text(player_js(self.player_size), "text/javascript")

    def _caption(self, request: Request, video: Video | None) -> Answer:
        return caption_answer(video, request.query)

    def _manifest(self, request: Request, video: Video | None) -> Answer:
        named = re.search(r"/hls_variant/id/([\w-]{11})/", request.path)
        found = self.video(named[1]) if named else None
        return live_manifest(found) if found else refusal(404)

    def _thumbnail(self, request: Request, video: Video | None) -> Answer:
        extension = request.path.rpartition(".")[2]
        if video is None or extension not in {"jpg", "webp"}:
            return refusal(404)
        answer = text("", "image/webp" if extension == "webp" else "image/jpeg")
        answer.replace(200, answer.headers, cover(extension))
        return answer

    def _media(self, request: Request, video: Video | None) -> Answer:
        wanted = (request.itag, request.query.get("xtags", ""))
        files = self._files_of(request.video_id)
        file = next((file for file in files if (file.itag, file.xtags) == wanted), None)
        return media_answer(request, video, file, self.rejected_tokens)

    def _unknown(self, request: Request, video: Video | None) -> Answer:
        return refusal(404)

    def _files_of(self, video_id: str | None) -> list[MediaFile]:
        video = self.video(video_id)
        if video is None:
            return []
        form = (video.revision, video.itags, tuple(video.sizes.items()), video.rounds, tuple(video.recordings.items()))
        key = (video.video_id, form, video.tracks, video.super_resolution)
        with self._lock:
            if key not in self._files:
                self._files[key] = media.files(video)
            return self._files[key]


def _unknown(request: Request) -> Video:
    return Video(video_id=request.video_id or "-----------", title="", playability=_UNKNOWN)
