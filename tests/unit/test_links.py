"""Links: made when an answer is made, signed for exactly one file."""

from urllib.parse import parse_qs, urlsplit

import pytest

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
