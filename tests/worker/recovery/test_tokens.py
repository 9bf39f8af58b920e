"""The token service: absent, failing in every manner, hanging, or giving what YouTube rejects."""

import asyncio
import time
from contextlib import ExitStack

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from functions.analyze.extraction.evidence import LEFT_ALONE
from functions.analyze.extraction.strategies import MOBILE
from shared.settings import Settings
from shared.store import Store
from tests import youtube as videos
from tests.token_service import WithChallenge, serving
from tests.worker.extraction_attempts import ANOTHER_TOKEN, TOKEN, Manner, attempt, extracting, token_service
from tests.worker.recovery.journeys import HUNG, PROMPT, closed_port, files, reached, travel, with_tokens
from tests.youtube import Fault, TokenRequired, YouTube


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
    assert reached(youtube) == {"page": 4, "player": 2, "player_js": 1, "media": 1}


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
