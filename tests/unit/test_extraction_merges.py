"""Which pairs are offered as one file, in which order, and what is recommended."""

from typing import Any

from functions.analyze.extraction.formats import Candidate, candidates, grouped
from functions.analyze.extraction.merges import MAX_MERGES, merges, recommended
from functions.analyze.extraction.wire import Info, Listed
from shared.schemas import Merge
from tests.unit.test_extraction_formats import MEDIA_ID, NOW, digest, listing, sound


def webm(itag: int, codec: str = "vp9", **changes: Any) -> Listed:
    return listing(itag, ext="webm", vcodec=codec, **changes)


def opus(itag: int = 251, **changes: Any) -> Listed:
    return sound(itag, ext="webm", acodec="opus", **changes)


def dubbed(itag: int, language: str, *, is_original: bool = False, is_drc: bool = False) -> Listed:
    kind = "original" if is_original else "dubbed"
    tags = f"acont={kind}:{'drc=1:' if is_drc else ''}lang={language}"
    return sound(itag, xtags=tags, language_preference=10 if is_original else -1)


def found(*listed: Listed) -> list[Candidate]:
    info = Info(id=MEDIA_ID, title="Title", formats=list(listed))
    return candidates(info, [], media_id=MEDIA_ID, exit_digest=digest, is_proxied=True, now=NOW)


def ids(some: list[Merge]) -> list[str]:
    return [merge.format_id for merge in some]


def picks(*listed: Listed) -> dict[str, str]:
    some = found(*listed)
    formats = grouped([candidate.format for candidate in some])
    return {pick.kind: pick.format_id for pick in recommended(formats, merges(some))}


def test_a_video_gets_the_best_sound_of_its_container() -> None:
    av1 = listing(401, height=2160, width=3840, vcodec="av01.0.13M.08")
    some = found(
        listing(137), av1, webm(313, height=2160, width=3840), sound(139, tbr=48.0), sound(140), opus(249, tbr=50.0), opus(251)
    )
    assert ids(merges(some)) == ["401+140", "313+251", "137+140"]


def test_what_does_not_go_together_is_not_offered() -> None:
    both = listing(18, acodec="mp4a.40.2")
    assert merges(found(both, listing(137), opus())) == []
    assert merges(found(webm(248), sound())) == []
    assert merges(found(both, sound())) == []
    assert merges(found(listing(137, vcodec="hev1.1.6"), sound())) == []
    assert merges(found(listing(137), sound(380, acodec="ac-3"))) == []
    assert merges([]) == []


def test_a_merge_says_what_it_will_be() -> None:
    video, audio = found(listing(137, clen=5000), sound(clen=700))
    (merge,) = merges([video, audio])
    assert (merge.video_format_id, merge.audio_format_id) == ("137", "140")
    assert (merge.container, merge.extension, merge.resolution) == ("mp4", "mp4", "1080p")
    assert (merge.size, merge.is_size_exact) == (5700, False)
    assert merge.version is None
    assert merge.filename == f"Title [{MEDIA_ID}] 1080p 128k.mp4"


def test_names_tell_one_merge_from_another_and_from_single_files() -> None:
    some = found(listing(137), webm(248), dubbed(140, "en", is_original=True), dubbed(140, "de"), opus())
    names = [merge.filename for merge in merges(some)] + [candidate.format.filename for candidate in some]
    assert len(set(names)) == len(names)
    assert f"Title [{MEDIA_ID}] 1080p VP9 128k.webm" in names
    assert f"Title [{MEDIA_ID}] 1080p 128k de.mp4" in names


def test_every_language_follows_the_original_one() -> None:
    some = found(
        listing(137), listing(136, height=720, width=1280), dubbed(140, "de"), dubbed(139, "de"),
        dubbed(140, "en", is_original=True), dubbed(140, "en", is_original=True, is_drc=True), dubbed(140, "fr"),
    )  # fmt: skip
    listed = ids(merges(some))
    assert listed[:2] == ["137+140.en", "136+140.en"]
    assert set(listed[2:]) == {"137+140.de", "136+140.de", "137+140.fr", "136+140.fr"}


def test_dozens_of_languages_have_an_end() -> None:
    videos = [listing(itag, height=100 + itag, width=None) for itag in range(100, 130)]
    languages = [dubbed(140, f"{letter}{other}") for letter in "abcde" for other in "abcdefgh"]
    listed = merges(found(*videos, *languages, dubbed(140, "xx", is_original=True)))
    assert len(listed) == MAX_MERGES
    assert all(merge.audio_format_id == "140.xx" for merge in listed[: len(videos)])


def test_recommended() -> None:
    both = listing(18, acodec="mp4a.40.2", height=360, width=640)
    av1 = listing(401, height=2160, width=3840, vcodec="av01.0.13M.08")
    everything = [both, listing(137), av1, webm(313, height=2160, width=3840), sound(), opus()]
    assert picks(*everything) == {"best": "401+140", "compatible": "137+140", "audio": "251"}
    assert picks(both, sound()) == {"best": "18", "compatible": "18", "audio": "140"}
    assert picks(both, webm(248), opus()) == {"best": "248+251", "compatible": "18", "audio": "251"}
    assert picks(webm(248), opus()) == {"best": "248+251", "audio": "251"}
    assert picks(listing(137), opus()) == {"audio": "251"}
    assert picks(listing(137)) == {}
