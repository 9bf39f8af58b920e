"""One job inside the child: a fresh YoutubeDL, one video, one report. The only module that calls yt-dlp."""

import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.extractor.youtube import YoutubeIE  # type: ignore[import-not-found]
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import DownloadError

from functions.analyze.extraction import players, wire
from functions.analyze.extraction.breaker import Breaker
from functions.analyze.extraction.memory import resident
from functions.analyze.extraction.reach import confine
from functions.analyze.extraction.redaction import redact
from functions.analyze.extraction.seams import Recording, observe
from functions.analyze.extraction.solver.registered import WHY_NOT
from functions.analyze.extraction.solver.warm import SOLVER
from functions.analyze.extraction.wire import Failure, Job, Line, LogLevel, Report
from shared.request_ids import HEADER

Emit = Callable[[Line], None]

_SUBTITLE_FILES: Final = ("vtt", "srt")
_TRACEBACK: Final = ("Traceback (most recent call last)", "  File ")
_UNSOLVED: Final = " solving failed: Some formats may be missing"
_SOCKS_LOGIN: Final = "_socks5_auth"
_MAX_CAUSES: Final = 16
_TOO_MANY_REQUESTS: Final = 429
_YOUTUBE: Final = (".youtube.com", ".googleapis.com")


def extract(job: Job, emit: Emit) -> Report:
    """Whatever yt-dlp does, a report; its log lines go to ``emit`` as they come."""
    recording, logger = Recording(), _Logger(emit)
    if WHY_NOT:
        logger.warning(WHY_NOT)
    breaker = None if job.is_provider_resting else Breaker()
    info, failure = None, None
    waits: list[str] = []
    if job.forgets_players:
        _forget_players()
    try:
        with YoutubeDL(job.options | {"logger": logger}, auto_init=False) as ydl:  # type: ignore[arg-type]
            confine(ydl, provider=job.provider)
            _note_waits(ydl, waits)
            _name_request(ydl, job)
            youtube = YoutubeIE()
            ydl.add_info_extractor(youtube)
            observe(youtube, recording, breaker, bypass_cache=job.bypass_cache)
            info = wire.to_info(_trim(ydl.sanitize_info(ydl.extract_info(job.url, download=False))))
    except Exception as error:  # noqa: BLE001 - the seam: every error of yt-dlp's ends here
        failure = _failure(error)
    if logger.has_unsolved_challenge:
        _forget_players()
    return Report(
        info=info,
        failure=failure,
        offers=recording.offers,
        playability=recording.playability,
        retry_after=waits,
        provider_seconds=breaker.spent if breaker else 0.0,
        memory=resident(),
    )


def _forget_players() -> None:
    """In the solver as well."""
    players.forget()
    SOLVER.end()


def warm_up() -> None:
    """Pay for the first construction (plugins, the JavaScript runtime's check) before there is a job."""
    with YoutubeDL({"quiet": True, "cachedir": False}, auto_init=False) as ydl:  # type: ignore[arg-type]
        ydl.add_info_extractor(YoutubeIE())


def _trim(info: Any) -> dict[str, Any]:  # noqa: ANN401 - yt-dlp's JSON
    """Without the machine translations (`tlang=`) and the subtitle forms nobody asks for: they are most of a result's bytes."""
    captions = {
        kind: {
            language: [track for track in tracks if track.get("ext") in _SUBTITLE_FILES and "tlang=" not in track.get("url", "")]
            for language, tracks in (info.get(kind) or {}).items()
        }
        for kind in ("subtitles", "automatic_captions")
    }
    return {**info, **captions}


def _note_waits(ydl: Any, waits: list[str]) -> None:  # noqa: ANN401 - the method is replaced on this one object
    """Note how long YouTube asks to wait: of a refusal, the extractor keeps no more than a warning."""
    original = ydl.urlopen

    def urlopen(request: Any) -> Any:  # noqa: ANN401
        try:
            return original(request)
        except HTTPError as error:
            host = urlsplit(error.response.url).hostname or ""
            told = error.response.get_header("Retry-After")
            if error.status == _TOO_MANY_REQUESTS and told and host.endswith(_YOUTUBE):
                waits.append(told)
            raise

    ydl.urlopen = urlopen


def _name_request(ydl: Any, job: Job) -> None:  # noqa: ANN401 - the method is replaced on this one object
    """Tell the token service, and nobody else, which request a token is for."""
    if job.provider is None or job.request_id is None:
        return
    original, address, headers = ydl.urlopen, f"{job.provider}/", {HEADER: job.request_id}

    def urlopen(request: Any) -> Any:  # noqa: ANN401
        if isinstance(request, Request) and request.url.startswith(address):
            request.headers.update(headers)
        return original(request)

    ydl.urlopen = urlopen


def _failure(error: Exception) -> Failure:
    causes = list(_causes(error))
    return Failure(
        text=redact(str(error)),
        kinds=[type(cause).__name__ for cause in causes],
        is_proxy_login=any(map(_is_proxy_login, causes)),
        http_status=next((cause.status for cause in causes if isinstance(getattr(cause, "status", None), int)), None),  # type: ignore[attr-defined]
    )


def _is_proxy_login(error: BaseException) -> bool:
    """Whether a SOCKS proxy refused the credentials: yt-dlp words it like any other failure, so the place has to tell."""
    return any(frame.f_code.co_name == _SOCKS_LOGIN for frame, _ in traceback.walk_tb(error.__traceback__))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and what it was made from, outermost first; a DownloadError keeps its own in ``exc_info``."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < _MAX_CAUSES:
        seen.add(id(error))
        yield error
        wrapped = error.exc_info[1] if isinstance(error, DownloadError) and error.exc_info else None
        cause = getattr(error, "cause", None)
        error = wrapped or (cause if isinstance(cause, BaseException) else None) or error.__cause__ or error.__context__


class _Logger:
    """yt-dlp's logger: every line becomes a message."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.has_unsolved_challenge = False

    def _line(self, level: LogLevel, text: object) -> None:
        self._emit(Line(level=level, text=redact(str(text))))

    def debug(self, text: object) -> None:
        self._line("debug", text)

    def info(self, text: object) -> None:
        self._line("debug", text)

    def warning(self, text: object) -> None:
        self.has_unsolved_challenge |= _UNSOLVED in str(text)
        self._line("warning", text)

    def error(self, text: object) -> None:
        if not str(text).startswith(_TRACEBACK):
            self._line("error", text)
