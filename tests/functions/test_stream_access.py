"""Who may have a file where the installation has an access key: whoever shows the key, in one way or another, or a link."""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
from msgspec.structs import replace

from shared.access import COOKIE, Access
from shared.links import Links
from shared.settings import Settings
from shared.store import Store
from tests.streaming import Gateway, gateway, settings_behind, source_of
from tests.youtube import CAPTIONS, YouTube

KEY = "the access key of ours"
PATHS = (f"/v1/stream/{CAPTIONS}/137", f"/v1/stream/{CAPTIONS}/thumbnail", f"/v1/stream/{CAPTIONS}/subtitles/en.vtt")
PATH = PATHS[0]


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as youtube:
        yield youtube


@pytest.fixture
def youtube(running: YouTube) -> Iterator[YouTube]:
    running.clear()
    yield running
    assert not running.requests.leaving


@pytest.fixture
def settings(youtube: YouTube, redis_url: str) -> Settings:
    return replace(settings_behind(youtube, redis_url=redis_url), access_key=KEY)


@pytest.fixture
async def stream(youtube: YouTube, store: Store, settings: Settings) -> AsyncIterator[Gateway]:
    async with gateway(youtube, store, settings) as opened:
        await opened.analyst.analyze(CAPTIONS)
        yield opened


@pytest.fixture
def link(youtube: YouTube, settings: Settings) -> str:
    return Links(settings).stream(CAPTIONS, "137", source_of(youtube, CAPTIONS, "137", settings).version)


@pytest.fixture
def credentials(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    return {
        "bearer": {"Authorization": f"Bearer {KEY}"},
        "cookie": {"Cookie": f"{COOKIE}={Access(settings).issue()}"},
        "both": {"Authorization": f"Bearer {KEY}", "Cookie": f"{COOKIE}={Access(settings).issue()}"},
        "wrong bearer": {"Authorization": "Bearer wrong", "Cookie": f"{COOKIE}={Access(settings).issue()}"},
        "old cookie": {"Cookie": f"{COOKIE}={Access(settings).issue(now=0)}"},
        "nothing": {},
    }


@pytest.mark.parametrize(
    ("name", "is_let_in"),
    [("bearer", True), ("cookie", True), ("both", True), ("wrong bearer", False), ("old cookie", False), ("nothing", False)],
)
@pytest.mark.parametrize("path", PATHS)
async def test_the_key_opens_every_file(
    stream: Gateway, credentials: Mapping[str, Mapping[str, str]], path: str, name: str, is_let_in: bool
) -> None:
    for method in ("GET", "HEAD"):
        answer = await stream.http.request(method, path, headers=credentials[name])
        assert (answer.status_code == 200) == is_let_in
        if not is_let_in:
            assert answer.status_code == 401
            assert not stream.youtube.requests


@pytest.mark.parametrize("name", ["nothing", "cookie", "bearer"])
async def test_a_link_that_was_altered_is_refused_whoever_shows_it(
    stream: Gateway, credentials: Mapping[str, Mapping[str, str]], link: str, name: str
) -> None:
    """A signature is there to be checked, even by those who would not need it."""
    answer = await stream.http.get(link[:-1] + "x", headers=credentials[name])
    assert (answer.status_code, answer.json()["code"]) == (403, "invalid_signature")
    assert not stream.youtube.requests


@pytest.mark.parametrize(
    "more",
    ["url=https://evil.example/x", "host=evil.example", "mn=sn-evil", "redirect=https://evil.example", "signature=0", "version=0"],
)
async def test_nothing_that_is_added_to_a_link_leads_elsewhere(stream: Gateway, link: str, more: str) -> None:
    plain = (await stream.http.get(link)).content
    hosts = {request.host for request in stream.youtube.requests.media}
    for changed in (f"{link}&{more}", link.replace("?", f"?{more}&")):
        answer = await stream.http.get(changed)
        assert answer.status_code in {200, 400, 403, 422}
        if answer.status_code == 200:
            assert answer.content == plain
    assert {request.host for request in stream.youtube.requests.media} == hosts


@pytest.mark.parametrize(
    "target",
    [
        "https:%2F%2Fevil.example%2Fx/137",
        "evil.example/137",
        f"{CAPTIONS}/..%2F..%2Fthumbnail",
        f"{CAPTIONS}@evil.example/137",
        f"{CAPTIONS}%0A137/1",
    ],
)
async def test_no_path_names_a_host(stream: Gateway, credentials: Mapping[str, Mapping[str, str]], link: str, target: str) -> None:
    signed = link.replace(f"{CAPTIONS}/137", target)
    assert (await stream.http.get(signed)).status_code in {403, 404}
    assert (await stream.http.get(f"/v1/stream/{target}", headers=credentials["bearer"])).status_code == 404
    assert not stream.youtube.requests


async def test_the_key_is_not_guessed_here_either(stream: Gateway, link: str) -> None:
    answers = [(await stream.http.get(PATH, headers={"Authorization": f"Bearer {number}"})).status_code for number in range(11)]
    assert answers == [401] * 10 + [429]
    assert (await stream.http.head(PATH, headers={"Authorization": f"Bearer {KEY}"})).status_code == 429
    assert (await stream.http.head(link, headers={"Authorization": "Bearer wrong"})).status_code == 200  # a link needs no key
