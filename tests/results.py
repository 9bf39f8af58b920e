"""A result with nothing in it."""

from datetime import UTC, datetime

from shared.schemas import Channel, Formats, Media
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
