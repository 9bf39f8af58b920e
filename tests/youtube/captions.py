"""What www.youtube.com/api/timedtext answers."""

from .answer import Answer, refusal, text
from .catalogue import Video

_CUES = ((0.0, 2.5, "First line"), (2.5, 5.0, "第二行 & <second>"), (5.0, 9.5, "Third line\nin two rows"))


def caption_answer(video: Video | None, query: dict[str, str]) -> Answer:
    """The captions of one track as WebVTT, SRT or, for every other `fmt`, plain XML; a translation says so in its first words."""
    wanted = (query.get("lang"), query.get("kind") == "asr")
    if video is None or wanted not in {(caption.language, caption.is_automatic) for caption in video.captions}:
        return refusal(404)
    translated = f"[{query['tlang']}] " if "tlang" in query else ""
    if query.get("fmt") == "vtt":
        return text(f"WEBVTT\nKind: captions\nLanguage: {query['lang']}\n\n{_blocks(translated, '.')}", "text/vtt; charset=UTF-8")
    if query.get("fmt") == "srt":
        return text(_blocks(translated, ","), "application/x-subrip; charset=UTF-8")
    return text(f"<transcript>{translated}{_blocks('', '.')}</transcript>", "text/xml; charset=UTF-8")


def _blocks(prefix: str, separator: str) -> str:
    return "\n".join(
        f"{number}\n{_clock(start, separator)} --> {_clock(end, separator)}\n{prefix}{line}\n"
        for number, (start, end, line) in enumerate(_CUES, 1)
    )


def _clock(seconds: float, separator: str) -> str:
    return f"00:00:{seconds:06.3f}".replace(".", separator)
