"""A video and a sound track as one file: how it is called, and what proves that it is the same one. Pure.

All of it is known before anything of the two is read, so that links to such a file can be made without them.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from shared.schemas import Media, Merge
from shared.sources import Source
from shared.tags import Tags

LAYOUT_VERSION: Final = 2
"""Raised whenever the same sources and tags would be laid out in other bytes: nobody goes on with the old ones then."""


def merged_id(video: str, audio: str) -> str:
    """``137+140``."""
    return f"{video}+{audio}"


def merged_version(video: str, audio: str, tags: Tags) -> str:
    """16 hex digits: the strong ETag. The bytes follow from the two files, which their versions name, and from the tags."""
    return hashlib.sha256("\n".join((video, audio, tags.digest, str(LAYOUT_VERSION))).encode()).hexdigest()[:16]


def tags_of_version(version: str | None, video: str, audio: str, known: Sequence[Tags]) -> Tags:
    """Those with which the file of these two has this version, so that a link goes on with its own; else the newest.

    :param known: the newest first, at least one
    """
    return next((tags for tags in known if merged_version(video, audio, tags) == version), known[0])


def versioned(media: Media, tags: Tags) -> Media:
    """The result with the versions that its merged files have as long as these are the video's tags."""
    formats = media.formats
    versions = {item.format_id: item.version for item in (*formats.combined, *formats.video_only, *formats.audio_only)}

    def version(merge: Merge) -> str | None:
        video, audio = versions.get(merge.video_format_id), versions.get(merge.audio_format_id)
        return merged_version(video, audio, tags) if video and audio else None

    return replace(media, merges=[replace(merge, version=version(merge)) for merge in media.merges])


def merged_filename(video: Source, audio: Source) -> str:
    """``Title [id] 1080p AV1 129k de.mp4``: what tells both tracks apart from the video's others, without their kinds."""
    stem, _, extension = video.filename.rpartition(".")
    start, marker, label = stem.rpartition(f"[{video.media_id}]")
    _, _, sound = audio.filename.rpartition(".")[0].rpartition(f"[{audio.media_id}]")
    words = [word for word in label.split() if word != "video"] + [word for word in sound.split() if word != "audio"]
    return f"{' '.join([start + marker, *words])}.{extension}"
