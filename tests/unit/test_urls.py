"""From any form of a YouTube URL to one video, and nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.problems import ProblemError
from shared.urls import WATCH_HOSTS, Video, parse_video

ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"https://www.youtube.com/watch?v={ID}",
        f"http://youtube.com/watch?v={ID}",
        f"youtube.com/watch?v={ID}",
        f"//www.youtube.com/watch?v={ID}",
        f"https://www.youtube.com:443/watch?v={ID}",
        f"HTTPS://WWW.YOUTUBE.COM/watch?v={ID}",
        f"https://m.youtube.com/watch?app=desktop&v={ID}",
        f"https://music.youtube.com/watch?v={ID}&list=RDAMVM{ID}",
        f"https://www.youtube.com/watch?v={ID}&list=PL1234567890&index=3&t=42s&pp=abc&si=xyz",
        f"https://youtu.be/{ID}",
        f"https://youtu.be/{ID}?t=42&si=AbCdEf",
        f"youtu.be/{ID}",
        f"https://www.youtube.com/shorts/{ID}?feature=share",
        f"https://www.youtube.com/live/{ID}",
        f"https://www.youtube.com/embed/{ID}?autoplay=1",
        f"https://www.youtube-nocookie.com/embed/{ID}",
        f"https://www.youtube.com/v/{ID}",
        f"https://www.youtube.com/watch/{ID}",
        f"https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3D{ID}%26feature%3Dshare",
        f"https://youtu.be/watch?v={ID}",
        f"https://www.youtu.be/{ID}/",
        f"https://youtube.com/?v={ID}&feature=youtu.be",
        f"https://www.youtube.com?v={ID}",
        f"https://www.youtube.com/watch?v={ID}&ab_channel=频道",
        f"https://www.youtube.com/watch?ab_channel=Café&v={ID}#вверх",
        f"https://www.youtube.com/embed/{ID}?list=videoseries",
        f"  https://youtu.be/{ID}\n",
    ],
)
def test_every_form_names_the_same_video(text: str) -> None:
    assert parse_video(text) == Video(ID)


def test_the_canonical_url_has_no_tracking() -> None:
    assert parse_video(f"https://youtu.be/{ID}?si=tracked").url == f"https://www.youtube.com/watch?v={ID}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=short",
        f"https://www.youtube.com/watch?v={ID}x",
        "https://www.youtube.com/playlist?list=PL123",
        "https://www.youtube.com/embed/videoseries?list=PL123",
        "https://www.youtube-nocookie.com/embed/live_stream?channel=UC123",
        "https://www.youtube.com/embed/live_stream/",
        "https://youtu.be/",
        "https://youtu.be/watch",
        f"https://youtu.be/频道?v={ID}",
        f"https://www.youtube.com/频道?v={ID}",
        f"https://www.youtube.com/watch?v={ID}&ab_channel=My Channel",
        f"https://www.youtube.com/watch?v={ID}&ab_channel=a\u3000b",
        f"https://www.youtube.com/watch?v={ID}&ab_channel=\ud800",
        f"https://evil.example?频道@www.youtube.com/watch?v={ID}",
        "https://www.youtube.com/@channel",
        f"https://youtube.com.evil.example/watch?v={ID}",
        f"https://evil.example/youtube.com/watch?v={ID}",
        f"https://notyoutube.com/watch?v={ID}",
        f"https://www.youtube.com@evil.example/watch?v={ID}",
        f"https://evil@www.youtube.com/watch?v={ID}",
        f"https://evil.example#@www.youtube.com/watch?v={ID}",
        f"https://evil.example\\@www.youtube.com/watch?v={ID}",
        f"https://www.youtube.com:8443/watch?v={ID}",
        f"https://www.youtube.com./watch?v={ID}",
        f"ftp://www.youtube.com/watch?v={ID}",
        f"file:///watch?v={ID}",
        f"javascript:alert(1)//youtube.com/watch?v={ID}",
        f"https://127.0.0.1/watch?v={ID}",
        f"https://[::1]/watch?v={ID}",
        f"https://2130706433/watch?v={ID}",
        f"https://0x7f.1/watch?v={ID}",
        f"https://www.yоutube.com/watch?v={ID}",  # a Cyrillic о
        f"https://www。youtube。com/watch?v={ID}",
        f"https://xn--yutube-wqf.com/watch?v={ID}",
        f"https://www.youtube.com\r\nHost: evil.example/watch?v={ID}",
        f"https://www.you\ttube.com/watch?v={ID}",
        f"https://www.youtube.com/watch?v={ID}\x00",
        "https://[www.youtube.com/watch?v=x",
        "https://www.youtube.com:99999999/watch?v=x",
        f"https://vimeo.com/{ID}",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        parse_video(text)
    assert refused.value.code == "unsupported_url"


@given(st.text(max_size=200))
def test_whatever_is_posted_gets_a_video_or_a_refusal(text: str) -> None:
    with suppress(ProblemError):
        assert parse_video(text).media_id in text


@given(st.sampled_from(sorted(WATCH_HOSTS)), st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True), st.text(max_size=40))
def test_a_look_alike_host_never_passes(host: str, media_id: str, prefix: str) -> None:
    for lookalike in (f"{host}.evil.example", f"x{host}", f"{host}@evil.example", f"evil.example/{host}"):
        with pytest.raises(ProblemError):
            parse_video(f"https://{lookalike}/watch?v={media_id}")
