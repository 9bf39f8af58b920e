"""Where the secrets of the operator and of YouTube end, when everything fails that can."""

import re

import pytest

from tests.secrets_story import COOKIE, OPERATORS, Found, tell


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The whole story, told once."""
    return tell(tmp_path_factory.mktemp("secrets"))


def shown(text: str, secrets: set[str]) -> list[str]:
    """The lines in which one of the secrets stands."""
    return [line[:600] for line in text.splitlines() if any(secret in line for secret in secrets)]


def test_the_story_was_told(found: Found) -> None:
    """Else there would be nothing to find."""
    assert found.codes >= {
        *("video_private", "geo_blocked", "token_provider_unavailable", "network_error", "proxy_auth_failed"),
        *("internal_error", "store_unavailable", "unauthorized"),
    }
    assert all(found.upstream.values())
    assert len(found.records) > 10
    assert any(key.startswith("dramatiq") for key in found.records)
    assert any("deno" in command for command in found.commands)
    for place in ("doctor, JSON", "doctor, text", "answers", "token service, log", "worker-0.log"):
        assert len(found.places[place]) > 500, place
    assert "Traceback" in "".join(found.places.values())


@pytest.mark.parametrize("setting", OPERATORS)
def test_a_secret_of_the_operator_is_nowhere(found: Found, setting: str) -> None:
    assert {place: lines for place, text in found.places.items() if (lines := shown(text, OPERATORS[setting]))} == {}
    assert [key for key, value in found.records.items() if shown(value, OPERATORS[setting])] == []


@pytest.mark.parametrize("kind", ["signatures", "tokens", "visitors", "cookies", "addresses", "media URLs"])
def test_what_youtube_hands_out_is_in_the_records_of_sources_alone(found: Found, kind: str) -> None:
    secrets = found.upstream[kind]
    assert {place: lines for place, text in found.places.items() if (lines := shown(text, secrets))} == {}
    assert {key.partition(":")[0] for key, value in found.records.items() if shown(value, secrets)} <= {"sources"}


def test_no_cookie_is_kept(found: Found) -> None:
    assert [key for key, value in found.records.items() if COOKIE in value] == []


def test_the_key_that_was_offered_is_not_repeated(found: Found) -> None:
    assert {place: lines for place, text in found.places.items() if (lines := shown(text, {"QZwrong-key", "QZforged"}))} == {}


def test_links_are_told_to_whom_they_are_made_for_alone(found: Found) -> None:
    """A signature opens a file for a week: it stands in answers, and in no log."""
    signatures = set(re.findall(r"[?&]signature=([0-9a-f]{32})", found.places["answers"]))
    assert signatures
    assert [place for place, text in found.places.items() if place != "answers" and shown(text, signatures)] == []
