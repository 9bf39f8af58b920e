"""Media to be merged, made once with ffmpeg as YouTube packs it, and their merging in memory."""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from functools import cache
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from functions.stream.merge import choice
from functions.stream.merge.choice import Container, Head
from functions.stream.merge.errors import Reason, Short, Unsupported
from functions.stream.merge.layout import AUDIO, VIDEO, Layout, Origin, Track
from functions.stream.merge.layouts import INSTEAD
from functions.stream.merge.mp4_head import Mp4
from functions.stream.merge.reader import read
from shared.sources import ByteRange
from shared.tags import UNTAGGED, Chapter, Tags, tags_of
from tests.streaming import result_of
from tests.youtube import YouTube

CACHE: Final = Path(__file__).parents[1] / ".cache" / "merge-media"
VERSION: Final = 1
"""Raised whenever a recipe changes: the files are made again."""

CHUNK: Final = 5000
"""Bytes that a source gives at once: several of a cluster's blocks, and edges everywhere."""

TAGS: Final = Tags(
    title="标题 🎬 „quoted“ & <b>",
    artist="Kanal Ü 频道",
    date="2026-05-04",
    url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    chapters=(Chapter("Beginning", 0), Chapter("中间 👩‍🚀", 1_250), Chapter("", 2_001), Chapter("End & “quotes”", 2_999)),
)
"""Of a video of three seconds."""

_MP4: Final = "-brand dash -movflags +frag_keyframe+empty_moov+default_base_moof+dash+global_sidx{more} -f mp4"
_SOUND: Final = "-brand dash -frag_duration 10000000 -movflags +empty_moov+default_base_moof+dash+global_sidx{more} -f mp4"
_WEBM: Final = "-f webm -dash 1 -cues_to_front 1 -cluster_time_limit {limit}"
_PICTURE: Final = "-f lavfi -i testsrc2=size=160x90:rate={rate}:duration={seconds} -pix_fmt yuv420p -g {gop} -keyint_min {gop}"
_TONE: Final = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds} -ac 2"
_H264: Final = "-c:v libx264 -preset ultrafast -sc_threshold 0 -bf {bframes}"


def picture(codec: str, *, seconds: float, rate: int = 25, gop: int = 125) -> str:
    """ffmpeg's arguments for a video track."""
    source = _PICTURE.format(rate=rate, seconds=seconds, gop=gop)
    return f"{source} {codec}"


RECIPES: Final = {
    "h264.mp4": picture(_H264.format(bframes=0), seconds=30) + " " + _MP4.format(more=""),
    "h264-bframes.mp4": picture(_H264.format(bframes=2), seconds=30) + " " + _MP4.format(more="+delay_moov"),
    "h264-negative.mp4": picture(_H264.format(bframes=2), seconds=30) + " " + _MP4.format(more="+negative_cts_offsets"),
    "h264-short.mp4": picture(_H264.format(bframes=2), seconds=3) + " " + _MP4.format(more="+delay_moov"),
    "h264-long.mp4": picture(_H264.format(bframes=0), seconds=600, rate=10, gop=50) + " " + _MP4.format(more=""),
    "av1.mp4": picture("-c:v libsvtav1 -preset 12 -crf 40 -svtav1-params lp=1", seconds=30) + " " + _MP4.format(more=""),
    "vp9.webm": picture("-c:v libvpx-vp9 -deadline realtime -cpu-used 8", seconds=30) + " " + _WEBM.format(limit=5000),
    "vp9-short.webm": picture("-c:v libvpx-vp9 -deadline realtime -cpu-used 8", seconds=3) + " " + _WEBM.format(limit=5000),
    "vp9-long.webm": picture("-c:v libvpx-vp9 -deadline realtime -cpu-used 8", seconds=120, rate=10, gop=50)
    + " "
    + _WEBM.format(limit=5000),
    "av1.webm": picture("-c:v libsvtav1 -preset 12 -crf 40 -svtav1-params lp=1", seconds=30) + " " + _WEBM.format(limit=5000),
    "aac.mp4": _TONE.format(seconds=30.4) + " -c:a aac " + _SOUND.format(more=""),
    "aac-edited.mp4": _TONE.format(seconds=30) + " -c:a aac " + _SOUND.format(more="+delay_moov"),
    "aac-short.mp4": _TONE.format(seconds=3) + " -c:a aac " + _SOUND.format(more="+delay_moov"),
    "aac-longer.mp4": _TONE.format(seconds=75) + " -c:a aac " + _SOUND.format(more=""),
    "aac-shorter.mp4": _TONE.format(seconds=11) + " -c:a aac " + _SOUND.format(more=""),
    "aac-long.mp4": _TONE.format(seconds=600) + " -c:a aac -b:a 32k " + _SOUND.format(more=""),
    "opus.webm": _TONE.format(seconds=30.4) + " -c:a libopus " + _WEBM.format(limit=10000),
    "opus-short.webm": _TONE.format(seconds=3) + " -c:a libopus " + _WEBM.format(limit=10000),
    "opus-long.webm": _TONE.format(seconds=120) + " -c:a libopus " + _WEBM.format(limit=10000),
    "opus-longer.webm": _TONE.format(seconds=75) + " -c:a libopus " + _WEBM.format(limit=10000),
    "opus-shorter.webm": _TONE.format(seconds=11) + " -c:a libopus " + _WEBM.format(limit=10000),
}

PAIRS: Final = [
    ("h264.mp4", "aac.mp4"),
    ("h264-bframes.mp4", "aac-edited.mp4"),
    ("h264-negative.mp4", "aac-longer.mp4"),
    ("h264-bframes.mp4", "aac-shorter.mp4"),
    ("h264-short.mp4", "aac-short.mp4"),
    ("h264-long.mp4", "aac-long.mp4"),
    ("av1.mp4", "aac-edited.mp4"),
    ("vp9.webm", "opus.webm"),
    ("vp9.webm", "opus-longer.webm"),
    ("vp9.webm", "opus-shorter.webm"),
    ("vp9-short.webm", "opus-short.webm"),
    ("av1.webm", "opus.webm"),
]


def path_of(name: str) -> Path:
    """The file, made if it is not there yet."""
    path = CACHE / f"v{VERSION}" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix="making-"))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *RECIPES[name].split(), "-fflags", "+bitexact"]
        try:
            subprocess.run([*command, str(folder / name)], check=True, capture_output=True)
            (folder / name).rename(path)  # at once: another process sees all of it or nothing
        finally:
            shutil.rmtree(folder)
    return path


@cache
def content(name: str) -> bytes:
    """The file."""
    return path_of(name).read_bytes()


def head_of(data: bytes, kind: Container, *, first: int = 64, size: int | None = None) -> Head:
    """Asks for as much as it takes; of a file of ``size`` bytes, if these are only its beginning."""
    while True:
        try:
            return choice.read_head(data[:first], size or len(data), kind)
        except Short as short:
            first, before = short.needed, first
        assert before < first <= len(data)


def beginnings_of(data: bytes, track: Mp4) -> list[bytes]:
    """Of every fragment of a whole file; as long as any moof here."""
    index = track.index
    return [data[at : at + min(size, 8000)] for at, size in zip(index.offsets, index.sizes, strict=False)]


def chosen(video: bytes, audio: bytes, kind: Container, tags: Tags = UNTAGGED) -> Layout:
    """The layout that these two get."""
    found = layouts(video, audio, kind, tags, unless=INSTEAD)
    return found[-1]


def layouts(
    video: bytes, audio: bytes, kind: Container, tags: Tags = UNTAGGED, *, unless: frozenset[Reason] = frozenset()
) -> list[Layout]:
    """Every layout that these two can have; without one that is refused for such a reason."""
    heads = head_of(video, kind), head_of(audio, kind)
    made = [choice.plan(*heads, tags)]
    if isinstance(heads[0], Mp4) and isinstance(heads[1], Mp4):
        beginnings = beginnings_of(video, heads[0]), beginnings_of(audio, heads[1])
        try:
            made.append(choice.plan_short(heads[0], heads[1], beginnings, tags))
        except Unsupported as error:
            if error.reason not in unless:
                raise
    return made


async def whole(video: bytes, audio: bytes, kind: Container, tags: Tags) -> bytes:
    """The merged file, complete."""
    return await merged(chosen(video, audio, kind, tags), Sources(video, audio, chunk=1 << 20))


class Sources:
    """Two files in memory; remembers what was asked of them."""

    def __init__(self, video: bytes, audio: bytes, *, chunk: int = CHUNK) -> None:
        self._files = {VIDEO: video, AUDIO: audio}
        self._chunk = chunk
        self.asked: list[tuple[int, ByteRange]] = []

    async def open(self, origin: Origin, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        self.asked.append((origin, wanted))
        data = self._files[origin]
        assert 0 <= wanted.start < wanted.end <= len(data)
        for at in range(wanted.start, wanted.end, self._chunk):
            yield data[at : min(at + self._chunk, wanted.end)]


async def merged(layout: Layout, sources: Sources, wanted: ByteRange | None = None) -> bytes:
    """These bytes of the merged file."""
    return b"".join([chunk async for chunk in read(layout, wanted or ByteRange(0, layout.size), sources.open)])


class Merged:
    """What a merged file of the stand-in has to be, made in memory."""

    def __init__(self, youtube: YouTube, video_id: str, video: str, audio: str, *, is_tagged: bool = True) -> None:
        files = [youtube.media(video_id, name) for name in (video, audio)]
        self._video, self._audio = (file.read(0, file.size) for file in files)
        self._kind: Container = "webm" if files[0].mime == "video/webm" else "mp4"
        self.tags = tags_of(result_of(youtube, video_id)) if is_tagged else UNTAGGED
        self.layout: Layout = chosen(self._video, self._audio, self._kind, self.tags)
        self.size = self.layout.size

    def fragment(self, track: Track, number: int) -> int:
        """Where one begins in its MP4 file."""
        head = head_of(self._video if track == VIDEO else self._audio, self._kind)
        assert isinstance(head, Mp4)
        return head.index.offsets[number]

    async def read(self, start: int = 0, end: int | None = None) -> bytes:
        return await merged(
            self.layout, Sources(self._video, self._audio, chunk=1 << 20), ByteRange(start, self.size if end is None else end)
        )
