"""The links in an answer: made when the answer is made, signed when the installation has an access key.

A signed link is a capability for one file for a limited time, so that a download manager needs no cookie. What is signed is
the media id, the format id or asset, the version and the expiry; the key is derived from both secrets, so that changing
either revokes every link.
"""

import hashlib
import hmac
import time
from typing import Final
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from shared.problems import ProblemError
from shared.schemas import Format, Formats, Media, Merge, Subtitle, Task
from shared.settings import Settings

LIFETIME: Final = 7 * 86_400
"""Seconds a link lives at least: as long as a resume may take."""

_HOUR: Final = 3600
_SIGNATURE_DIGITS: Final = 32


class Links:
    """Renders and verifies links for one installation."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.public_url or settings.root_path
        self._is_signed = settings.access_key is not None
        self._key = _derive_key(settings)

    def status(self, task_id: str) -> str:
        """Where a task is looked up."""
        return f"{self._base}/v1/status/{task_id}"

    def stream(self, media_id: str, target: str, version: str | None = None, *, now: float | None = None) -> str:
        """Where a file is fetched. ``target`` is a format id, ``thumbnail`` or ``subtitles/en.vtt``."""
        query: dict[str, str] = {} if version is None else {"version": version}
        if self._is_signed:
            expires = _expiry(time.time() if now is None else now)
            query |= {"expires": str(expires), "signature": self._sign(media_id, target, version, expires)}
        address = f"{self._base}/v1/stream/{media_id}/{quote(target, safe='/+')}"
        return f"{address}?{urlencode(query)}" if query else address

    def verify(
        self,
        media_id: str,
        target: str,
        version: str | None,
        *,
        expires: str | None,
        signature: str | None,
        now: float | None = None,
    ) -> None:
        """Whether this link was made here, for exactly this, and still holds. Without an access key every link does.

        :raises ProblemError: ``invalid_signature``; ``unauthorized`` where there is no signature at all
        """
        if not self._is_signed:
            return
        if expires is None and signature is None:
            raise ProblemError("unauthorized")
        if (
            expires is None
            or signature is None
            or not (expires.isascii() and expires.isdigit() and len(expires) <= len("9999999999"))
        ):
            raise ProblemError("invalid_signature")
        expected = self._sign(media_id, target, version, int(expires))
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ProblemError("invalid_signature")
        if int(expires) <= (time.time() if now is None else now):
            raise ProblemError("invalid_signature", "The link is no longer valid; make a new one by analysing the video again.")

    def task(self, task: Task) -> Task:
        """The task as clients see it."""
        return task if task.result is None else replace(task, result=self.media(task.result))

    def media(self, media: Media) -> Media:
        """The result as clients see it."""

        def render(item: Format) -> Format:
            return replace(item, stream_url=self.stream(media.media_id, item.format_id, item.version))

        def render_merge(item: Merge) -> Merge:
            return replace(item, stream_url=self.stream(media.media_id, item.format_id, item.version))

        def render_subtitle(item: Subtitle) -> Subtitle:
            return replace(item, url=self.stream(media.media_id, f"subtitles/{item.subtitle_id}.vtt"))

        return replace(
            media,
            thumbnail_url=None if media.thumbnail_url is None else self.stream(media.media_id, "thumbnail"),
            subtitles=[render_subtitle(item) for item in media.subtitles],
            formats=Formats(
                combined=[render(item) for item in media.formats.combined],
                video_only=[render(item) for item in media.formats.video_only],
                audio_only=[render(item) for item in media.formats.audio_only],
            ),
            merges=[render_merge(item) for item in media.merges],
        )

    def _sign(self, media_id: str, target: str, version: str | None, expires: int) -> str:
        # A subtitle's link serves both of its forms (.vtt, .srt): the client chooses by the ending.
        signed = "\n".join((media_id, _asset(target), version or "", str(expires)))
        return hmac.new(self._key, signed.encode(), hashlib.sha256).hexdigest()[:_SIGNATURE_DIGITS]


def _asset(target: str) -> str:
    return target.removesuffix(".vtt").removesuffix(".srt") if target.startswith("subtitles/") else target


def _expiry(now: float) -> int:
    """At least :data:`LIFETIME` away, rounded up to the hour so that equal answers hold equal links."""
    return -(-int(now + LIFETIME) // _HOUR) * _HOUR


def _derive_key(settings: Settings) -> bytes:
    return hmac.new(settings.secret_key.encode(), b"sluice links\n" + (settings.access_key or "").encode(), hashlib.sha256).digest()
