"""Which bytes are meant, and whether they are still the same file."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from redis.exceptions import ConnectionError as StoreConnectionError

from functions.stream.source import JUST_NOW, WAIT_FOR_ANALYSIS, WAIT_FOR_REFRESH, Cause, SourceChanged, Sources, same_file
from shared.problems import ProblemError
from shared.schemas import Media, Missing, Subtitle
from shared.sources import Asset, Family, Source
from shared.store import Lane
from shared.tags import UNTAGGED, Tags
from shared.urls import Video
from tests.results import media, sound
from tests.unit.test_stream_headers import SOURCE

EXIT = "this exit"
KNOWN = replace(SOURCE, exit=EXIT, expires_at=time.time() + 3600)
SOUND = replace(KNOWN, format_id="140")
FRESH = replace(KNOWN, url="https://rr9---sn-z.googlevideo.com/videoplayback")
OTHER_FILE = replace(FRESH, identity=replace(KNOWN.identity, lmt=5))
ID, FORMAT = KNOWN.media_id, KNOWN.format_id
TRACK = Asset(
    media_id=ID,
    asset_id="subtitles/en.vtt",
    url="https://www.youtube.com/api/timedtext?expire=1",
    headers={},
    content_type="text/vtt",
    filename="en.vtt",
    exit=EXIT,
    family=None,
)


def result(*listed: str, is_degraded: bool = False, age: float = 30, missing: tuple[str, ...] = ()) -> Media:
    """An analysis of ``age`` seconds ago that lists these formats: fresh for a minute if degraded, else for an hour."""
    analyzed_at = datetime.now(UTC) - timedelta(seconds=age)
    found = media(Video(ID))
    return replace(
        found,
        formats=replace(found.formats, audio_only=[sound(format_id) for format_id in listed]),
        is_degraded=is_degraded,
        missing=[Missing(code=code, detail=f"Why: {code}.", formats=[], client=None) for code in missing],
        analyzed_at=analyzed_at,
        fresh_until=analyzed_at + timedelta(seconds=60 if is_degraded else 3600),
    )


class Shelf:
    """A store in memory."""

    def __init__(self, *things: Source | Asset, result: Media | None = None) -> None:
        self.things = {thing.format_id if isinstance(thing, Source) else thing.asset_id: thing for thing in things}
        self.result = result
        self.tags: list[Tags] = [UNTAGGED]
        self.round_trips = 0

    async def source(self, media_id: str, format_id: str) -> Source | None:
        found = self.things.get(format_id)
        return found if isinstance(found, Source) else None

    async def pair(self, media_id: str, video: str, audio: str) -> tuple[Source | None, Source | None, list[Tags]]:
        self.round_trips += 1
        return await self.source(media_id, video), await self.source(media_id, audio), self.tags

    async def asset(self, media_id: str, asset_id: str) -> Asset | None:
        found = self.things.get(asset_id)
        return found if isinstance(found, Asset) else None

    async def has_sources(self, media_id: str) -> bool:
        return bool(self.things)

    async def media(self, video: Video) -> Media | None:
        return self.result


class Finding:
    """An analysis that puts something on the shelf."""

    def __init__(self, shelf: Shelf, *found: Source | Asset, result: Media | None = None, error: Exception | None = None) -> None:
        self._shelf = shelf
        self._found = found
        self._result = result
        self._error = error
        self.calls: list[tuple[Lane, float]] = []
        self.causes: list[Cause] = []

    async def ensure(self, media_id: str, *, client: str, lane: Lane, wait: float) -> None:
        self.calls.append((lane, wait))
        if self._error is not None:
            raise self._error
        self._shelf.things |= Shelf(*self._found).things
        self._shelf.result = self._result or self._shelf.result


class Exit:
    def exit_digest(self, family: Family | None) -> str:
        return EXIT if family != "ipv6" else "the other family"


def sources(
    shelf: Shelf, *found: Source | Asset, result: Media | None = None, error: Exception | None = None
) -> tuple[Sources, Finding]:
    finding = Finding(shelf, *found, result=result, error=error)
    return Sources(shelf, finding, Exit(), on_analysis=finding.causes.append), finding


async def refusal(found: Sources, format_id: str) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await found.current(ID, format_id, client="c")
    return caught.value


async def test_a_known_source_needs_no_analysis() -> None:
    found, finding = sources(Shelf(KNOWN))
    assert await found.current(ID, FORMAT, client="c") == KNOWN
    assert finding.calls == []


async def test_two_known_sources_and_their_tags_are_one_question() -> None:
    shelf = Shelf(KNOWN, SOUND)
    shelf.tags = [Tags(title="A"), Tags(title="B")]
    found, finding = sources(shelf)
    assert await found.pair(ID, FORMAT, SOUND.format_id, client="c") == (KNOWN, SOUND, shelf.tags)
    assert (shelf.round_trips, finding.calls) == (1, [])


@pytest.mark.parametrize("known", [[], [KNOWN], [replace(KNOWN, expires_at=0), SOUND]], ids=["none", "one", "expired"])
async def test_tags_are_those_that_are_there_after_an_analysis(known: list[Source]) -> None:
    shelf = Shelf(*known)
    shelf.tags = [Tags(title="B")]
    found, finding = sources(shelf, FRESH, SOUND)
    analyse = finding.ensure

    async def ensure(media_id: str, **how: Any) -> None:
        await analyse(media_id, **how)
        shelf.tags = [Tags(title="A"), *shelf.tags]

    finding.ensure = ensure  # type: ignore[method-assign]
    video, audio, tags = await found.pair(ID, FORMAT, SOUND.format_id, client="c")
    assert (video.format_id, audio, tags) == (FORMAT, SOUND, shelf.tags)
    assert len(finding.calls) == 1


async def test_an_unknown_video_is_analysed() -> None:
    found, finding = sources(Shelf(), KNOWN)
    assert await found.current(ID, FORMAT, client="c") == KNOWN
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


@pytest.mark.parametrize("change", [{"expires_at": 1.0}, {"exit": "another exit"}, {"family": "ipv6"}])
async def test_a_source_that_is_of_no_use_is_looked_for_again_like_any_submission(change: dict[str, Any]) -> None:
    found, finding = sources(Shelf(replace(KNOWN, **change), result=result(FORMAT)), FRESH)
    assert await found.current(ID, FORMAT, client="c") == FRESH
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


@pytest.mark.parametrize(
    ("known", "cause"),
    [(None, "unknown"), (replace(KNOWN, expires_at=1.0), "expired"), (replace(KNOWN, exit="another exit"), "exit")],
)
async def test_it_is_told_why_a_video_is_analysed_before_a_download(known: Source | None, cause: Cause) -> None:
    found, finding = sources(Shelf(*([] if known is None else [known]), result=result(FORMAT)), FRESH)
    await found.current(ID, FORMAT, client="c")
    assert finding.causes == [cause]


@pytest.mark.parametrize(("rest", "cause"), [(3600, "refused"), (20, "expired")])
async def test_it_is_told_why_a_video_is_analysed_during_a_download(rest: float, cause: Cause) -> None:
    known = replace(KNOWN, expires_at=time.time() + rest)
    found, finding = sources(Shelf(known), FRESH)
    await found.renewed(known, client="c")
    assert finding.causes == [cause]


async def test_a_worker_that_leaves_by_another_exit_is_not_asked_again_and_again() -> None:
    elsewhere = replace(KNOWN, exit="another exit")
    found, finding = sources(Shelf(elsewhere), elsewhere)
    for _ in range(3):
        assert await found.current(ID, FORMAT, client="c") == elsewhere
    assert len(finding.calls) == 1


async def test_what_is_known_to_have_existed_is_looked_for_whatever_a_result_lists() -> None:
    found, finding = sources(Shelf(replace(KNOWN, expires_at=1.0), result=result()), FRESH)
    assert await found.current(ID, FORMAT, client="c") == FRESH
    assert len(finding.calls) == 1


async def test_an_unknown_format_of_a_completely_known_video_costs_no_analysis() -> None:
    found, finding = sources(Shelf(KNOWN, result=result(FORMAT)))
    assert (await refusal(found, "999")).code == "unknown_format"
    assert finding.calls == []


@pytest.mark.parametrize(
    "known",
    [
        None,
        result("18", is_degraded=True, age=61),
        result("18", "999"),  # it lists a format whose source is gone
    ],
    ids=["no result", "a degraded one, no longer fresh", "one that lists it"],
)
async def test_a_format_that_may_exist_is_looked_for(known: Media | None) -> None:
    wanted = replace(KNOWN, format_id="999")
    found, finding = sources(Shelf(KNOWN, result=known), wanted)
    assert await found.current(ID, "999", client="c") == wanted
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


@pytest.mark.parametrize(
    ("missing", "code", "detail"),
    [
        ((), "formats_incomplete", "YouTube did not list every format."),
        (("sabr_only", "segmented_only", "drm_protected"), "formats_incomplete", "YouTube did not list every format."),
        (("sabr_only", "token_rejected", "challenge_failed"), "token_rejected", "Why: token_rejected."),
        (("challenge_failed",), "challenge_failed", "Why: challenge_failed."),
    ],
)
async def test_what_a_poor_analysis_did_not_find_may_be_found_later(missing: tuple[str, ...], code: str, detail: str) -> None:
    poor = result("18", is_degraded=True, age=0, missing=missing)
    found, finding = sources(Shelf(), replace(KNOWN, format_id="18"), result=poor)
    for _ in range(2):
        problem = await refusal(found, FORMAT)
        assert (problem.code, problem.detail) == (code, detail)
        assert problem.retry_after is not None
        assert 55 <= problem.retry_after <= 60
    assert len(finding.calls) == 1, "it counts for as long as it is fresh"


async def test_an_expired_source_that_a_poor_analysis_did_not_find_again_is_absent() -> None:
    poor = result("18", is_degraded=True, age=0)
    found, _ = sources(Shelf(replace(KNOWN, expires_at=1.0)), replace(KNOWN, format_id="18"), result=poor)
    assert (await refusal(found, FORMAT)).code == "formats_incomplete"


async def test_a_listed_format_that_is_not_found_again_may_come_back() -> None:
    found, _ = sources(Shelf(result=result(FORMAT)), replace(KNOWN, format_id="18"))
    problem = await refusal(found, FORMAT)
    assert (problem.code, problem.retry_after) == ("formats_incomplete", 10)


async def test_a_format_that_no_complete_analysis_finds() -> None:
    found, _ = sources(Shelf(), KNOWN, result=result(FORMAT, age=0))
    assert (await refusal(found, "999")).code == "unknown_format"


async def test_a_failed_analysis_answers_with_its_own_code() -> None:
    found, _ = sources(Shelf(), error=ProblemError("video_private"))
    assert (await refusal(found, FORMAT)).code == "video_private"


async def test_a_renewed_source_is_the_same_file() -> None:
    found, finding = sources(Shelf(KNOWN), FRESH)
    assert await found.renewed(KNOWN, client="c") == FRESH
    assert finding.calls == [("refresh", WAIT_FOR_REFRESH)]


async def test_before_its_first_byte_a_download_is_an_ordinary_submission() -> None:
    found, finding = sources(Shelf(KNOWN), FRESH)
    assert await found.renewed(KNOWN, client="c", wait=WAIT_FOR_ANALYSIS) == FRESH
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


async def test_what_stays_refused_is_not_analysed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found, finding = sources(Shelf(KNOWN), FRESH)
    for _ in range(3):
        assert await found.renewed(KNOWN, client="a", wait=WAIT_FOR_ANALYSIS) == FRESH
        assert await found.renewed(FRESH, client="b", wait=WAIT_FOR_ANALYSIS) == FRESH
    assert len(finding.calls) == 1
    await found.renewed(FRESH, client="c")
    assert finding.calls[1:] == [("refresh", WAIT_FOR_REFRESH)], "a running download has nothing else"
    later = time.monotonic() + JUST_NOW
    monkeypatch.setattr("time.monotonic", lambda: later)
    await found.renewed(FRESH, client="b", wait=WAIT_FOR_ANALYSIS)
    assert len(finding.calls) == 3


async def test_what_somebody_else_renewed_is_taken() -> None:
    found, finding = sources(Shelf(FRESH))
    assert await found.renewed(KNOWN, client="c") == FRESH
    assert finding.calls == []


async def test_another_file_is_never_taken_for_the_same() -> None:
    found, _ = sources(Shelf(KNOWN), OTHER_FILE)
    with pytest.raises(SourceChanged) as caught:
        await found.renewed(KNOWN, client="c")
    assert (caught.value.code, caught.value.source) == ("source_changed", OTHER_FILE)


async def test_a_store_that_is_away_is_an_ordinary_problem_to_a_running_download() -> None:
    found, _ = sources(Shelf(KNOWN), error=StoreConnectionError("gone"))
    with pytest.raises(ProblemError) as caught:
        await found.renewed(KNOWN, client="c")
    assert caught.value.code == "store_unavailable"


@pytest.mark.parametrize("change", [{"itag": "136"}, {"xtags": "lang=de"}, {"lmt": 6}, {"lmt": None}, {"size": 999}])
def test_proof_of_identity(change: dict[str, Any]) -> None:
    assert same_file(KNOWN, FRESH)
    assert not same_file(KNOWN, replace(FRESH, identity=replace(KNOWN.identity, **change)))


async def test_an_asset_is_found_or_looked_for_once() -> None:
    found, finding = sources(Shelf(TRACK, result=result()))
    assert await found.asset(ID, TRACK.asset_id, client="c") == TRACK
    with pytest.raises(ProblemError) as caught:
        await found.asset(ID, "subtitles/xx.vtt", client="c")
    assert (caught.value.code, finding.calls) == ("unknown_format", [])
    found, finding = sources(Shelf(), TRACK)
    assert await found.asset(ID, TRACK.asset_id, client="c") == TRACK
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


async def test_an_asset_that_a_result_lists_is_looked_for() -> None:
    track = Subtitle(subtitle_id="en", language="en", name=None, is_automatic=False, url="")
    listed = replace(result(), subtitles=[track], thumbnail_url="")
    found, finding = sources(Shelf(KNOWN, result=listed), TRACK)
    assert await found.asset(ID, TRACK.asset_id, client="c") == TRACK
    with pytest.raises(ProblemError) as caught:
        await found.asset(ID, "thumbnail", client="c")
    assert (caught.value.code, len(finding.calls)) == ("formats_incomplete", 2)


async def test_a_refused_subtitle_track_is_renewed_once() -> None:
    renewed = replace(TRACK, url="https://www.youtube.com/api/timedtext?expire=2")
    found, finding = sources(Shelf(TRACK), renewed)
    assert await found.renewed_asset(TRACK, client="c") == renewed
    assert await found.renewed_asset(TRACK, client="c") == renewed
    assert await found.renewed_asset(renewed, client="c") == renewed
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]
