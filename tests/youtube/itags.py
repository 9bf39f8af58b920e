"""The real itag numbers: what each label promises, and how its small stand-in file is encoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Itag:
    """One YouTube format number.

    `codecs` is the label in mimeType. `height` 0 means no video, `sample_rate` 0 no sound. `encoder` names ffmpeg's.
    """

    itag: int
    container: str
    codecs: str
    encoder: str
    width: int = 0
    height: int = 0
    fps: int = 0
    is_hdr: bool = False
    sample_rate: int = 0
    audio_quality: str = ""
    audio_kbps: int = 0

    @property
    def mime(self) -> str:
        """The media type without codecs."""
        return f"{'video' if self.height else 'audio'}/{self.container}"

    @property
    def quality_label(self) -> str:
        return f"{self.height}p{self.fps if self.fps > 30 else ''}{' HDR' if self.is_hdr else ''}"

    @property
    def quality(self) -> str:
        names = {0: "tiny", 144: "tiny", 240: "small", 360: "medium", 480: "large", 4320: "highres"}
        return names.get(self.height, f"hd{self.height}")


_WIDTHS = {144: 256, 240: 426, 360: 640, 480: 854, 720: 1280, 1080: 1920, 1440: 2560, 2160: 3840, 4320: 7680}
_AV1_LEVELS = {144: "00", 240: "00", 360: "01", 480: "04", 720: "08", 1080: "09", 1440: "12", 2160: "13", 4320: "17"}


def _video(encoder: str, container: str, codecs: str, ladder: dict[int, tuple[int, int]], *, is_hdr: bool = False) -> list[Itag]:
    """Formats of one codec: itag to height and frame rate."""
    return [
        Itag(
            itag=itag,
            container=container,
            codecs=codecs.format(level=_AV1_LEVELS[height]),
            encoder=encoder,
            width=_WIDTHS[height],
            height=height,
            fps=fps,
            is_hdr=is_hdr,
        )
        for itag, (height, fps) in ladder.items()
    ]


_H264 = {
    160: (144, 30), 133: (240, 30), 134: (360, 30), 135: (480, 30), 136: (720, 30), 298: (720, 60), 137: (1080, 30),
    299: (1080, 60),
}  # fmt: skip
_VP9 = {
    278: (144, 30), 242: (240, 30), 243: (360, 30), 244: (480, 30), 247: (720, 30), 302: (720, 60), 248: (1080, 30),
    303: (1080, 60), 271: (1440, 30), 308: (1440, 60), 313: (2160, 30), 315: (2160, 60), 272: (4320, 60),
}  # fmt: skip
_VP9_HDR = {
    330: (144, 60), 331: (240, 60), 332: (360, 60), 333: (480, 60), 334: (720, 60), 335: (1080, 60),
    336: (1440, 60), 337: (2160, 60),
}  # fmt: skip
_AV1 = {
    394: (144, 30), 395: (240, 30), 396: (360, 30), 397: (480, 30), 398: (720, 60), 399: (1080, 60), 400: (1440, 60),
    401: (2160, 60), 402: (4320, 60), 571: (4320, 60),
}  # fmt: skip
_AV1_HDR = {
    694: (144, 60), 695: (240, 60), 696: (360, 60), 697: (480, 60), 698: (720, 60), 699: (1080, 60), 700: (1440, 60),
    701: (2160, 60), 702: (4320, 60),
}  # fmt: skip

VIDEO = [
    *_video("libx264", "mp4", "avc1.640028", _H264),
    *_video("libvpx-vp9", "webm", "vp9", _VP9),
    *_video("libvpx-vp9", "webm", "vp09.02.51.10.01.09.16.09.00", _VP9_HDR, is_hdr=True),
    *_video("libsvtav1", "mp4", "av01.0.{level}M.08", _AV1),
    *_video("libsvtav1", "mp4", "av01.0.{level}M.10.0.110.09.16.09.0", _AV1_HDR, is_hdr=True),
]
_LOW, _MEDIUM = "AUDIO_QUALITY_LOW", "AUDIO_QUALITY_MEDIUM"


def _audio(itag: int, codecs: str, kbps: int, sample_rate: int, quality: str) -> Itag:
    container, encoder = ("webm", "libopus") if codecs == "opus" else ("mp4", "aac")
    return Itag(
        itag=itag,
        container=container,
        codecs=codecs,
        encoder=encoder,
        sample_rate=sample_rate,
        audio_quality=quality,
        audio_kbps=kbps,
    )


AUDIO = [
    _audio(139, "mp4a.40.5", 48, 22050, _LOW),
    _audio(140, "mp4a.40.2", 128, 44100, _MEDIUM),
    _audio(249, "opus", 50, 48000, _LOW),
    _audio(250, "opus", 70, 48000, _LOW),
    _audio(251, "opus", 128, 48000, _MEDIUM),
]
COMBINED = Itag(
    itag=18,
    container="mp4",
    codecs="avc1.42001E, mp4a.40.2",
    encoder="libx264",
    width=640,
    height=360,
    fps=30,
    sample_rate=44100,
    audio_quality=_LOW,
    audio_kbps=96,
)

ITAGS = {itag.itag: itag for itag in [COMBINED, *VIDEO, *AUDIO]}
EVERY = tuple(ITAGS)
"""All of them: 144p to 4320p60 as H.264, VP9 and AV1, SDR and HDR, both audio families, and combined 360p."""
USUAL = (18, 134, 135, 136, 137, 243, 244, 247, 248, 396, 397, 398, 399, 139, 140, 249, 251)
"""A quick selection for videos whose point is something else."""
