"""Trouble on the way and at the source: rates, exits, connections, player scripts, half a result, advertisements."""

import dataclasses
from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from shared.schemas import Progress
from shared.settings import Settings
from shared.store import Store
from tests import youtube as videos
from tests.worker.extraction_attempts import attempt, extracting, token_service
from tests.worker.recovery.journeys import QUICK_FILES, files, reached, travel, with_tokens
from tests.youtube import AddressBound, Answer, Fault, FaultHandle, Reset, Status, YouTube
from tests.youtube.faults import Occasion

NO_VISIONOS = Fault("player", Status(403), client="VISIONOS")


@dataclass(frozen=True)
class Nonsense:
    """A player script in which there is nothing to be found."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.replace(200, {"Content-Type": "text/javascript"}, b"var _yt_player={};")


async def test_sabr_only(youtube: YouTube, store: Store, plain: Settings) -> None:
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.SABR_ONLY)
    assert journey.codes == ["formats_incomplete"] * 4
    assert (files(journey.result), journey.result.is_degraded) == (["18"], True)
    assert {item.code for item in journey.result.missing} == {"sabr_only"}
    assert all(item.client for item in journey.result.missing)
    assert reached(youtube) == {"page": 7, "player": 10, "player_js": 2, "media": 5}


@pytest.mark.parametrize("told", [None, 1])
async def test_429(youtube: YouTube, store: Store, plain: Settings, told: int | None) -> None:
    faults = [youtube.fault(Fault(kind, Status(429, retry_after=told))) for kind in ("page", "player", "next", "iframe")]

    def relent() -> None:
        for fault in faults:
            fault.remove()

    journey = await travel(store, plain, videos.QUICK, {2: relent})
    assert (journey.ways, journey.codes) == (["plain"] * 3, ["source_rate_limited"] * 2)
    assert [wait >= 1000 for wait in journey.waits] == [told == 1] * 2
    assert files(journey.result) == QUICK_FILES
    assert reached(youtube) == {"page": 3, "player": 8, "next": 2, "iframe": 2, "player_js": 1, "media": 2}


async def test_429_goes_on_the_way_it_was(youtube: YouTube, store: Store, plain: Settings) -> None:
    """The token was the cure; the limit says nothing against it."""

    def limit() -> None:
        for client in ("WEB", "TVHTML5"):
            youtube.fault(Fault("player", Status(429), client=client, times=1))

    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN, {1: limit})
    assert (journey.ways, journey.codes) == (["plain", "proven", "proven"], ["bot_check", "source_rate_limited"])
    assert not journey.result.is_degraded
    assert reached(youtube) == {"page": 3, "player": 6, "player_js": 1, "media": 2}


@dataclass
class Wandering:
    """After each of these answers the exit has another address."""

    youtube: YouTube
    moves: int = 0

    def change(self, answer: Answer, occasion: Occasion) -> None:
        self.moves += 1
        self.youtube.exit_address = f"203.0.113.{self.moves}"


async def test_an_exit_that_changes_between_asking_and_fetching(youtube: YouTube, store: Store, plain: Settings) -> None:
    """Once may be a matter of tokens; the second time, from another address, it is the exit."""
    youtube.fault(Fault("media", AddressBound()))
    moving = youtube.fault(Fault("player", Wandering(youtube), client="VISIONOS"))
    with capture_logs() as logs:
        journey = await travel(store, plain, videos.QUICK, {2: moving.remove})
    assert journey.codes == ["token_rejected", "proxy_exit_unstable"]
    assert journey.ways == ["plain", "scriptless", "scriptless"]
    assert (files(journey.result), journey.result.is_degraded) == (QUICK_FILES, False)
    assert "203.0.113" not in str(logs)
    assert reached(youtube) == {"page": 3, "player": 4, "player_js": 1, "media": 12}


async def test_an_exit_that_never_keeps_its_address(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.fault(Fault("media", AddressBound()))
    youtube.fault(Fault("player", Wandering(youtube)))
    journey = await travel(store, plain, videos.QUICK)
    assert (len(journey.ways), journey.problem.code) == (5, "proxy_exit_unstable")
    assert journey.codes[1:] == ["proxy_exit_unstable"] * 3
    assert "203.0.113" not in str(journey.problem)
    assert len(youtube.requests.media) == 25


async def test_trouble_on_the_way_does_not_throw_the_cure_away(youtube: YouTube, store: Store, plain: Settings) -> None:
    """The token was the cure; then the connections broke."""

    def interrupt() -> None:
        broken.extend(youtube.fault(Fault(kind, Reset())) for kind in ("page", "player", "next", "iframe"))

    def mend() -> None:
        for fault in broken:
            fault.remove()

    broken: list[FaultHandle] = []
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN, {1: interrupt, 2: mend})
    assert (journey.ways, journey.codes) == (["plain", "proven", "proven"], ["bot_check", "network_error"])
    assert not journey.result.is_degraded
    assert reached(youtube) == {"page": 5, "next": 3, "player": 4, "player_js": 1, "media": 2}


async def test_a_broken_player_and_the_client_that_needs_none(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.fault(dataclasses.replace(NO_VISIONOS, times=1))
    youtube.fault(Fault("player_js", Nonsense()))
    journey = await travel(store, plain, videos.QUICK)
    assert (journey.ways, journey.codes) == (["plain", "scriptless"], ["challenge_failed"])
    assert (files(journey.result), journey.result.is_degraded) == (QUICK_FILES, False)
    assert reached(youtube) == {"page": 2, "player": 3, "player_js": 1, "media": 2}


async def test_a_broken_player_is_forgotten(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.fault(NO_VISIONOS)
    broken = youtube.fault(Fault("player_js", Nonsense()))
    journey = await travel(store, plain, videos.QUICK, {2: broken.remove})
    assert journey.ways == ["plain", "scriptless", "forgetful"]
    assert journey.codes[0] == "challenge_failed"
    assert files(journey.result) == QUICK_FILES
    assert reached(youtube) == {"page": 3, "player": 5, "player_js": 2, "media": 2}


async def test_the_better_part_of_a_result_survives_a_worse_attempt(youtube: YouTube, store: Store, plain: Settings) -> None:
    for itag in (137, 248):
        youtube.fault(Fault("media", Status(403), itag=itag))

    def everything_is_refused() -> None:
        for kind in ("page", "player", "next", "iframe"):
            youtube.fault(Fault(kind, Status(429)))

    settings = replace(plain, analysis_attempts=2)
    journey = await travel(store, settings, videos.QUICK, {1: everything_is_refused})
    assert (files(journey.result), journey.result.is_degraded) == (["140", "18", "251"], True)
    assert [(item.code, item.formats, item.client) for item in journey.result.missing] == [
        ("token_rejected", ["1080p"], "tv_samsung")
    ]
    assert reached(youtube) == {"page": 5, "next": 4, "player": 6, "player_js": 1, "media": 5}


async def test_an_advertisement_is_waited_for_and_shown(youtube: YouTube, plain: Settings) -> None:
    seen: list[Progress] = []
    async with extracting(plain) as extractor:
        outcome = await attempt(extractor, videos.ADVERTISED, seen=seen)
    assert outcome.facts is not None
    assert (outcome.verdict, outcome.facts.is_proved) == ("complete", True)
    assert (seen[-1].phase, seen[-1].message[:8]) == ("probe", "Waiting ")
    assert [request.status for request in youtube.requests.media] == [206, 206]
