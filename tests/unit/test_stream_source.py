"""Which bytes are meant, and whether they are still the same file."""

import time
from typing import Any

import pytest
from msgspec.structs import replace
from redis.exceptions import ConnectionError as StoreConnectionError

from functions.stream.source import WAIT_FOR_ANALYSIS, WAIT_FOR_REFRESH, SourceChanged, Sources, same_file
from shared.problems import ProblemError
from shared.sources import Asset, Family, Source
from shared.store import Lane
from tests.unit.test_stream_headers import SOURCE

EXIT = "this exit"
KNOWN = replace(SOURCE, exit=EXIT, expires_at=time.time() + 3600)
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


class Shelf:
    """A store in memory."""

    def __init__(self, *things: Source | Asset) -> None:
        self.things = {thing.format_id if isinstance(thing, Source) else thing.asset_id: thing for thing in things}

    async def source(self, media_id: str, format_id: str) -> Source | None:
        found = self.things.get(format_id)
        return found if isinstance(found, Source) else None

    async def asset(self, media_id: str, asset_id: str) -> Asset | None:
        found = self.things.get(asset_id)
        return found if isinstance(found, Asset) else None

    async def has_sources(self, media_id: str) -> bool:
        return bool(self.things)


class Finding:
    """An analysis that puts something on the shelf."""

    def __init__(self, shelf: Shelf, *found: Source | Asset, error: Exception | None = None) -> None:
        self._shelf = shelf
        self._found = found
        self._error = error
        self.calls: list[tuple[Lane, float]] = []

    async def ensure(self, media_id: str, *, client: str, lane: Lane, wait: float) -> None:
        self.calls.append((lane, wait))
        if self._error is not None:
            raise self._error
        self._shelf.things |= Shelf(*self._found).things


class Exit:
    def exit_digest(self, family: Family | None) -> str:
        return EXIT if family != "ipv6" else "the other family"


def sources(shelf: Shelf, *found: Source | Asset, error: Exception | None = None) -> tuple[Sources, Finding]:
    finding = Finding(shelf, *found, error=error)
    return Sources(shelf, finding, Exit()), finding


async def test_a_known_source_needs_no_analysis() -> None:
    found, finding = sources(Shelf(KNOWN))
    assert await found.current(ID, FORMAT, client="c") == KNOWN
    assert finding.calls == []


async def test_an_unknown_video_is_analysed() -> None:
    found, finding = sources(Shelf(), KNOWN)
    assert await found.current(ID, FORMAT, client="c") == KNOWN
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


@pytest.mark.parametrize("change", [{"expires_at": 1.0}, {"exit": "another exit"}, {"family": "ipv6"}])
async def test_a_source_that_is_of_no_use_is_refreshed(change: dict[str, Any]) -> None:
    found, finding = sources(Shelf(replace(KNOWN, **change)), FRESH)
    assert await found.current(ID, FORMAT, client="c") == FRESH
    assert finding.calls == [("refresh", WAIT_FOR_ANALYSIS)]


async def test_an_unknown_format_of_a_known_video_costs_no_analysis() -> None:
    found, finding = sources(Shelf(KNOWN))
    with pytest.raises(ProblemError) as caught:
        await found.current(ID, "999", client="c")
    assert caught.value.code == "unknown_format"
    assert finding.calls == []


async def test_a_format_that_no_analysis_finds() -> None:
    found, _ = sources(Shelf(), KNOWN)
    with pytest.raises(ProblemError) as caught:
        await found.current(ID, "999", client="c")
    assert caught.value.code == "unknown_format"


async def test_a_failed_analysis_answers_with_its_own_code() -> None:
    found, _ = sources(Shelf(), error=ProblemError("video_private"))
    with pytest.raises(ProblemError) as caught:
        await found.current(ID, FORMAT, client="c")
    assert caught.value.code == "video_private"


async def test_a_renewed_source_is_the_same_file() -> None:
    found, finding = sources(Shelf(KNOWN), FRESH)
    assert await found.renewed(KNOWN, client="c") == FRESH
    assert finding.calls == [("refresh", WAIT_FOR_REFRESH)]


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
    found, finding = sources(Shelf(TRACK))
    assert await found.asset(ID, TRACK.asset_id, client="c") == TRACK
    with pytest.raises(ProblemError) as caught:
        await found.asset(ID, "subtitles/xx.vtt", client="c")
    assert (caught.value.code, finding.calls) == ("unknown_format", [])
    found, finding = sources(Shelf(), TRACK)
    assert await found.asset(ID, TRACK.asset_id, client="c") == TRACK
    assert finding.calls == [("analyze", WAIT_FOR_ANALYSIS)]


async def test_a_refused_subtitle_track_is_renewed() -> None:
    renewed = replace(TRACK, url="https://www.youtube.com/api/timedtext?expire=2")
    found, finding = sources(Shelf(TRACK), renewed)
    assert await found.renewed_asset(TRACK, client="c") == renewed
    assert await found.renewed_asset(TRACK, client="c") == renewed
    assert len(finding.calls) == 1
