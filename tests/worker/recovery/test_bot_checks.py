"""YouTube asks for a proof of origin: cured by a token, by another one, or by those who are not asked for one."""

from shared.settings import Settings
from shared.store import Store
from tests import youtube as videos
from tests.worker.extraction_attempts import TOKEN, token_service
from tests.worker.recovery.journeys import QUICK_FILES, files, reached, travel, with_tokens
from tests.youtube import Playability, YouTube
from tests.youtube.catalogue import BOT_CHECKED

EVERYONE_PLAIN = frozenset({"WEB", "MWEB", "TVHTML5", "VISIONOS"})
CAPTCHA = Playability(status="UNPLAYABLE", reason="Video unavailable", is_captcha=True)


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
