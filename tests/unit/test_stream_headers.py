"""The header fields of a file."""

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.stream.headers import disposition, encoded, file_headers, part_headers
from shared.sources import ByteRange, Identity, Source

SOURCE = Source(
    media_id="dQw4w9WgXcQ",
    format_id="137",
    url="https://rr1---sn-a.googlevideo.com/videoplayback?secret=1",
    headers={},
    identity=Identity(itag="137", xtags="", lmt=784_111_777_999_999, size=1000),
    content_type="video/mp4",
    filename="A title.mp4",
    expires_at=0,
    available_at=None,
    init_range=None,
    index_range=None,
    exit="",
    family=None,
)


def test_what_every_answer_says() -> None:
    assert file_headers(SOURCE, is_inline=False) == {
        "Accept-Ranges": "bytes",
        "ETag": f'"{SOURCE.version}"',
        "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
        "Cache-Control": "private",
        "Content-Disposition": "attachment; filename=\"A title.mp4\"; filename*=UTF-8''A%20title.mp4",
        "X-Content-Type-Options": "nosniff",
    }
    assert len(SOURCE.version) == 16
    assert int(SOURCE.version, 16) >= 0


def test_a_source_without_a_date_says_none() -> None:
    undated = replace(SOURCE, identity=replace(SOURCE.identity, lmt=None))
    assert "Last-Modified" not in file_headers(undated, is_inline=False)


def test_the_tag_is_of_the_file_not_of_its_url() -> None:
    renewed = replace(SOURCE, url="https://rr2---sn-b.googlevideo.com/videoplayback", expires_at=1.0, exit="another")
    assert renewed.version == SOURCE.version
    for change in ({"itag": "136"}, {"xtags": "drc=1"}, {"lmt": 1}, {"size": 1001}):
        assert replace(SOURCE, identity=replace(SOURCE.identity, **change)).version != SOURCE.version


def test_a_part_and_the_whole() -> None:
    whole = part_headers(ByteRange(0, 1000), 1000, content_type="video/mp4", is_partial=False)
    assert whole == {"Content-Type": "video/mp4", "Content-Length": "1000"}
    part = part_headers(ByteRange(10, 20), 1000, content_type="video/mp4", is_partial=True)
    assert part == {"Content-Type": "video/mp4", "Content-Length": "10", "Content-Range": "bytes 10-19/1000"}


@pytest.mark.parametrize(
    ("filename", "ascii_form"),
    [
        ("plain.mp4", "plain.mp4"),
        ("Ünïcödé.mp4", "Unicode.mp4"),
        ("中文.mp4", "video.mp4"),
        ("🎬.webm", "video.webm"),
        ('quo"ted\\.mp4', "quoted.mp4"),
        ("a\r\nX-Injected: yes.mp4", "aX-Injected yes.mp4"),
        ("a;b=c.mp4", "a;b=c.mp4"),
        ("100% %41.mp4", "100 41.mp4"),
        ("", "video"),
        ("中文", "video"),
    ],
)
def test_an_ascii_name_for_old_clients(filename: str, ascii_form: str) -> None:
    assert f'filename="{ascii_form}"' in disposition(filename, is_inline=False)


def test_inline() -> None:
    assert disposition("a.mp4", is_inline=True).startswith("inline; ")


@settings(deadline=None)  # a busy machine is no failure
@given(st.text())
def test_no_name_ends_the_header_or_the_quotes(filename: str) -> None:
    value = disposition(filename, is_inline=False)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    assert "\\" not in value
    _, _, extended = value.partition("filename*=UTF-8''")
    assert not set(extended) & set(' "\\;,()<>@:/[]?={}\r\n')
    assert unquote(extended) == filename


def test_a_name_that_is_not_text() -> None:
    assert disposition("half of a pair: \ud83d.mp4", is_inline=False).isascii()


def test_as_asgi_wants_them() -> None:
    assert encoded({"Content-Length": "5"}) == [(b"content-length", b"5")]
