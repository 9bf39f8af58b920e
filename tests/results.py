"""A result with nothing in it, and a format and a merge to put there."""

from datetime import UTC, datetime

from shared.schemas import Channel, Format, Formats, Media, Merge
from shared.urls import Video


def media(video: Video) -> Media:
    moment = datetime.fromtimestamp(0, UTC)
    return Media(
        media_id=video.media_id,
        url=video.url,
        title="标题 🎬",
        channel=Channel(name=None, id=None, url=None),
        duration=1.5,
        thumbnail_url=None,
        published_at=None,
        view_count=None,
        live_status="not_live",
        chapters=[],
        subtitles=[],
        formats=Formats(combined=[], video_only=[], audio_only=[]),
        merges=[],
        recommended=[],
        is_degraded=False,
        missing=[],
        analyzed_at=moment,
        fresh_until=moment,
    )


def sound(format_id: str = "140") -> Format:
    return Format(
        format_id=format_id,
        container="mp4",
        extension="m4a",
        resolution=None,
        width=None,
        height=None,
        fps=None,
        dynamic_range=None,
        video_codec=None,
        audio_codec=None,
        bitrate=None,
        size=10,
        is_size_exact=True,
        language=None,
        audio_track=None,
        available_at=None,
        version="0123456789abcdef",
        stream_url="",
        filename="标题.m4a",
    )


def merge(video: str, audio: str) -> Merge:
    return Merge(
        format_id=f"{video}+{audio}",
        video_format_id=video,
        audio_format_id=audio,
        container="mp4",
        extension="mp4",
        resolution=None,
        size=20,
        is_size_exact=False,
        version=None,
        stream_url="",
        filename="标题.mp4",
    )
