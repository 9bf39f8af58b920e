"""Links: made when an answer is made, signed for exactly one file."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.links import LIFETIME, Links
from shared.problems import ProblemError
from shared.settings import Settings

OPEN = Settings(secret_key="s" * 32)
CLOSED = Settings(secret_key="s" * 32, access_key="k" * 32)
NOW = 1_800_000_000.0
VIDEO = "dQw4w9WgXcQ"


def signed(links: Links, target: str = "137", version: str | None = "0123456789abcdef") -> dict[str, str]:
    query = parse_qs(urlsplit(links.stream(VIDEO, target, version, now=NOW)).query)
    return {name: values[0] for name, values in query.items()}


def test_without_an_access_key_a_link_is_short_and_always_holds() -> None:
    links = Links(OPEN)
    assert links.stream(VIDEO, "137", "0123456789abcdef") == f"/v1/stream/{VIDEO}/137?version=0123456789abcdef"
    assert links.stream(VIDEO, "thumbnail") == f"/v1/stream/{VIDEO}/thumbnail"
    links.verify(VIDEO, "137", None, expires=None, signature=None)


def test_links_begin_with_what_the_installation_is_published_as() -> None:
    assert Links(Settings(root_path="/sluice")).status("t") == "/sluice/v1/status/t"
    public = Settings(public_url="https://example.org/sluice", root_path="/sluice")
    assert Links(public).status("t") == "https://example.org/sluice/v1/status/t"


def test_a_merge_keeps_its_plus() -> None:
    assert Links(OPEN).stream(VIDEO, "137+140") == f"/v1/stream/{VIDEO}/137+140"


def test_a_signed_link_lives_seven_days_rounded_up_to_the_hour() -> None:
    expires = int(signed(Links(CLOSED))["expires"])
    assert expires % 3600 == 0
    assert LIFETIME <= expires - NOW < LIFETIME + 3600


def test_a_signed_link_holds_until_it_expires() -> None:
    links = Links(CLOSED)
    query = signed(links)
    links.verify(VIDEO, "137", query["version"], expires=query["expires"], signature=query["signature"], now=NOW)
    with pytest.raises(ProblemError) as refused:
        links.verify(
            VIDEO, "137", query["version"], expires=query["expires"], signature=query["signature"], now=NOW + LIFETIME + 3600
        )
    assert refused.value.code == "invalid_signature"


@pytest.mark.parametrize(
    ("media_id", "target", "changes"),
    [
        ("dQw4w9WgXcR", "137", {}),
        (VIDEO, "136", {}),
        (VIDEO, "thumbnail", {}),
        (VIDEO, "137", {"version": "fedcba9876543210"}),
        (VIDEO, "137", {"version": None}),
        (VIDEO, "137", {"expires": "1900000000"}),
        (VIDEO, "137", {"expires": "١٩٠٠٠٠٠٠٠٠"}),
        (VIDEO, "137", {"expires": None}),
        (VIDEO, "137", {"signature": "0" * 32}),
        (VIDEO, "137", {"signature": "é"}),
        (VIDEO, "137", {"signature": None}),
    ],
)
def test_no_part_of_a_signed_link_can_be_altered(media_id: str, target: str, changes: dict[str, str | None]) -> None:
    links = Links(CLOSED)
    query: dict[str, str | None] = {**signed(links), **changes}
    with pytest.raises(ProblemError) as refused:
        links.verify(media_id, target, query["version"], expires=query["expires"], signature=query["signature"], now=NOW)
    assert refused.value.code == "invalid_signature"


@pytest.mark.parametrize("length", [*range(32), 33, 64])
def test_a_signature_counts_as_a_whole(length: int) -> None:
    links = Links(CLOSED)
    query = signed(links)
    shorter = (query["signature"] * 2)[:length]
    for offered in (shorter, query["signature"].upper(), f" {query['signature']}"):
        with pytest.raises(ProblemError) as refused:
            links.verify(VIDEO, "137", query["version"], expires=query["expires"], signature=offered, now=NOW)
        assert refused.value.code == "invalid_signature"


def test_no_signature_at_all_asks_for_the_key() -> None:
    with pytest.raises(ProblemError) as refused:
        Links(CLOSED).verify(VIDEO, "137", None, expires=None, signature=None)
    assert refused.value.code == "unauthorized"


@pytest.mark.parametrize(
    "changed", [Settings(secret_key="x" * 32, access_key="k" * 32), Settings(secret_key="s" * 32, access_key="y" * 32)]
)
def test_changing_either_secret_revokes_every_link(changed: Settings) -> None:
    query = signed(Links(CLOSED))
    with pytest.raises(ProblemError):
        Links(changed).verify(VIDEO, "137", query["version"], expires=query["expires"], signature=query["signature"], now=NOW)


def test_one_subtitle_link_serves_both_forms() -> None:
    links = Links(CLOSED)
    query = signed(links, "subtitles/en.vtt", None)
    links.verify(VIDEO, "subtitles/en.srt", None, expires=query["expires"], signature=query["signature"], now=NOW)
    with pytest.raises(ProblemError):
        links.verify(VIDEO, "subtitles/de.srt", None, expires=query["expires"], signature=query["signature"], now=NOW)


VERSION = "0123456789abcdef"
TARGETS = ("137", "137+140", "140.de-DE", "thumbnail", "subtitles/en.vtt")


def altered(text: str) -> st.SearchStrategy[str]:
    """The text with a few of its characters left out, put in or replaced, or something else altogether."""
    places = st.integers(0, len(text))

    def apply(edits: list[tuple[int, int, str]]) -> str:
        changed = text
        for start, length, new in edits:
            changed = changed[:start] + new + changed[start + length :]
        return changed

    signs = st.text(st.sampled_from("0123456789abcdefXYZ_-+./\n\x00%&=? ²é"), max_size=3)
    return st.lists(st.tuples(places, st.integers(0, 3), signs), min_size=1, max_size=3).map(apply) | st.text(max_size=40)


def meant(media_id: str, target: str, version: str | None, expires: str) -> tuple[str, str, str | None, str]:
    """What counts: either form of a subtitle track, and a number however it is written."""
    is_number = expires.isascii() and expires.isdigit()
    track = target.removesuffix(".vtt").removesuffix(".srt") if target.startswith("subtitles/") else target
    return media_id, track, version or None, str(int(expires)) if is_number else expires


@given(st.data(), st.sampled_from(TARGETS))
def test_whatever_is_altered_is_refused(data: st.DataObject, target: str) -> None:
    """Another video, file, version or expiry, with the signature of this one or another."""
    links = Links(CLOSED)
    query = signed(links, target, VERSION)
    expires, signature = query["expires"], query["signature"]
    draw = data.draw
    changed = (
        draw(st.just(VIDEO) | altered(VIDEO)),
        draw(st.just(target) | st.sampled_from(TARGETS) | altered(target)),
        draw(st.just(VERSION) | st.none() | altered(VERSION)),
        draw(st.just(expires) | st.integers(0, 10**11).map(str) | altered(expires)),
    )
    offered = draw(st.just(signature) | altered(signature))
    assume(meant(*changed) != meant(VIDEO, target, VERSION, expires) or offered != signature)
    with pytest.raises(ProblemError) as refused:
        links.verify(*changed[:3], expires=changed[3], signature=offered, now=NOW)
    assert refused.value.code == "invalid_signature"


@given(
    st.tuples(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12)),
    st.tuples(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12)),
)
@example(("a\nb", "c", ""), ("a", "b\nc", ""))
@example(("a", "b", "c"), ("a", "b\nc", ""))
def test_no_two_files_share_a_signature_that_a_link_can_name(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Ids hold no line ends (:func:`shared.urls.is_media_id` and the pattern of format ids), so that none runs into the next."""
    assume(not any("\n" in part for part in one))
    assume(meant(*one, "1") != meant(*other, "1"))
    query = signed_for(Links(CLOSED), *one)
    with pytest.raises(ProblemError):
        Links(CLOSED).verify(*other, expires=query["expires"], signature=query["signature"], now=NOW)


def signed_for(links: Links, media_id: str, target: str, version: str) -> dict[str, str]:
    """Of a link with any text in it."""
    query = parse_qs(links.stream(media_id, target, version, now=NOW).rpartition("?")[2], keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(expected: bytes, offered: bytes) -> bool:
        compared.append((expected, offered))
        return True  # nothing else decides

    monkeypatch.setattr("shared.links.hmac.compare_digest", compare)
    query = signed(Links(CLOSED))
    Links(CLOSED).verify(VIDEO, "137", query["version"], expires=query["expires"], signature="forged", now=NOW)
    assert compared == [(query["signature"].encode(), b"forged")]
