"""Ten seconds of which a long film is made that is nothing but media: eight megabits a second, at 60 pictures."""

import subprocess
from pathlib import Path
from typing import Final

import imageio_ffmpeg

from tests.youtube import Video

FILM: Final = "bench-film1"
VIDEO, AUDIO = 299, 140
ROUND: Final = 9_905_834
"""Bytes of video, about."""

_PICTURE: Final = "-f lavfi -i testsrc2=size=320x180:rate=60:duration=10 -pix_fmt yuv420p -c:v libx264 -preset ultrafast"
_GROUPS: Final = "-g 120 -keyint_min 120 -sc_threshold 0"
_RATE: Final = "-b:v 8M -minrate 8M -maxrate 8M -bufsize 8M -x264-params nal-hrd=cbr:filler=1"
_PACKED: Final = "-brand dash -movflags +frag_keyframe+empty_moov+default_base_moof+dash+global_sidx -f mp4"


def film(folder: Path, *, size: int) -> Video:
    """One with at least so many bytes of video."""
    path = folder / "film.mp4"
    options = f"-v error -y {_PICTURE} {_GROUPS} {_RATE} {_PACKED}".split()
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *options, str(path)], check=True, capture_output=True)
    rounds = -(-size // ROUND)
    return Video(video_id=FILM, itags=(VIDEO, AUDIO), rounds=rounds, duration=10 * rounds, recordings={VIDEO: path})
