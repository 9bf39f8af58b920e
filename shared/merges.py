"""A video and a sound track as one file: how it is called, and what proves that it is the same one. Pure.

Both are known before anything of the two is read, so that links to such a file can be made when its video is analysed.
"""

import hashlib
from typing import Final

from shared.sources import Identity, Source

LAYOUT_VERSION: Final = 1
"""Raised whenever the same two sources would be laid out in other bytes: nobody goes on with the old ones then."""


def merged_id(video: str, audio: str) -> str:
    """``137+140``."""
    return f"{video}+{audio}"


def merged_version(media_id: str, format_id: str, video: Identity, audio: Identity) -> str:
    """16 hex digits: the strong ETag. The layout follows from the two files, and they from what identifies them."""
    parts = (video.version(media_id, format_id), audio.version(media_id, format_id), str(LAYOUT_VERSION))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def merged_last_modified(video: Source, audio: Source) -> int | None:
    """Seconds since 1970: of the source that changed last, if both tell."""
    moments = [moment for moment in (video.last_modified, audio.last_modified) if moment is not None]
    return max(moments) if len(moments) == 2 else None  # noqa: PLR2004 - both


def merged_filename(video: Source, audio: Source) -> str:
    """``Title [id] 1080p AV1 129k de.mp4``: what tells both tracks apart from the video's others, without their kinds."""
    stem, _, extension = video.filename.rpartition(".")
    start, marker, label = stem.rpartition(f"[{video.media_id}]")
    _, _, sound = audio.filename.rpartition(".")[0].rpartition(f"[{audio.media_id}]")
    words = [word for word in label.split() if word != "video"] + [word for word in sound.split() if word != "audio"]
    return f"{' '.join([start + marker, *words])}.{extension}"
