"""Resolutions, codecs and dynamic ranges as people and RFC 6381 name them. Pure."""

import re
from typing import Final

from functions.analyze.extraction.wire import Listed, Offer
from shared.schemas import AudioCodec, AudioFamily, VideoCodec, VideoFamily

_RESOLUTION: Final = re.compile(r"(?<![\w.])(\d{2,5}p\d{0,3})(?!\w)")
_CODECS: Final = re.compile(r'codecs="([^"]*)"')
_TRANSFERS: Final = {
    "COLOR_TRANSFER_CHARACTERISTICS_SMPTEST2084": "HDR10",
    "COLOR_TRANSFER_CHARACTERISTICS_ARIB_STD_B67": "HLG",
}
_VIDEO_FAMILIES: Final[dict[str, VideoFamily]] = {
    "av01": "av1",
    "av1": "av1",
    "vp09": "vp9",
    "vp9": "vp9",
    "avc1": "h264",
    "avc3": "h264",
    "h264": "h264",
}
_AUDIO_FAMILIES: Final[dict[str, AudioFamily]] = {"opus": "opus", "mp4a": "aac", "aac": "aac"}
_SMOOTH_FPS: Final = 30
_NONE: Final = frozenset({"", "none"})


def resolution(*, label: str | None, width: int | None, height: int | None, fps: float | None) -> str | None:
    """``2160p60``: YouTube's own label where there is one (it counts an upright video by its width), else from the numbers."""
    if label and (match := _RESOLUTION.search(label)):
        return match[1]
    if not height:
        return None
    lines = min(height, width) if width else height
    return f"{lines}p{round(fps) if fps and fps > _SMOOTH_FPS else ''}"


def lines(resolution: str | None) -> int:
    """``2160p60`` → 2160."""
    return int(resolution.partition("p")[0]) if resolution else 0


def video_codec(name: str | None) -> VideoCodec | None:
    """By RFC 6381 name; None if there is no video."""
    if name is None or name in _NONE:
        return None
    return VideoCodec(family=_VIDEO_FAMILIES.get(name.partition(".")[0].lower(), "other"), name=name)


def audio_codec(name: str | None) -> AudioCodec | None:
    """By RFC 6381 name; None if there is no sound."""
    if name is None or name in _NONE:
        return None
    return AudioCodec(family=_AUDIO_FAMILIES.get(name.partition(".")[0].lower(), "other"), name=name)


def dynamic_range(listed: Listed, offer: Offer | None) -> str:
    """The transfer function where the player response names it, since HDR10 and HLG share their codec names."""
    named = _TRANSFERS.get(offer.transfer or "") if offer else None
    return named or listed.dynamic_range or "SDR"


def offered_codecs(offer: Offer) -> tuple[VideoCodec | None, AudioCodec | None]:
    """What an offer's media type promises."""
    match = _CODECS.search(offer.mime)
    names = [name.strip() for name in match[1].split(",")] if match else []
    kind = offer.mime.partition("/")[0]
    if kind == "audio":
        return None, audio_codec(names[0] if names else None)
    return video_codec(names[0] if names else None), audio_codec(names[1] if len(names) > 1 else None)


def is_hdr(dynamic_range: str | None) -> bool:
    """Whether it is more than SDR."""
    return dynamic_range not in {None, "SDR"}


def is_offered_in_hdr(offer: Offer) -> bool:
    """Whether an offer is for more than SDR."""
    return (offer.transfer or "") in _TRANSFERS or "HDR" in (offer.quality_label or "")
