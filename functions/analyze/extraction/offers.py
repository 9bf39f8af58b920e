"""What the player responses promise, read in the child from YouTube's JSON. Pure; a shape it does not know is skipped."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from functions.analyze.extraction.wire import Offer, Playability, Span


def offers(response: dict[str, Any], client: str) -> Iterator[Offer]:
    """Every format the response of this client speaks of."""
    streaming = _dict(response.get("streamingData"))
    for group in ("formats", "adaptiveFormats"):
        for stream in _list(streaming.get(group)):
            if isinstance(stream, dict) and stream.get("itag") is not None:
                yield _offer(stream, client)


def playability(response: dict[str, Any], client: str | None) -> Playability | None:
    """What the response says about playing the video, if anything."""
    status = _dict(response.get("playabilityStatus"))
    if not status:
        return None
    screen = _dict(status.get("errorScreen"))
    message = _dict(screen.get("playerErrorMessageRenderer"))
    return Playability(
        client=client,
        status=str(status.get("status") or ""),
        reason=_text(message.get("reason")) or _text(status.get("reason")),
        subreason=_text(message.get("subreason")),
        is_captcha="playerCaptchaViewModel" in screen,
    )


def _offer(stream: dict[str, Any], client: str) -> Offer:
    cipher = parse_qs(str(stream.get("signatureCipher") or ""))
    url = stream.get("url") or next(iter(cipher.get("url", [])), None)
    track = _dict(stream.get("audioTrack"))
    return Offer(
        client=client,
        itag=str(stream["itag"]),
        mime=str(stream.get("mimeType") or ""),
        xtags=None if url is None else next(iter(parse_qs(urlsplit(str(url)).query).get("xtags", [])), ""),
        quality_label=_text(stream.get("qualityLabel")) or None,
        height=_int(stream.get("height")),
        fps=_int(stream.get("fps")),
        transfer=_text(_dict(stream.get("colorInfo")).get("transferCharacteristics")) or None,
        track_id=_text(track.get("id")) or None,
        track_name=_text(track.get("displayName")) or None,
        is_default_track=bool(track.get("audioIsDefault")),
        is_drc=bool(stream.get("isDrc")),
        is_drm=bool(stream.get("drmFamilies")),
        is_segmented=stream.get("type") == "FORMAT_STREAM_TYPE_OTF" or bool(stream.get("targetDurationSec")),
        has_url=url is not None,
        init=_span(stream.get("initRange")),
        index=_span(stream.get("indexRange")),
    )


def _span(value: Any) -> Span | None:  # noqa: ANN401 - YouTube's JSON
    """YouTube's ranges are inclusive and written as strings."""
    both = _dict(value)
    start, last = _int(both.get("start")), _int(both.get("end"))
    return None if start is None or last is None or last < start else Span(start, last + 1)


def _text(value: Any) -> str:  # noqa: ANN401 - YouTube's JSON
    """A string, or YouTube's two forms of formatted text."""
    if isinstance(value, str):
        return value
    runs = _dict(value).get("runs")
    return str(_dict(value).get("simpleText") or "") or "".join(str(_dict(run).get("text") or "") for run in _list(runs))


def _int(value: Any) -> int | None:  # noqa: ANN401 - YouTube's JSON
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _dict(value: Any) -> dict[str, Any]:  # noqa: ANN401 - YouTube's JSON
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - YouTube's JSON
    return value if isinstance(value, list) else []
