"""The files behind the formats, and how googlevideo hands them out."""

import hashlib
import subprocess
from pathlib import Path

import httpx
import imageio_ffmpeg
import pytest

import tests.youtube as stand_in
from tests.youtube import YouTube
from tests.youtube.content import BLOCK, Content, Generated, Joined, Stored, read


@pytest.mark.parametrize(
    "content", [Generated("seed", 3 * BLOCK + 17), Joined(Stored(b"head"), Generated("seed", 2 * BLOCK), Stored(b"tail"))]
)
def test_any_range_is_a_part_of_the_whole(content: Content) -> None:
    whole = read(content, 0, content.size)
    assert len(whole) == content.size
    for start in (0, 3, BLOCK - 1, BLOCK, BLOCK + 5, content.size - 2, content.size):
        for end in (start, start + 1, start + BLOCK, content.size):
            assert read(content, start, end) == whole[start:end]


def test_no_two_sources_are_equal(youtube: YouTube) -> None:
    files = [(stand_in.ORDINARY, "402"), (stand_in.ORDINARY, "571"), (stand_in.QUICK, "140"), (stand_in.ORDINARY, "140")]
    assert len({youtube.media(*file).sha256() for file in files}) == 4


def test_another_upload_differs_in_bytes_size_and_lmt(youtube: YouTube) -> None:
    before = youtube.media(stand_in.QUICK, "248")
    youtube.edit(stand_in.QUICK, revision=1)
    after = youtube.media(stand_in.QUICK, "248")
    assert after.size == before.size + 64
    assert after.lmt > before.lmt
    assert after.read(0, before.size) != before.read(0, before.size)


@pytest.mark.parametrize("format_id", ["137", "248", "140"])
@pytest.mark.parametrize("video_id", [stand_in.QUICK, stand_in.LARGE])
def test_files_are_playable(youtube: YouTube, tmp_path: Path, video_id: str, format_id: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(youtube.media(video_id, format_id).read(0, 1 << 40))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-ss", "7", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""


@pytest.mark.parametrize(("format_id", "size"), [("137", None), ("137", 5 << 20), ("140", None)])
def test_a_longer_film_goes_on(youtube: YouTube, tmp_path: Path, format_id: str, size: int | None) -> None:
    short = youtube.media(stand_in.QUICK, format_id)
    youtube.edit(stand_in.QUICK, rounds=3, sizes={137: size} if size else {})
    film = youtube.media(stand_in.QUICK, format_id)
    assert film.size == size or 2.5 * short.size < film.size < 3.1 * short.size
    path = tmp_path / "film.mp4"
    path.write_bytes(film.read(0, film.size))
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror"]
    decoded = [*ffmpeg, "-ss", "19", "-i", str(path), "-f", "framecrc", "-"]
    lines = subprocess.run(decoded, capture_output=True, check=True, text=True)
    assert lines.stderr == ""
    seconds = sum(not line.startswith("#") for line in lines.stdout.splitlines()) / (30 if format_id == "137" else 44100 / 1024)
    assert 10.9 < seconds < 11.1


def test_announced_ranges_hold_what_they_say(youtube: YouTube) -> None:
    mp4, webm = (youtube.media(stand_in.LARGE, itag) for itag in (137, 248))
    assert mp4.ranges
    assert webm.ranges
    assert mp4.read(mp4.ranges.index[0] + 4, mp4.ranges.index[0] + 8) == b"sidx"
    assert mp4.read(mp4.ranges.index[1] + 5, mp4.ranges.index[1] + 9) == b"moof"
    assert webm.read(webm.ranges.index[0], webm.ranges.index[0] + 4) == bytes.fromhex("1c53bb6b")


@pytest.mark.parametrize("proxy", ["http_proxy", "socks_proxy"])
@pytest.mark.parametrize(("first", "last"), [(0, 0), (100, 70_000), ((4 << 30) - 5, (4 << 30) + 5), ((5 << 30) - 1, (5 << 30) - 1)])
def test_ranges_of_a_huge_file(youtube: YouTube, trust: object, proxy: str, first: int, last: int) -> None:
    file = youtube.media(stand_in.HUGE, "137")
    with httpx.Client(proxy=getattr(youtube, proxy), verify=trust) as client:  # type: ignore[arg-type]
        answer = client.get(youtube.url(stand_in.HUGE, "137"), headers={"Range": f"bytes={first}-{last}"})
    assert answer.status_code == 206
    assert answer.content == file.read(first, last + 1)
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{file.size}"
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["last-modified"].endswith("GMT")


def test_range_as_a_parameter_is_answered_200(youtube: YouTube, client: httpx.Client) -> None:
    answer = client.get(youtube.url(stand_in.QUICK, 140) + "&range=10-19")
    assert (answer.status_code, answer.content) == (200, youtube.media(stand_in.QUICK, 140).read(10, 20))
    assert youtube.requests.media[-1].range == (10, 19)


def test_range_behind_the_end(youtube: YouTube, client: httpx.Client) -> None:
    size = youtube.media(stand_in.QUICK, 140).size
    answer = client.get(youtube.url(stand_in.QUICK, 140), headers={"Range": f"bytes={size}-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_head(youtube: YouTube, client: httpx.Client) -> None:
    answer = client.head(youtube.url(stand_in.QUICK, 140))
    assert int(answer.headers["content-length"]) == youtube.media(stand_in.QUICK, 140).size
    assert youtube.requests.media[-1].method == "HEAD"


@pytest.mark.parametrize("change", [("itag=140", "itag=251"), ("sig=", "sig=x"), ("ip=198", "ip=199")])
def test_tampered_urls(youtube: YouTube, client: httpx.Client, change: tuple[str, str]) -> None:
    assert client.get(youtube.url(stand_in.QUICK, 140).replace(*change)).status_code == 403


def test_expired_url(youtube: YouTube, client: httpx.Client) -> None:
    youtube.edit(stand_in.QUICK, expires_in=-1)
    assert client.get(youtube.url(stand_in.QUICK, 140)).status_code == 403


def test_whole_file_has_the_sum(youtube: YouTube, client: httpx.Client) -> None:
    content = client.get(youtube.url(stand_in.LARGE, 248)).content
    assert hashlib.sha256(content).hexdigest() == youtube.media(stand_in.LARGE, 248).sha256()
