"""Real media for every itag, made once with ffmpeg and kept outside of git.

MP4 as YouTube packs it: `ftyp dash`, moov, one global sidx, fragments. WebM DASH with the Cues in front.
Whatever the label says, the pictures are small, and larger labels give larger files.
"""

import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from .itags import ITAGS, Itag

CACHE = Path(__file__).parents[2] / ".cache" / "youtube-media"
VERSION = 3
"""Raised whenever the recipe changes: the files are made again."""
DURATION = 10
"""Seconds of every file."""
TITLE = b"the title of one source"
"""The title in every file; overwritten with something of the same length, so that no two sources are equal."""

_FRAGMENT_SECONDS = 2
_MP4 = ["-brand", "dash", "-movflags", "+frag_keyframe+empty_moov+default_base_moof+dash+global_sidx"]
_MP4_AUDIO = [
    *("-brand", "dash", "-frag_duration", f"{_FRAGMENT_SECONDS}000000"),
    *("-movflags", "+empty_moov+default_base_moof+dash+global_sidx"),
]
_PROGRESSIVE = ["-movflags", "+faststart"]
_WEBM = ["-f", "webm", "-dash", "1", "-cues_to_front", "1", "-cluster_time_limit", f"{_FRAGMENT_SECONDS}000"]
_HDR = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"]
_SPEED = {
    "libx264": "-preset ultrafast -sc_threshold 0",
    "libvpx-vp9": "-deadline realtime -cpu-used 8 -crf 40 -b:v 0",
    "libsvtav1": "-preset 12 -crf 40 -svtav1-params lp=1",
}


@cache
def rendition(itag: int) -> bytes:
    """The file of an itag."""
    return (_folder() / str(itag)).read_bytes()


@cache
def cover(extension: str) -> bytes:
    """A picture, as "jpg" or "webp"."""
    return (_folder() / f"cover.{extension}").read_bytes()


@cache
def _folder() -> Path:
    folder = CACHE / f"v{VERSION}"
    if not folder.exists():
        _make(folder)
    return folder


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix="making-"))
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda extension: _draw(making / f"cover.{extension}"), ["jpg", "webp"]))
            list(pool.map(lambda itag: _encode(itag, making / str(itag.itag)), ITAGS.values()))
        making.rename(folder)  # at once: another process sees all files or none
    except OSError:
        if not folder.exists():  # another process was first
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _draw(path: Path) -> None:
    _ffmpeg("-f", "lavfi", "-i", "testsrc2=size=480x360", "-frames:v", "1", str(path))


def _encode(itag: Itag, path: Path) -> None:
    options = [*_video_options(itag), *_audio_options(itag)]
    _ffmpeg(*_sources(itag), "-fflags", "+bitexact", *options, "-metadata", f"title={TITLE.decode()}", *_packaging(itag), str(path))


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True, capture_output=True)


def _sources(itag: Itag) -> list[str]:
    sources = []
    if itag.height:
        width = 64 + itag.height // 30 * 2  # 72 for 144p, 352 for 4320p
        sources += ["-f", "lavfi", "-i", f"testsrc2=size={width}x{width * 9 // 32 * 2}:rate={itag.fps}:duration={DURATION}"]
    if itag.sample_rate:
        sources += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate={itag.sample_rate}:duration={DURATION}"]
    return sources


def _video_options(itag: Itag) -> list[str]:
    if not itag.height:
        return []
    gop = str(itag.fps * _FRAGMENT_SECONDS)
    pixels = ["-pix_fmt", "yuv420p10le", *_HDR] if itag.is_hdr else ["-pix_fmt", "yuv420p"]
    return ["-c:v", itag.encoder, *_SPEED[itag.encoder].split(), "-flags:v", "+bitexact", "-g", gop, "-keyint_min", gop, *pixels]


def _audio_options(itag: Itag) -> list[str]:
    if not itag.sample_rate:
        return []
    codec = itag.encoder if not itag.height else "aac"
    return ["-c:a", codec, "-b:a", f"{itag.audio_kbps}k", "-ac", "2", "-flags:a", "+bitexact"]


def _packaging(itag: Itag) -> list[str]:
    if itag.container == "webm":
        return _WEBM
    if itag.height and itag.sample_rate:
        return [*_PROGRESSIVE, "-f", "mp4"]
    return [*(_MP4 if itag.height else _MP4_AUDIO), "-f", "mp4"]
