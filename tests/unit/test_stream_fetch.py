"""One reader of one file, against an upstream that fails as it is told."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from msgspec.structs import replace

from functions.stream.budget import Budget
from functions.stream.fetch import Fetch
from functions.stream.location import Renewal
from functions.stream.recovery import MAX_RENEWALS
from functions.stream.window import FIRST_PIECE
from shared.problems import ProblemError
from shared.sources import ByteRange, Identity, Source
from shared.upstream import RangeAnswer, Upstream, UpstreamError
from tests.unit.test_stream_headers import SOURCE

OWN = "https://rr1---sn-aaaa.googlevideo.com/videoplayback?mn=sn-aaaa,sn-bbbb&fvip=4"
SIBLING = "https://rr4---sn-bbbb.googlevideo.com/videoplayback?mn=sn-aaaa,sn-bbbb&fvip=4"
ELSEWHERE = "https://rr7---sn-cccc.googlevideo.com/videoplayback"
CONTENT = bytes(range(251)) * 3000
PLACEHOLDER = 1_178_101_570
"""2 May 2007, which is what some answers say instead of the file's date."""

HERE = replace(
    SOURCE,
    url=OWN,
    expires_at=4e9,
    identity=Identity(itag="137", xtags="", lmt=1_700_000_000_000_000, size=len(CONTENT)),
)
Step = UpstreamError | RangeAnswer | None


def failure(reason: Any, *, retry_after: int | None = None) -> UpstreamError:
    return UpstreamError(reason, retry_after=retry_after)


class Script:
    """An upstream that fails in this order, then serves; a step of an answer says where it came from, or how it is dated."""

    def __init__(self, *steps: UpstreamError | dict[str, Any]) -> None:
        self.steps: list[UpstreamError | dict[str, Any]] = list(steps)
        self.asked: list[tuple[str, int]] = []

    @asynccontextmanager
    async def open_range(self, source: Source, wanted: ByteRange, *, url: str | None = None) -> AsyncIterator[RangeAnswer]:
        self.asked.append((url or source.url, wanted.start))
        step = self.steps.pop(0) if self.steps else {}
        if isinstance(step, UpstreamError):
            raise step
        facts = {"total": len(CONTENT), "last_modified": None, "url": url or source.url} | step
        yield RangeAnswer(chunks=self._chunks(wanted), **facts)

    async def _chunks(self, wanted: ByteRange) -> AsyncGenerator[bytes, None]:
        yield CONTENT[wanted.start : wanted.end]

    @property
    def hosts(self) -> list[str]:
        return [url for url, _ in self.asked]


class Fresh:
    """Renewals, each with a URL of its own; or always the same."""

    def __init__(self, *, is_stuck: bool = False) -> None:
        self.count = 0
        self._is_stuck = is_stuck

    async def __call__(self, stale: Source) -> Source:
        self.count += 1
        return stale if self._is_stuck else replace(stale, url=f"{OWN}&fresh={self.count}")


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.recovery.FIRST_BACKOFF", 0.0)


async def read(script: Script, fresh: Renewal | None = None, source: Source = HERE) -> bytes:
    fetch = Fetch(
        cast("Upstream", script),
        source,
        renew=fresh or Fresh(),
        budget=Budget(0),
        connections=1,
        on_trouble=lambda *_: None,
    )
    return b"".join([chunk async for chunk in fetch.read(ByteRange(0, len(CONTENT)))])


async def code(script: Script, fresh: Fresh | None = None) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await read(script, fresh)
    return caught.value


def failures(reason: str, count: int) -> Sequence[UpstreamError]:
    return [failure(reason) for _ in range(count)]


async def test_the_first_piece_is_small_and_the_next_goes_on_where_it_ends() -> None:
    script = Script()
    assert await read(script) == CONTENT
    assert script.asked == [(OWN, 0), (OWN, FIRST_PIECE)]


async def test_a_node_that_stays_broken_is_left_for_its_sibling_and_that_for_a_fresh_url() -> None:
    script, fresh = Script(*failures("interrupted", 4)), Fresh()
    assert await read(script, fresh) == CONTENT
    assert script.hosts[:5] == [OWN, OWN, OWN, SIBLING, f"{OWN}&fresh=1"]
    assert fresh.count == 1


async def test_a_sibling_that_serves_saves_the_analysis() -> None:
    script, fresh = Script(*failures("unavailable", 3)), Fresh()
    assert await read(script, fresh) == CONTENT
    assert script.hosts == [OWN, OWN, OWN, SIBLING, SIBLING]
    assert fresh.count == 0


async def test_where_a_redirect_led_is_asked_next_until_it_refuses() -> None:
    script, fresh = Script({"url": ELSEWHERE}, failure("refused")), Fresh()
    assert await read(script, fresh) == CONTENT
    assert script.hosts == [OWN, ELSEWHERE, OWN]
    assert fresh.count == 0


async def test_a_sibling_that_refuses_says_nothing_of_the_url() -> None:
    script, fresh = Script(*failures("timeout", 3), failure("refused")), Fresh()
    assert await read(script, fresh) == CONTENT
    assert script.hosts[:5] == [OWN, OWN, OWN, SIBLING, OWN]
    assert fresh.count == 0


async def test_a_fresh_url_that_is_the_refused_one_is_not_asked_for_ever() -> None:
    fresh = Fresh(is_stuck=True)
    assert (await code(Script(*failures("refused", 100)), fresh)).code == "source_refused"
    assert fresh.count == MAX_RENEWALS


async def test_an_exit_that_moves_with_every_url_is_named() -> None:
    """Each fresh URL is bound to the address that asked for it, and the next request leaves by another."""

    async def renew(stale: Source) -> Source:
        return replace(stale, url=f"{OWN}&ip={next(addresses)}")

    here = replace(HERE, url=f"{OWN}&ip=198.51.100.7", family=None)
    for source, expected in ((here, "proxy_exit_unstable"), (replace(here, family="ipv4"), "source_refused")):
        addresses = iter(("198.51.100.1", "198.51.100.2", "198.51.100.3"))
        with pytest.raises(ProblemError) as caught:
            await read(Script(*failures("refused", 100)), renew, source)
        assert caught.value.code == expected


async def test_a_date_that_is_not_the_files_is_no_proof_of_another_file() -> None:
    script, fresh = Script({"last_modified": PLACEHOLDER}, {"last_modified": PLACEHOLDER}), Fresh()
    assert await read(script, fresh) == CONTENT
    assert fresh.count == 0


async def test_a_date_that_changes_is_looked_into() -> None:
    script, fresh = Script({"last_modified": PLACEHOLDER}, {"last_modified": 5}, {"last_modified": 5}), Fresh()
    assert await read(script, fresh) == CONTENT
    assert fresh.count == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (failure("rate_limited", retry_after=60), "source_rate_limited"),
        (failure("unavailable", retry_after=60), "source_refused"),
    ],
)
async def test_nobody_waits_long_for_a_first_byte(error: UpstreamError, expected: str) -> None:
    problem = await code(Script(error))
    assert (problem.code, problem.retry_after) == (expected, 60)


async def test_who_has_a_first_byte_waits_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(delay: float) -> None:
        pauses.append(delay)

    monkeypatch.setattr("asyncio.sleep", sleep)
    assert await read(Script({}, failure("rate_limited", retry_after=60))) == CONTENT
    assert pauses == [60]


async def test_silence_before_the_first_byte_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.stream.fetch.FIRST_BYTE_PATIENCE", -1.0)
    script = Script(*failures("timeout", 100))
    assert (await code(script)).code == "source_timeout"
    assert len(script.asked) == 1
