"""Format ids and file names: whatever YouTube says, they stay usable."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.analyze.extraction.filenames import MAX_BYTES, cleaned, filename, fitted
from functions.analyze.extraction.format_ids import format_id, language
from functions.analyze.extraction.locator import locate, parse_tags

MEDIA_ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    ("xtags", "track_id", "is_drc", "expected"),
    [
        ("", None, False, "140"),
        ("acont=original:lang=en", "en.4", False, "140.en"),
        ("acont=original:lang=en", None, False, "140.en"),
        ("acont=dubbed-auto:lang=de-DE", "de-DE.10", False, "140.de-DE"),
        ("acont=descriptive:lang=en", "en.2", False, "140.en.desc"),
        ("acont=original:drc=1:lang=en", "en.4", True, "140.en.drc"),
        ("drc=1", None, False, "140.drc"),
        ("", "en.4", True, "140.en.drc"),
        ("sr=1", None, False, "140.sr"),
        ("vb=1", None, False, "140.vb-1"),
        ("lang=e/n é", None, False, "140.e-n"),
    ],
)
def test_format_ids(xtags: str, track_id: str | None, is_drc: bool, expected: str) -> None:
    assert format_id(itag="140", tags=parse_tags(xtags), track_id=track_id, is_drc=is_drc) == expected


@given(st.text(), st.text() | st.none(), st.booleans())
def test_format_ids_have_safe_characters(xtags: str, track_id: str | None, is_drc: bool) -> None:
    made = format_id(itag="140", tags=parse_tags(xtags), track_id=track_id, is_drc=is_drc)
    assert re.fullmatch(r"140(\.[A-Za-z0-9_-]+)*", made)


def test_the_order_of_tags_does_not_matter() -> None:
    one, other = parse_tags("b=2:a=1:lang=en:drc=1"), parse_tags("drc=1:lang=en:a=1:b=2")
    assert format_id(itag="1", tags=one, track_id=None, is_drc=False) == format_id(
        itag="1", tags=other, track_id=None, is_drc=False
    )


def test_language_is_the_track_s() -> None:
    assert language(tags={"lang": "en"}, track_id="fr-CA.3") == "fr-CA"
    assert language(tags={}, track_id=None) is None


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Plain title", "Plain title [dQw4w9WgXcQ] 1080p.mp4"),
        ("", "[dQw4w9WgXcQ] 1080p.mp4"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j [dQw4w9WgXcQ] 1080p.mp4"),
        ("line\r\nSet-Cookie: x", "line Set-Cookie_ x [dQw4w9WgXcQ] 1080p.mp4"),
        ("gpj.\u202eexe\x00\x07", "gpj.exe [dQw4w9WgXcQ] 1080p.mp4"),
        ("../../etc/passwd", "_.._etc_passwd [dQw4w9WgXcQ] 1080p.mp4"),
        ("-rf .", "rf [dQw4w9WgXcQ] 1080p.mp4"),
        ("日本語 ünïcode 👩‍🚀", "日本語 ünïcode 👩‍🚀 [dQw4w9WgXcQ] 1080p.mp4"),
        ("e\u0301", "é [dQw4w9WgXcQ] 1080p.mp4"),
    ],
)
def test_file_names(title: str, expected: str) -> None:
    assert filename(title, media_id=MEDIA_ID, label="1080p", extension="mp4") == expected


@given(st.text(max_size=400), st.sampled_from(["", "1080p", "2160p60 HDR10 AV1 video", "audio 128k de-DE drc"]))
def test_any_title_makes_a_safe_name(title: str, label: str) -> None:
    name = filename(title, media_id=MEDIA_ID, label=label, extension="webm")
    assert len(name.encode()) <= MAX_BYTES
    assert f"[{MEDIA_ID}]" in name
    assert name.endswith(".webm")
    assert not set(name) & set('<>:"/\\|?*')
    assert all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in name)
    assert not set(name) & {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200e", "\u200f", "\ufeff"}
    assert name[0] not in ". -"
    assert name == name.strip()


@pytest.mark.parametrize("title", ["CON", "con.", "Lpt1", "nul", "NUL.txt", "aux"])
def test_reserved_names_do_not_come_out(title: str) -> None:
    assert filename(title, media_id=MEDIA_ID, label="", extension="mp4").split(".")[0].upper() not in {"CON", "LPT1", "NUL", "AUX"}


def test_nothing_is_cut_in_the_middle() -> None:
    astronaut = "👩‍🚀"
    assert fitted(astronaut * 3, 25) == astronaut * 2
    assert fitted("e\u0328\u0301" * 3, 7) == "e\u0328\u0301"
    assert fitted("日本", 5) == "日"
    assert fitted("x", 0) == ""


@given(st.text(), st.integers(min_value=0, max_value=60))
def test_fitted_is_a_prefix_that_fits(text: str, room: int) -> None:
    cut = fitted(cleaned(text), room)
    assert len(cut.encode()) <= room
    assert cleaned(text).startswith(cut)


def test_what_a_media_url_says() -> None:
    url = (
        "https://rr1---sn-x.googlevideo.com/videoplayback?expire=1795504150&ip=2001%3Adb8%3A%3A7&itag=140"
        "&xtags=acont%3Doriginal%3Alang%3Den&clen=164104&lmt=1700910890644428"
    )
    found = locate(url)
    assert (found.itag, found.clen, found.lmt, found.expire, found.family) == ("140", 164104, 1700910890644428, 1795504150, "ipv6")
    assert found.tags == {"acont": "original", "lang": "en"}
    assert locate("https://x.googlevideo.com/videoplayback?ip=198.51.100.7").family == "ipv4"
    assert locate("https://x.googlevideo.com/videoplayback").family is None
    assert locate("https://x.googlevideo.com/videoplayback?clen=12x").clen is None
