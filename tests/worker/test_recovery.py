"""A worker that never gives up quietly: every failure ends in a result or in a name, after as many requests as needed and no more.

Real yt-dlp, JavaScript runtime, store and queue; the stand-in plays YouTube.
"""

import asyncio
import dataclasses
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from functions.analyze import backoff
from functions.analyze.analyst import Analyst, Postponed
from functions.analyze.extraction.evidence import LEFT_ALONE
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.outcome import Outcome
from functions.analyze.extraction.strategies import MOBILE, Strategy
from shared.queue import open_queue
from shared.schemas import Media, Problem, Progress, Task
from shared.settings import Settings
from shared.store import Store
from shared.urls import Video
from tests import youtube as videos
from tests.token_service import WithChallenge, google, serving
from tests.worker.extraction_attempts import (
    ANOTHER_TOKEN,
    TOKEN,
    Manner,
    TokenService,
    attempt,
    extracting,
    settings_for,
    token_service,
)
from tests.youtube import AddressBound, Answer, Fault, FaultHandle, Playability, Reset, Status, TokenRequired, YouTube
from tests.youtube.catalogue import BOT_CHECKED
from tests.youtube.faults import Occasion
from tests.youtube.site import Handler

NO_VISIONOS = Fault("player", Status(403), client="VISIONOS")
PROMPT = 15.0
"""Seconds for one attempt on a busy machine: far below its time limit, and below one time-out of the token service's."""
HUNG = 40.0
"""Seconds for one that waits for a time-out of the token service's."""
QUICK_FILES = ["137", "140", "18", "248", "251"]


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    extras: dict[str, Handler] = {"www.google.com": google, "jnn-pa.googleapis.com": google}
    with YouTube.running(extras=extras) as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> YouTube:
    running.clear()
    return running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody asked to wait for is not waited for."""
    monkeypatch.setattr(backoff, "FIRST_MS", 1)


@dataclass
class Journey:
    """A task from its submission to its end: the way each attempt went, what stopped it, and what was waited for."""

    task: Task | None = None
    ways: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def result(self) -> Media:
        assert self.task is not None
        assert self.task.result is not None, self
        return self.task.result

    @property
    def problem(self) -> Problem:
        assert self.task is not None
        assert self.task.problem is not None, self
        return self.task.problem


class Watched:
    """The extractor, with a note of each attempt."""

    def __init__(self, extractor: Extractor, journey: Journey) -> None:
        self._extractor = extractor
        self._journey = journey

    async def attempt(self, url: str, media_id: str, strategy: Strategy, **more: Any) -> Outcome:
        self._journey.ways.append(strategy.name)
        began = time.monotonic()
        try:
            return await self._extractor.attempt(url, media_id, strategy, **more)
        finally:
            self._journey.seconds.append(time.monotonic() - began)


async def travel(
    store: Store,
    settings: Settings,
    video_id: str,
    after: dict[int, Callable[[], object]] | None = None,
    *,
    limit: float = PROMPT,
) -> Journey:
    """Analyse until the end.

    :param after: what happens in the world after an attempt
    :param limit: seconds that no attempt may take
    """
    journey = Journey()
    await store.submit(Video(video_id), task_id="t1", refresh=False, lane="analyze")
    async with open_queue(settings) as queue, extracting(settings) as extractor:
        analyst = Analyst(store, queue, Watched(extractor, journey), settings)
        while journey.task is None:
            try:
                await analyst.run("t1")
                journey.task = await store.task("t1")
            except Postponed as postponed:
                journey.codes.append(str(postponed))
                journey.waits.append(postponed.wait_ms)
                (after or {}).get(len(journey.ways), lambda: None)()
                await due(store)
    assert max(journey.seconds) < limit, journey
    return journey


async def due(store: Store) -> None:
    """Returns when the wait between attempts is over."""
    async with asyncio.timeout(10):
        while not await store.sweep():
            pass


def files(media: Media) -> list[str]:
    formats = media.formats
    return sorted(item.format_id for item in [*formats.combined, *formats.video_only, *formats.audio_only])


def reached(youtube: YouTube) -> Counter[str]:
    """What YouTube was asked for, and how often."""
    return Counter(request.kind for request in youtube.requests)


@pytest.fixture
def plain(youtube: YouTube, redis_url: str) -> Settings:
    return settings_for(youtube, redis_url=redis_url)


def with_tokens(plain: Settings, service: TokenService) -> Settings:
    return replace(plain, pot_provider_url=service.url)


@dataclass(frozen=True)
class Nonsense:
    """A player script in which there is nothing to be found."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.replace(200, {"Content-Type": "text/javascript"}, b"var _yt_player={};")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_some_bot_checks_and_then_success(youtube: YouTube, store: Store, plain: Settings) -> None:
    """Without a token service there is only one way to ask."""
    youtube.edit(videos.QUICK, playability=BOT_CHECKED)
    journey = await travel(store, plain, videos.QUICK, {3: lambda: youtube.edit(videos.QUICK, playability=Playability())})
    assert (journey.ways, journey.codes) == (["plain"] * 4, ["bot_check"] * 3)
    assert (files(journey.result), journey.result.is_degraded) == (QUICK_FILES, False)
    assert reached(youtube) == {"page": 4, "player": 8, "player_js": 1, "media": 2}


async def test_bot_checks_without_end(youtube: YouTube, store: Store, plain: Settings) -> None:
    journey = await travel(store, plain, videos.BOT_CHECK)
    assert (len(journey.ways), journey.problem.code) == (5, "bot_check")
    assert reached(youtube) == {"page": 5, "player": 10}


async def test_a_token_cures_the_bot_check(youtube: YouTube, store: Store, plain: Settings) -> None:
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN)
    assert (journey.ways, journey.codes) == (["plain", "proven"], ["bot_check"])
    assert (journey.result.is_degraded, journey.result.missing) == (False, [])
    assert len(service.asked) == 2
    assert reached(youtube) == {"page": 2, "player": 4, "player_js": 1, "media": 2}


async def test_the_real_token_service_restarts_in_mid_run(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
    port = closed_port()
    with ExitStack() as stack:

        def start() -> None:
            service = stack.enter_context(serving(PORT=str(port), SSL_CERT_FILE=str(youtube.ca_file)))
            service.url = f"http://127.0.0.1:{port}"
            service.wait()

        settings = replace(plain, pot_provider_url=f"http://127.0.0.1:{port}")
        journey = await travel(store, settings, videos.BOT_CHECK_UNTIL_TOKEN, {2: start})
    assert journey.ways == ["plain", "proven", "tokenless", "mobile"]
    assert journey.codes == ["bot_check", "token_provider_unavailable", "token_provider_unavailable"]
    assert (journey.result.is_degraded, journey.result.missing) == (False, [])
    assert len([request for request in youtube.requests if request.path.endswith("/GenerateIT")]) == 1
    assert reached(youtube) == {"page": 8, "player": 9, "player_js": 1, "media": 2, "extra": 2}


async def test_a_rejected_token_is_made_anew(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.reject_tokens(TOKEN)
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN)
    assert (journey.ways, journey.codes) == (["plain", "proven", "anew"], ["bot_check", "bot_check"])
    assert [body["bypass_cache"] for body in service.asked] == [False, True, True, True]
    assert not journey.result.is_degraded
    assert reached(youtube) == {"page": 4, "player": 6, "player_js": 1, "media": 2}


async def test_files_refused_for_their_token(youtube: YouTube, store: Store, plain: Settings) -> None:
    """Only the probe notices: no error, no warning, every format is listed."""
    youtube.fault(Fault("media", TokenRequired(rejected=frozenset({TOKEN}))))
    youtube.edit(videos.QUICK, itags=(137, 248, 140, 251))
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.QUICK)
    assert (journey.ways, journey.codes) == (["plain", "anew"], ["token_rejected"])
    assert (journey.result.is_degraded, journey.result.missing) == (False, [])
    assert reached(youtube) == {"page": 3, "player": 4, "player_js": 1, "media": 6}


async def test_every_token_is_rejected_by_the_player(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.reject_tokens(TOKEN, ANOTHER_TOKEN)
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN)
    assert journey.ways == ["plain", "proven", "anew", "proven", "anew"]
    assert journey.problem.code == "bot_check"
    assert reached(youtube) == {"page": 7, "player": 10}


async def test_every_token_is_rejected_by_the_files(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.fault(Fault("media", TokenRequired(rejected=frozenset({TOKEN, ANOTHER_TOKEN}))))
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.QUICK)
    assert journey.ways == ["plain", "anew", "scriptless", "plain", "anew"]
    assert journey.problem.code == "token_rejected"
    assert reached(youtube) == {"page": 7, "player": 9, "player_js": 1, "media": 25}


async def test_every_token_is_rejected_by_the_better_files(youtube: YouTube, store: Store, plain: Settings) -> None:
    for itag in (137, 248):
        youtube.fault(Fault("media", TokenRequired(rejected=frozenset({TOKEN, ANOTHER_TOKEN})), itag=itag))
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.QUICK)
    assert journey.codes == ["token_rejected"] * 4
    assert (files(journey.result), journey.result.is_degraded) == (["140", "18", "251"], True)
    assert {(item.code, *item.formats) for item in journey.result.missing} == {("token_rejected", "1080p")}
    assert reached(youtube) == {"page": 7, "player": 9, "player_js": 1, "media": 25}


@pytest.mark.parametrize("manner", ["error", "explained", "not_json", "malformed", "old", "hanging_ping"])
async def test_a_service_that_gives_no_token(youtube: YouTube, store: Store, plain: Settings, manner: Manner) -> None:
    with token_service(manner) as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN)
    assert journey.ways == ["plain", "proven", "tokenless", "mobile", "scriptless"]
    assert journey.problem.code == "token_provider_unavailable"
    assert ("home page: HTTP 429" in journey.problem.detail) == (manner == "explained")
    assert len(service.asked) <= 4
    assert reached(youtube) == {"page": 8, "player": 10}


EVERYONE_PLAIN = frozenset({"WEB", "MWEB", "TVHTML5", "VISIONOS"})
CAPTCHA = Playability(status="UNPLAYABLE", reason="Video unavailable", is_captcha=True)


async def test_without_a_token_service_those_are_asked_who_need_none(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.edit(videos.QUICK, blocked_clients=EVERYONE_PLAIN)
    with token_service("error") as service:
        journey = await travel(store, with_tokens(plain, service), videos.QUICK)
    assert journey.ways == ["plain", "proven", "tokenless"]
    assert journey.codes == ["bot_check", "token_provider_unavailable"]
    assert (files(journey.result), journey.result.is_degraded) == (QUICK_FILES, False)
    assert reached(youtube) == {"page": 5, "player": 7, "player_js": 1, "media": 2}


async def test_what_holds_for_other_sites_alone_is_no_reason_to_give_up(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.edit(videos.QUICK, blocked_clients=EVERYONE_PLAIN, is_embeddable=False)
    with token_service("explained") as service:
        journey = await travel(store, with_tokens(plain, service), videos.QUICK)
    assert journey.ways == ["plain", "proven", "tokenless", "mobile", "scriptless"]
    assert journey.problem.code == "token_provider_unavailable"
    assert "home page: HTTP 429" in journey.problem.detail
    assert reached(youtube) == {"page": 8, "player": 10}


async def test_a_token_made_anew_cures_the_captcha(youtube: YouTube, store: Store, plain: Settings) -> None:
    youtube.edit(videos.QUICK, needs_player_token=True, unproven=CAPTCHA)
    youtube.reject_tokens(TOKEN)
    with token_service() as service:
        journey = await travel(store, with_tokens(plain, service), videos.QUICK)
    assert (journey.ways, journey.codes) == (["plain", "proven", "anew"], ["captcha_required"] * 2)
    assert (files(journey.result), journey.result.is_degraded) == (QUICK_FILES, False)
    assert reached(youtube) == {"page": 4, "player": 6, "player_js": 1, "media": 2}


async def test_nobody_listens_where_the_token_service_should_be(youtube: YouTube, store: Store, plain: Settings) -> None:
    settings = replace(plain, pot_provider_url=f"http://127.0.0.1:{closed_port()}")
    journey = await travel(store, settings, videos.BOT_CHECK_UNTIL_TOKEN)
    assert journey.problem.code == "token_provider_unavailable"
    assert reached(youtube) == {"page": 8, "player": 10}


async def test_a_hanging_token_service_costs_one_time_out(youtube: YouTube, plain: Settings) -> None:
    """Two clients, two purposes and 26 formats: without the breaker these are many times 20 s, in every job."""
    began = time.monotonic()
    with token_service("hanging") as service:
        async with extracting(with_tokens(plain, service), children=2) as extractor:
            outcome = await attempt(extractor, videos.ORDINARY, strategy=MOBILE)
            assert 20.0 <= time.monotonic() - began < HUNG
            began = time.monotonic()
            with capture_logs() as logs:
                later = await asyncio.gather(*(attempt(extractor, videos.QUICK, strategy=MOBILE) for _ in range(2)))
            assert time.monotonic() - began < PROMPT
            service.released.set()
    assert (len(service.asked), service.pings) == (1, 1)
    for one in (outcome, *later):
        assert one.problem is not None
        assert (one.verdict, one.problem.code) == ("degraded", "token_provider_unavailable")
    assert reached(youtube) == {"page": 6, "player": 6, "player_js": 2, "media": 3}
    assert [log["text"] for log in logs if "left alone" in log.get("text", "")] == [f"[youtube] {LEFT_ALONE}"] * 2


@pytest.mark.parametrize("manner", ["error", "not_json", "malformed", "old"])
async def test_a_failing_token_service_is_asked_once_per_client_and_purpose(
    youtube: YouTube, plain: Settings, manner: Manner
) -> None:
    with token_service(manner) as service:
        async with extracting(with_tokens(plain, service)) as extractor:
            outcome = await attempt(extractor, videos.ORDINARY, strategy=MOBILE)
    asked = [(body["innertube_context"]["client"]["clientName"], body["content_binding"]) for body in service.asked]
    assert len(set(asked)) == len(asked) == (0 if manner == "old" else 4)
    assert outcome.problem is not None
    assert (outcome.verdict, outcome.problem.code) == ("degraded", "token_provider_unavailable")


async def test_an_attempt_that_ends_before_the_token_service_s_time_limit(youtube: YouTube, plain: Settings) -> None:
    with token_service("hanging") as service:
        async with extracting(with_tokens(plain, service)) as extractor:
            ended = await attempt(extractor, videos.QUICK, strategy=MOBILE, timeout=7)
            later = await attempt(extractor, videos.QUICK, strategy=MOBILE)
            service.released.set()
    for outcome, verdict in ((ended, "retry"), (later, "degraded")):
        assert outcome.problem is not None
        assert (outcome.verdict, outcome.problem.code) == (verdict, "token_provider_unavailable")
    assert len(service.asked) == 1


async def test_a_hanging_token_service_to_the_end(youtube: YouTube, store: Store, plain: Settings) -> None:
    with token_service("hanging") as service:
        journey = await travel(store, with_tokens(plain, service), videos.BOT_CHECK_UNTIL_TOKEN, limit=HUNG)
        service.released.set()
    assert journey.ways == ["plain", "proven", "tokenless", "mobile", "scriptless"]
    assert journey.problem.code == "token_provider_unavailable"
    assert [seconds >= PROMPT for seconds in journey.seconds] == [False, True, False, False, False]
    assert (len(service.asked), service.pings) == (1, 1)
    assert reached(youtube) == {"page": 8, "player": 10}


async def test_what_needs_a_token_is_named_per_client(youtube: YouTube, store: Store, plain: Settings) -> None:
    with token_service("explained") as service:
        journey = await travel(store, with_tokens(plain, service), videos.TOKEN_MISSING)
    assert files(journey.result) == ["18"]
    assert journey.result.is_degraded
    missing = {(item.code, item.client) for item in journey.result.missing}
    assert missing == {("token_provider_unavailable", "web"), ("token_provider_unavailable", "mweb")}
    assert "1080p" in journey.result.missing[0].formats
    assert journey.result.missing[0].detail.endswith("the PO token service says: home page: HTTP 429")
    assert journey.ways == ["plain", "tokenless", "mobile", "scriptless", "tokenless"]
    assert reached(youtube) == {"page": 10, "player": 11, "player_js": 1, "media": 2}


async def test_a_token_is_needed_and_there_is_no_service(youtube: YouTube, store: Store, plain: Settings) -> None:
    journey = await travel(store, plain, videos.TOKEN_MISSING)
    assert (files(journey.result), journey.result.is_degraded) == (["18"], True)
    assert journey.ways == ["plain", "tokenless", "scriptless", "tokenless", "scriptless"]
    assert {item.detail for item in journey.result.missing} == {"A PO token is needed, and no PO token service is set."}
    assert reached(youtube) == {"page": 9, "player": 10, "player_js": 1, "media": 1}


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
