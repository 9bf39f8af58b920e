"""Which video and sound tracks are offered as one file, and what most people want. Pure."""

from collections.abc import Sequence
from typing import Final

from functions.analyze.extraction.formats import Candidate
from functions.analyze.extraction.labels import is_hdr, lines
from shared.merges import merged_filename, merged_id
from shared.schemas import UNRENDERED, Format, Formats, Merge, Recommended

MAX_MERGES: Final = 240
"""In one result: with dozens of languages not every one is listed with every video. What is not listed can still be asked for."""

_VIDEO: Final = {"mp4": frozenset({"h264", "av1"}), "webm": frozenset({"vp9", "av1"})}
_AUDIO: Final = {"mp4": "aac", "webm": "opus"}


def merges(offered: Sequence[Candidate]) -> list[Merge]:
    """Each video with the best sound of its container, first in the original language, then in each of the others.

    :param offered: best first within each kind, with known lengths
    """
    videos = [one for one in offered if one.format.video_codec and not one.format.audio_codec and _fits_video(one.format)]
    sounds = [one for one in offered if one.format.audio_codec and not one.format.video_codec and _fits_audio(one.format)]
    best: dict[tuple[str, str], Candidate] = {}
    for sound in sounds:
        if not sound.format.format_id.endswith(".drc"):
            best.setdefault((sound.format.container, _track(sound.format)), sound)
    first = {container: next(sound for (kind, _), sound in best.items() if kind == container) for container, _ in best}
    made = [_merge(video, first[video.format.container]) for video in videos if video.format.container in first]
    others = [
        _merge(video, sound)
        for sound in best.values()
        if sound is not first[sound.format.container]
        for video in videos
        if video.format.container == sound.format.container
    ]
    return (made + others)[: max(MAX_MERGES, len(made))]


def recommended(formats: Formats, listed: Sequence[Merge]) -> list[Recommended]:
    """One pick of each kind: the best picture with sound, the best that plays everywhere, sound alone."""
    by_id = {item.format_id: item for item in (*formats.combined, *formats.video_only)}
    # Merges come in the order of their videos, and before those in other languages.
    whole: list[tuple[str, Format]] = [(item.format_id, by_id[item.video_format_id]) for item in listed]
    whole += [(item.format_id, item) for item in formats.combined]
    picks = []
    if whole:
        best, _ = max(whole, key=lambda pick: _picture(pick[1]))
        picks.append(Recommended(kind="best", format_id=best))
    everywhere = [pick for pick in whole if _plays_everywhere(pick[1])]
    if everywhere:
        compatible, _ = max(everywhere, key=lambda pick: _picture(pick[1]))
        picks.append(Recommended(kind="compatible", format_id=compatible))
    if formats.audio_only:
        picks.append(Recommended(kind="audio", format_id=formats.audio_only[0].format_id))
    return picks


def _fits_video(item: Format) -> bool:
    return item.video_codec is not None and item.video_codec.family in _VIDEO.get(item.container, frozenset())


def _fits_audio(item: Format) -> bool:
    return item.audio_codec is not None and item.audio_codec.family == _AUDIO.get(item.container)


def _track(item: Format) -> str:
    """What tells the sound tracks of a video apart: its id without the number that stands for codec and bitrate."""
    return item.format_id.partition(".")[2]


def _merge(video: Candidate, audio: Candidate) -> Merge:
    return Merge(
        format_id=merged_id(video.format.format_id, audio.format.format_id),
        video_format_id=video.format.format_id,
        audio_format_id=audio.format.format_id,
        container=video.format.container,
        extension=video.format.extension,
        resolution=video.format.resolution,
        size=(video.format.size or 0) + (audio.format.size or 0),
        is_size_exact=False,
        version=None,  # known where the result is read: it depends on what the video was called first
        stream_url=UNRENDERED,
        filename=merged_filename(video.source, audio.source),
    )


def _picture(item: Format) -> tuple[float, ...]:
    """Of two alike the first one counts, which is a merge."""
    return (lines(item.resolution), item.fps or 0.0, is_hdr(item.dynamic_range), ".sr" not in item.format_id)


def _plays_everywhere(item: Format) -> bool:
    """H.264 with AAC in MP4: a video in that container is only ever put together with AAC."""
    sound = item.audio_codec
    return (
        item.container == "mp4"
        and item.video_codec is not None
        and item.video_codec.family == "h264"
        and (sound is None or sound.family == "aac")
    )
