"""What is remembered between attempts, and when the token service is left alone."""

from typing import Any

import pytest
from msgspec.structs import replace

from functions.analyze.extraction.breaker import PATIENCE, REST, Breaker, Rest
from functions.analyze.extraction.outcome import failed, more_telling, told_to_wait
from functions.analyze.extraction.progress import PROBING, probing
from functions.analyze.extraction.richer import richer
from shared.extracted import Extracted
from shared.problems import problem
from shared.schemas import Format, Formats, Missing, VideoCodec
from shared.urls import Video
from tests.results import media


def result(*resolutions: str, is_degraded: bool = True) -> Extracted:
    formats = Formats(combined=[], video_only=[video(resolution) for resolution in resolutions], audio_only=[])
    found = replace(media(Video("dQw4w9WgXcQ")), formats=formats, is_degraded=is_degraded)
    return Extracted(media=found, sources={}, assets={})


def video(resolution: str) -> Format:
    values: dict[str, Any] = dict.fromkeys(Format.__struct_fields__)
    values |= {"format_id": resolution, "resolution": resolution, "video_codec": VideoCodec(family="vp9", name="VP9")}
    return Format(**values)


def test_a_failing_service_is_asked_once_for_the_same() -> None:
    breaker = Breaker()
    breaker.failed("web gvs", seconds=0.01)
    assert not breaker.allows("web gvs")
    assert breaker.allows("web player")


def test_a_service_that_takes_long_to_fail_is_asked_nothing_more() -> None:
    breaker = Breaker()
    breaker.failed("web gvs", seconds=PATIENCE / 2)
    assert breaker.allows("web player")
    breaker.failed("web player", seconds=PATIENCE / 2)
    assert not breaker.allows("mweb player")


def test_a_service_that_took_long_to_fail_is_left_alone_for_a_while() -> None:
    rest = Rest()
    assert not rest.holds(now=0)
    rest.note(spent=PATIENCE - 0.1, now=0)
    assert not rest.holds(now=0)
    rest.note(spent=PATIENCE, now=0)
    rest.note(spent=0, now=1)
    assert rest.holds(now=REST - 0.1)
    assert not rest.holds(now=REST)


def test_the_richer_result_is_kept() -> None:
    much, little = result("2160p", "360p"), result("360p")
    assert richer(much, little) is richer(little, much) is much
    assert richer(None, little) is richer(little, None) is little
    assert richer(None, None) is None
    whole = result("1080p", is_degraded=False)
    assert richer(much, whole) is whole


def test_of_equal_results_the_later_is_kept() -> None:
    earlier, later = result("360p"), result("360p")
    assert richer(earlier, later) is later


def without(facts: Extracted, **losses: str) -> Extracted:
    """1080p is missing, for the client the reason."""
    missing = [Missing(code="token_provider_unavailable", detail=why, formats=["1080p"], client=who) for who, why in losses.items()]
    return replace(facts, media=replace(facts.media, missing=missing))


def told(facts: Extracted | None) -> dict[str | None, str]:
    assert facts is not None
    return {item.client: item.detail for item in facts.media.missing}


def test_the_more_telling_reason_is_kept_whichever_result_is() -> None:
    plain, reason = "None was to be had.", "The PO token service says: home page: HTTP 429"
    little, much = result("360p"), result("720p", "360p")
    for telling, terse in ((little, much), (much, little), (little, result("360p"))):
        first, second = without(telling, web=reason), without(terse, web=plain, mweb=plain)
        assert told(richer(first, second))["web"] == told(richer(second, first))["web"] == reason
    assert told(richer(without(little, web=reason), without(little, web=plain, mweb=plain))) == {"web": reason, "mweb": plain}


def test_the_longest_wait_asked_for_counts_where_the_rate_is_limited() -> None:
    limited = told_to_wait(failed("source_rate_limited"), [3, None, 7])
    assert limited.problem is not None
    assert limited.problem.retry_after == 7
    for outcome in (told_to_wait(failed("source_rate_limited"), [None]), told_to_wait(failed("bot_check"), [7])):
        assert outcome.problem is not None
        assert outcome.problem.retry_after is None


@pytest.mark.parametrize("code", ["token_provider_unavailable", "token_rejected", "challenge_failed"])
def test_a_bot_check_on_a_detour_does_not_hide_why_it_was_taken(code: str) -> None:
    earlier, bot_check, private = problem(code), problem("bot_check"), problem("video_private")
    assert more_telling(earlier, bot_check, was_detour=True) is earlier
    assert more_telling(earlier, bot_check, was_detour=False) is bot_check
    assert more_telling(earlier, private, was_detour=True) is private
    assert more_telling(None, bot_check, was_detour=True) is bot_check


def test_an_advertisement_is_told() -> None:
    assert probing(wait=0) is PROBING
    told = probing(wait=4.2)
    assert (told.phase, told.percent) == ("probe", PROBING.percent)
    assert "5 s" in told.message
