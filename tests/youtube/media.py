"""The files behind the formats of a video: which there are, and their bytes."""

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property

from . import content
from .catalogue import Track, Video
from .containers import Ranges, ranges
from .content import Content, Generated, Joined, Stored
from .film import film
from .itags import ITAGS, Itag
from .renditions import TITLE, rendition

_EPOCH = 1_700_000_000_000_000
"""lmt is microseconds since 1970; every file gets its own after this moment."""


@dataclass(frozen=True)
class MediaFile:
    """One format of one video. `lmt` is microseconds since 1970, as in the URL; `mime` is without codecs."""

    video_id: str
    label: Itag
    track: Track | None
    is_super_resolution: bool
    lmt: int
    ranges: Ranges | None
    content: Content

    @property
    def itag(self) -> int:
        return self.label.itag

    @property
    def mime(self) -> str:
        return self.label.mime

    @property
    def size(self) -> int:
        return self.content.size

    @property
    def xtags(self) -> str:
        """The qualifier that tells files of one itag apart in their URLs."""
        if self.is_super_resolution:
            return "sr=1"
        if not self.track:
            return ""
        kind = "original" if self.track.is_original else "dubbed-auto"
        return f"acont={kind}:{'drc=1:' if self.track.is_drc else ''}lang={self.track.language}"

    @property
    def format_id(self) -> str:
        """The itag plus stable qualifiers, e.g. "140", "140.en", "140.en.drc", "137.sr"."""
        parts = [str(self.itag)]
        if self.track:
            parts += [self.track.language, *(["drc"] if self.track.is_drc else [])]
        if self.is_super_resolution:
            parts.append("sr")
        return ".".join(parts)

    def read(self, start: int, end: int) -> bytes:
        """The bytes of [start, end)."""
        return content.read(self.content, start, end)

    def sha256(self) -> str:
        """Of the whole file, in hex. Takes seconds for a huge one, the first time."""
        return self._sha256

    @cached_property
    def _sha256(self) -> str:
        digest = hashlib.sha256()
        for chunk in self.content.chunks(0, self.size):
            digest.update(chunk)
        return digest.hexdigest()


def files(video: Video) -> list[MediaFile]:
    """Every file of a video, in the order of its itags and tracks."""
    return [file for itag in video.itags for file in _files_of(video, ITAGS[itag])]


def _files_of(video: Video, label: Itag) -> list[MediaFile]:
    has_tracks = label.sample_rate and not label.height
    tracks = (has_tracks and video.tracks) or (None,)
    return [_file(video, label, track) for track in tracks]


def _file(video: Video, label: Itag, track: Track | None) -> MediaFile:
    name = f"{video.video_id} {label.itag} {track and (track.audio_id, track.is_drc)} {video.revision}"
    digest = hashlib.sha256(name.encode())
    recording = video.recordings.get(label.itag)
    data = recording.read_bytes() if recording else rendition(label.itag)
    data = data.replace(TITLE, digest.hexdigest()[: len(TITLE)].encode())
    data += _padding(label.container, 64 * video.revision)
    body = _stretched(data, label.container, video, video.sizes.get(label.itag), name)
    return MediaFile(
        video_id=video.video_id,
        label=label,
        track=track,
        is_super_resolution=label.itag in video.super_resolution,
        lmt=_EPOCH + video.revision * 86_400_000_000 + int.from_bytes(digest.digest()[:5]),
        ranges=ranges(content.read(body, 0, 64 << 10), label.container),
        content=body,
    )


def _padding(container: str, size: int) -> bytes:
    """A box or an element of at least 9 bytes which readers skip."""
    if not size:
        return b""
    if container == "webm":
        return _void(size) + bytes(size - 9)
    return struct.pack(">I4s", size, b"free") + bytes(size - 8)


def _void(size: int) -> bytes:
    """The nine bytes that open a WebM Void element of this size in all."""
    return b"\xec\x01" + (size - 9).to_bytes(7)


def _stretched(data: bytes, container: str, video: Video, size: int | None, seed: str) -> Content:
    """A file of exactly `size` bytes, and of as many rounds as the video has."""
    found = ranges(data, container)
    if container != "webm" and found and (size or video.rounds > 1):
        return film(data, found.index[0], times=video.rounds, size=size, seed=seed)
    if not size:
        return Stored(data)
    return Joined(Stored(data + _void(size - len(data))), Generated(seed, size - len(data) - 9))
