"""Where a hostile answer can lead the analysis: nowhere."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from yt_dlp import YoutubeDL

from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.reach import confine
from functions.analyze.extraction.strategies import Strategy
from tests import youtube as videos
from tests.worker.extraction_attempts import attempt, extracting, settings_for
from tests.youtube import Answer, Fault, YouTube
from tests.youtube.content import read
from tests.youtube.faults import Occasion

pytestmark = pytest.mark.asyncio(loop_scope="module")

INSIDE = (
    "http://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "http://www.youtube.com/",
    "file:///etc/passwd",
)
ELSEWHERE = ("https://media.attacker.example/x", "https://www.youtube.com.attacker.example/x", *INSIDE)
WEB = Strategy(name="web", clients=("web",), forgets_players=True)


@dataclass(frozen=True)
class Location:
    """302 to anywhere."""

    value: str

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.replace(302, {"Location": self.value})


@dataclass(frozen=True)
class Rewritten:
    """An answer of JSON in which something stands that YouTube did not put there."""

    edit: Callable[[dict[str, Any]], None]

    def change(self, answer: Answer, occasion: Occasion) -> None:
        value = json.loads(read(answer.body, 0, answer.body.size))
        self.edit(value)
        answer.replace(200, answer.headers, json.dumps(value).encode())


@dataclass(frozen=True)
class Replaced:
    """A page in which one text stands for another."""

    old: bytes
    new: bytes

    def change(self, answer: Answer, occasion: Occasion) -> None:
        body = read(answer.body, 0, answer.body.size)
        answer.replace(200, answer.headers, body.replace(self.old, self.new))


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as running:
        yield running


@pytest.fixture(autouse=True)
def _as_new(youtube: YouTube) -> Iterator[None]:
    youtube.clear()
    yield
    assert not youtube.requests.leaving
    assert not youtube.requests.of("proxy")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def extractor(youtube: YouTube) -> AsyncIterator[Extractor]:
    async with extracting(settings_for(youtube)) as opened:
        yield opened


@pytest.mark.parametrize("where", ELSEWHERE)
async def test_a_redirect_leads_nowhere(extractor: Extractor, youtube: YouTube, where: str) -> None:
    youtube.fault(Fault("page", Location(where)))
    youtube.fault(Fault("player", Location(where)))
    outcome = await attempt(extractor, videos.QUICK)
    assert outcome.problem is not None
    assert outcome.problem.code == "network_error"


async def test_a_redirect_within_youtube_is_followed(extractor: Extractor, youtube: YouTube) -> None:
    youtube.fault(Fault("page", Location(f"https://m.youtube.com/watch?v={videos.QUICK}"), host="www.youtube.com", times=1))
    outcome = await attempt(extractor, videos.QUICK)
    assert outcome.verdict == "complete"
    assert "m.youtube.com" in {request.host for request in youtube.requests.of("page")}


@pytest.mark.parametrize("name", ["hlsManifestUrl", "dashManifestUrl"])
async def test_a_manifest_is_not_fetched_from_elsewhere(extractor: Extractor, youtube: YouTube, name: str) -> None:
    def edit(response: dict[str, Any]) -> None:
        response.get("streamingData", {})[name] = "https://media.attacker.example/api/manifest/hls_variant/x"

    youtube.fault(Fault("player", Rewritten(edit)))
    outcome = await attempt(extractor, videos.QUICK)
    assert outcome.facts is not None


async def test_a_player_script_is_not_fetched_from_elsewhere(extractor: Extractor, youtube: YouTube) -> None:
    foreign = b"//media.attacker.example/s/player/"
    youtube.fault(Fault("page", Replaced(b"/s/player/", foreign)))
    youtube.fault(Fault("iframe", Replaced(b"/s/player/", foreign)))
    youtube.fault(Fault("iframe", Replaced(b"\\/s\\/player\\/", foreign)))
    await attempt(extractor, videos.QUICK, strategy=WEB)
    assert youtube.requests.of("page")


async def test_nothing_is_offered_that_is_elsewhere(extractor: Extractor, youtube: YouTube) -> None:
    """Media addresses of a hostile answer are neither probed nor handed to the stream function."""

    def edit(response: dict[str, Any]) -> None:
        for item in response.get("streamingData", {}).get("adaptiveFormats", []):
            if "url" in item:
                item["url"] = item["url"].replace(".googlevideo.com", ".attacker.example")

    youtube.fault(Fault("player", Rewritten(edit)))
    outcome = await attempt(extractor, videos.QUICK)
    sources = {} if outcome.facts is None else outcome.facts.sources
    assert not [source for source in sources.values() if ".attacker.example" in source.url]


async def test_whatever_cannot_be_confined_does_not_start() -> None:
    with YoutubeDL({"quiet": True}, auto_init=False) as ydl:
        handlers(ydl).pop("Requests")
        with pytest.raises(LookupError):
            confine(ydl, provider=None)


async def test_only_the_confined_handler_is_left() -> None:
    with YoutubeDL({"quiet": True}, auto_init=False) as ydl:
        assert len(handlers(ydl)) > 1
        confine(ydl, provider=None)
        assert list(handlers(ydl)) == ["Requests"]


def handlers(ydl: Any) -> dict[str, Any]:
    found: dict[str, Any] = ydl._request_director.handlers
    return found
