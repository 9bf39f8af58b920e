"""What the doctor makes of what it finds."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from yt_dlp.utils import extract_basic_auth

from functions.analyze.doctor import analysis, media, programs, provider, store, token, way_out
from functions.analyze.doctor.checks import CHECKS
from functions.analyze.doctor.examination import Case, Check, examine
from functions.analyze.doctor.finding import Finding, as_line, bad, good, unchecked
from functions.analyze.extraction.outcome import Outcome, failed
from functions.analyze.extraction.strategies import PLAIN, PROVEN, SCRIPTLESS, Strategy
from shared.extracted import Extracted
from shared.problems import problem
from shared.schemas import Channel, Format, Formats, Media, Missing, VideoCodec
from shared.settings import Settings
from shared.sources import ByteRange, Identity, Source
from shared.upstream import RangeAnswer, Upstream, UpstreamError, open_upstream
from shared.urls import Video

MIB = 1 << 20


def video_format(height: int) -> Format:
    return Format(
        format_id=str(height), container="mp4", extension="mp4", resolution=f"{height}p", width=None, height=height, fps=30.0,
        dynamic_range="SDR", video_codec=VideoCodec(family="h264", name="avc1"), audio_codec=None, bitrate=1, size=1,
        is_size_exact=True, language=None, audio_track=None, available_at=None, version=None, stream_url="", filename="",
    )  # fmt: skip


def result(*heights: int, is_degraded: bool = False, missing: list[Missing] | None = None) -> Media:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Media(
        media_id="aqz-KE-bpKQ", url="", title="", channel=Channel(name=None, id=None, url=None), duration=600.0, thumbnail_url=None,
        published_at=None, view_count=None, live_status="not_live", chapters=[], subtitles=[],
        formats=Formats(combined=[], video_only=[video_format(height) for height in heights], audio_only=[]),
        merges=[], recommended=[], is_degraded=is_degraded, missing=missing or [], analyzed_at=now, fresh_until=now,
    )  # fmt: skip


def source(url: str) -> Source:
    return Source(
        media_id="aqz-KE-bpKQ", format_id="137", url=url, headers={}, identity=Identity(itag="137", xtags="", lmt=None, size=1),
        content_type="", filename="", expires_at=0.0, available_at=None, init_range=None, index_range=None, exit="", family=None,
    )  # fmt: skip


def extracted(media: Media) -> Extracted:
    formats = [*media.formats.video_only]
    return Extracted(media=media, sources={item.format_id: source("") for item in formats}, assets={})


def attempted(outcome: Outcome, *, strategy: Strategy = PLAIN) -> analysis.Attempted:
    return analysis.Attempted(strategy=strategy, outcome=outcome, seconds=1.0)


# -- how findings are said -------------------------------------------------------------------------------------------


def test_a_line_begins_with_the_verdict_and_ends_with_the_remedy() -> None:
    assert as_line(good("deno", "2.9.8")) == "OK  deno         2.9.8"
    assert as_line(good("deno", "2.9.8", advice="rest")) == "OK  deno         2.9.8 → rest"
    assert as_line(bad("googlevideo", "away", "wait")) == "!!  googlevideo  away → wait"
    assert as_line(unchecked("store", "nowhere")) == "--  store        not checked: nowhere"


# -- going through the checks ----------------------------------------------------------------------------------------


async def examined(*checks: Check) -> tuple[bool, list[Finding]]:
    found: list[Finding] = []
    settings = Settings()
    async with open_upstream(settings) as upstream:
        case = Case(settings=settings, upstream=upstream, video=Video("aqz-KE-bpKQ"))
        return await examine(case, checks, found.append), found


def saying(finding: Finding) -> Callable[[Case], Awaitable[Finding]]:
    async def look(_: Case) -> Finding:
        return finding

    return look


async def test_what_needs_a_failed_check_is_not_tried_and_says_so() -> None:
    async def never(_: Case) -> Finding:
        raise AssertionError

    is_well, found = await examined(
        Check(name="a", look=saying(bad("a", "broken", None))),
        Check(name="b", look=never, needs=("a",)),
        Check(name="c", look=never, needs=("d", "b")),
        Check(name="d", look=saying(good("d", "fine"))),
    )
    assert not is_well
    states = [("a", "failed"), ("b", "unchecked"), ("c", "unchecked"), ("d", "ok")]
    assert [(item.name, item.state) for item in found] == states
    assert [item.text for item in found[1:3]] == ["not checked: a failed", "not checked: b was not checked"]


async def test_what_nobody_looked_at_is_neither_well_nor_wrong() -> None:
    is_well, found = await examined(
        Check(name="a", look=saying(unchecked("a", "it is elsewhere"))),
        Check(name="b", look=saying(good("b", "fine")), needs=("a",)),
    )
    assert is_well
    assert [item.state for item in found] == ["unchecked", "unchecked"]
    assert found[1].text == "not checked: a was not checked"


async def test_all_is_well_also_with_advice() -> None:
    is_well, _ = await examined(Check(name="a", look=saying(good("a", "fine", advice="rest"))))
    assert is_well


async def test_a_check_that_hangs_or_breaks_does_not_end_the_others() -> None:
    async def hang(_: Case) -> Finding:
        await asyncio.Event().wait()
        raise AssertionError

    async def crash(_: Case) -> Finding:
        raise KeyError("secret")

    async def time_out(_: Case) -> Finding:
        raise TimeoutError

    is_well, found = await examined(
        Check(name="a", look=hang, timeout=0.01),
        Check(name="b", look=crash),
        Check(name="c", look=time_out, timeout=None),
        Check(name="d", look=saying(good("d", "fine"))),
    )
    assert not is_well
    assert [item.is_ok for item in found] == [False, False, False, True]
    assert "0.01 s" in found[0].text
    assert "KeyError" in found[1].text
    assert "secret" not in str(found)
    assert "TimeoutError" in found[2].text


def test_every_check_needs_only_earlier_ones() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    for number, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:number]), check.name


# -- store -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "text", "advice"),
    [
        (
            {"valkey_version": "9.1.2", "redis_version": "7.2.4", "aof_enabled": 1, "maxmemory_policy": "noeviction"},
            "Valkey 9.1.2",
            "",
        ),
        ({"redis_version": "8.2.0", "aof_enabled": 0, "maxmemory_policy": "noeviction"}, "Redis 8.2.0", "appendonly yes"),
        ({"redis_version": "8.2.0", "aof_enabled": 1, "maxmemory_policy": "allkeys-lru"}, "Redis 8.2.0", "with allkeys-lru"),
        ({}, "Redis of unknown version", ""),
    ],
)
def test_what_the_store_says_of_itself(facts: dict[str, object], text: str, advice: str) -> None:
    found = store.described(facts, seconds=0.001)
    assert found.is_ok
    assert found.text == f"{text} answers in 1 ms"
    assert advice in (found.remedy or "")
    assert bool(advice) == bool(found.remedy)


async def test_without_a_url_the_store_is_the_launchers() -> None:
    found = await store.store(store.LAUNCHERS)
    assert found.state == "unchecked"
    assert "make run" in found.text


# -- the way out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.7", "IPv4 198.51.*.*"),
        ("2001:db8:1234:5678::9", "IPv6 2001:db8:*"),
        ("::1", "IPv6 0:0:*"),
        ("not an address", None),
        ("", None),
    ],
)
def test_an_address_is_masked(address: str, expected: str | None) -> None:
    assert way_out.masked(address) == expected


def test_the_exit_must_be_one() -> None:
    one = source("https://rr1---sn-a.googlevideo.com/videoplayback?ip=198.51.100.7&sig=s")
    other = source("https://rr1---sn-a.googlevideo.com/videoplayback?ip=198.51.100.8&sig=s")
    silent = source("https://rr1---sn-a.googlevideo.com/videoplayback?sig=s")
    assert way_out.exit_address([one, one, silent]) == good("exit", "YouTube sees IPv4 198.51.*.*")
    assert way_out.exit_address([silent]).is_ok
    unstable = way_out.exit_address([one, other])
    assert not unstable.is_ok
    assert "2 addresses" in unstable.text


@pytest.mark.parametrize("is_proxied", [True, False])
@pytest.mark.parametrize("reason", ["refused", "unavailable", "unresolved", "untrusted", "rate_limited", "timeout", "interrupted"])
def test_every_trouble_on_the_way_has_a_remedy(reason: str, is_proxied: bool) -> None:
    text, remedy = way_out.explained(UpstreamError(reason), is_proxied=is_proxied)  # type: ignore[arg-type]
    assert text
    assert remedy
    assert is_proxied or "proxy" not in text


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """The URL of something that answers this to everybody."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


# -- the token service -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "is_ok", "remedy"),
    [
        ("2.0.2", True, None),
        ("2.1.9", True, "the same version is safest"),
        ("1.3.1", False, "the plugin refuses it: run version 2 of the service"),
        ("20.0", False, "the plugin refuses it: run version 2 of the service"),
        ("<script>", False, "let POT_PROVIDER_URL name a PO token service"),
        ("", False, "let POT_PROVIDER_URL name a PO token service"),
    ],
)
def test_service_and_plugin_have_the_same_major_version(service: str, is_ok: bool, remedy: str | None) -> None:
    found = provider.compared(service=service, plugin="2.0.2")
    assert (found.is_ok, found.remedy) == (is_ok, remedy)
    assert "<" not in found.text


async def test_credentials_are_sent_as_yt_dlp_sends_them() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"version": "2.0.2"}')
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://user:pr%40ss@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = await provider.provider(url, plugin="2.0.2", trust=ssl.create_default_context())
    assert found.is_ok
    sent = extract_basic_auth(url)[1]
    assert f"Authorization: {sent}\r\n".encode() in heard[0]
    assert b"pr%40ss" not in heard[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n<html>",
        b'HTTP/1.1 200 OK\r\n\r\n{"version": 2}',
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (1 << 17),
    ],
)
async def test_what_answers_something_else_is_no_token_service(answer: bytes) -> None:
    async with answering(answer) as url:
        found = await provider.provider(f"{url}/base", plugin="2.0.2", trust=ssl.create_default_context())
    assert not found.is_ok
    assert found.remedy


@pytest.mark.parametrize(
    ("told", "text", "remedy"),
    [
        ("proxy: this service leaves by its GLOBAL_PROXY only", "", "the worker's GLOBAL_PROXY"),
        ("home page: HTTP 429", "", "another exit"),
        ("sandbox: too many attestations at once", "", "memory"),
        ("mint: broken", "", "the plugin's own server"),
        ("stage of nobody: x", "", "the log"),
        ("no http://bob:s3cret@proxy", "no (address)", "the log"),
        ("x" * 50, "…", "the log"),
    ],
)
def test_what_the_service_says_has_a_remedy(told: str, text: str, remedy: str) -> None:
    found = token.judged(token.Told(error=told), seconds=1.0)
    assert found.state == "failed"
    assert found.text == (text or told)
    assert remedy in (found.remedy or "")


def test_an_answer_with_neither_token_nor_reason() -> None:
    assert token.judged(token.Told(token="t", error=None), seconds=0.5) == good("token", "made in 0.5 s")
    assert not token.judged(token.Told(), seconds=0.5).is_ok


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n<html>", b"HTTP/1.1 200 OK\r\n\r\n[]"]
)
async def test_what_answers_something_else_makes_no_tokens(answer: bytes) -> None:
    async with answering(answer) as url:
        found = await token.token(url, content="x", proxy=None, trust=ssl.create_default_context())
    assert found.state == "failed"
    assert found.remedy


async def test_a_token_service_that_does_not_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = await token.token(url, content="x", proxy=None, trust=ssl.create_default_context(), timeout=0.05)
    assert found.text == "none in 0.05 s"


async def test_without_the_plugin_no_service_helps() -> None:
    found = await provider.provider(None, plugin=None, trust=ssl.create_default_context())
    assert found.state == "failed"
    without_url = await provider.provider(None, plugin="2.0.2", trust=ssl.create_default_context())
    assert without_url.state == "unchecked"


# -- programs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "is_ok", "text"),
    [
        ("deno 2.9.8 (stable, release, x86_64-unknown-linux-gnu)\nv8 14.1", True, "2.9.8"),
        ("deno 2.3.0", True, "2.3.0"),
        ("deno 2.2.9", False, "2.2.9 is too old"),
        ("deno 1.46.3", False, "1.46.3 is too old"),
        ("v22.1.0", False, "it starts, and does not tell its version"),
    ],
)
def test_deno_must_be_new_enough(output: str, is_ok: bool, text: str) -> None:
    found = programs.judged_deno(output)
    assert (found.is_ok, found.text) == (is_ok, text)


async def test_deno_that_is_missing_or_cannot_start() -> None:
    assert not (await programs.deno(None)).is_ok
    assert not (await programs.deno("/nowhere/deno")).is_ok


@pytest.mark.parametrize(
    ("version", "text", "is_old"),
    [
        ("2026.10.26", "2026.10.26, 30 days old", False),
        ("2026.11.24", "2026.11.24, 1 day old", False),
        ("2026.9.26", "2026.9.26, 60 days old", False),
        ("2026.9.25", "2026.9.25, 61 days old", True),
        ("2026.10.26.232900.dev0", "2026.10.26.232900.dev0, 30 days old", False),
        ("2027.1.1", "2027.1.1, 0 days old", False),
        ("2026.13.45", "2026.13.45, of unknown age", False),
        ("unknown", "unknown, of unknown age", False),
    ],
)
def test_ytdlp_grows_old(version: str, text: str, is_old: bool) -> None:
    found = programs.ytdlp(version, today=date(2026, 11, 25))
    assert found.is_ok
    assert found.text == text
    assert ("make update-ytdlp" in (found.remedy or "")) == is_old


def test_ytdlp_that_is_missing() -> None:
    assert not programs.ytdlp(None, today=date(2026, 11, 25)).is_ok
    assert programs.installed("no-such-package-of-anybodys") is None


# -- the analysis ----------------------------------------------------------------------------------------------------


def test_a_complete_result() -> None:
    segments = Missing(code="segmented_only", detail="", formats=["1080p60"], client=None)
    assert analysis.completeness(result(1080, 2160, 2160), least_lines=2160) == good("formats", "complete: 2160p, 1080p")
    assert analysis.completeness(result(720, missing=[segments]), least_lines=0) == good(
        "formats", "complete: 720p; missing: 1080p60 (segmented_only)"
    )


def test_a_result_that_is_less_than_there_is() -> None:
    lost = Missing(code="token_rejected", detail="", formats=["2160p", "1080p"], client="WEB")
    degraded = analysis.completeness(result(360, is_degraded=True, missing=[lost]), least_lines=0)
    assert not degraded.is_ok
    assert degraded.text == "degraded: 360p; missing: 2160p, 1080p (token_rejected, WEB)"
    assert degraded.remedy
    low = analysis.completeness(result(1080), least_lines=2160)
    assert not low.is_ok
    assert low.text == "1080p, though the video has 2160p"
    assert not analysis.completeness(result(is_degraded=True), least_lines=0).is_ok


@pytest.mark.parametrize("code", ["bot_check", "video_private", "internal_error", "proxy_unreachable"])
def test_a_failed_analysis_has_a_name_and_a_remedy(code: str) -> None:
    found = analysis.concluded([attempted(failed(code))])
    assert not found.is_ok
    assert found.text.startswith(f"{code}: ")
    assert found.remedy


def test_an_outcome_that_says_nothing() -> None:
    assert not analysis.concluded([attempted(Outcome(verdict="retry"))]).is_ok


@pytest.mark.parametrize(
    ("code", "has_provider", "strategy"),
    [
        ("bot_check", True, "proven"),
        ("bot_check", False, None),
        ("token_provider_unavailable", True, "tokenless"),
        ("token_rejected", False, "scriptless"),
        ("source_rate_limited", True, None),
        ("video_private", True, None),
    ],
)
def test_a_failure_that_another_way_may_cure_gets_one(code: str, has_provider: bool, strategy: str | None) -> None:
    found = analysis.cure(failed(code), has_provider=has_provider)
    assert (found and found.name) == strategy


def test_an_exit_that_tokens_cure_is_told_as_such() -> None:
    cured = Outcome(verdict="complete", facts=extracted(result(1080)))
    found = analysis.concluded([attempted(failed("bot_check")), attempted(cured, strategy=PROVEN)])
    assert found.is_ok
    assert found.text == "bot_check at first; 1 format with PO tokens in 1.0 s"
    assert "needs PO tokens" in (found.remedy or "")
    detour = analysis.concluded([attempted(failed("token_rejected")), attempted(cured, strategy=SCRIPTLESS)])
    assert detour.text == "token_rejected at first; 1 format by other clients in 1.0 s"


def test_an_exit_that_not_even_tokens_cure() -> None:
    found = analysis.concluded([attempted(failed("bot_check")), attempted(failed("bot_check"), strategy=PROVEN)])
    assert not found.is_ok
    assert found.text.endswith("; with PO tokens as well: bot_check")
    assert found.remedy == "use another exit"
    untried = analysis.concluded([attempted(failed("bot_check"))])
    assert "set POT_PROVIDER_URL" in (untried.remedy or "")
    refused = analysis.concluded([attempted(failed("bot_check")), attempted(failed("token_provider_unavailable"), strategy=PROVEN)])
    assert "provider and token" in (refused.remedy or "")


def test_of_two_results_the_better_counts() -> None:
    poor = Outcome(verdict="degraded", facts=extracted(result(360, is_degraded=True)), problem=problem("formats_incomplete"))
    rich = Outcome(verdict="complete", facts=extracted(result(1080)))
    assert analysis.best([attempted(poor), attempted(rich)]) == rich.facts
    cured = analysis.concluded([attempted(poor), attempted(rich, strategy=PROVEN)])
    assert cured.text == "formats_incomplete at first; 1 format with PO tokens in 1.0 s"
    assert analysis.concluded([attempted(rich), attempted(poor, strategy=PROVEN)]).text == "1 format in 1.0 s"
    assert analysis.best([attempted(poor), attempted(failed("bot_check"))]) == poor.facts
    assert analysis.best([attempted(failed("bot_check"))]) is None


# -- media -----------------------------------------------------------------------------------------------------------


def test_far_is_beyond_the_first_minute() -> None:
    far = media.far(600 * MIB, 600.0)
    assert far.is_proof
    assert far.wanted.start == 120 * MIB
    assert far.wanted.length == media.LENGTH


@pytest.mark.parametrize(("size", "duration"), [(600 * MIB, None), (600 * MIB, 60.0), (MIB, 600.0), (1, 600.0), (600 * MIB, 120.1)])
def test_a_short_video_proves_little(size: int, duration: float | None) -> None:
    far = media.far(size, duration)
    assert not far.is_proof
    assert far.wanted.end == size
    assert media.fetched(far, size=size, seconds=1.0).remedy


@given(size=st.integers(1, 1 << 40), duration=st.none() | st.floats(0, 1e6))
def test_far_lies_within_the_file(size: int, duration: float | None) -> None:
    far = media.far(size, duration)
    assert 0 <= far.wanted.start < far.wanted.end <= size
    assert far.wanted.length <= media.LENGTH
    assert not far.is_proof or far.wanted.length > MIB


class Refusing:
    """An upstream that hands out the beginning alone, as YouTube does for a wrong token."""

    @asynccontextmanager
    async def open_range(self, _: Source, wanted: ByteRange) -> AsyncIterator[RangeAnswer]:
        if wanted.start > MIB:
            raise UpstreamError("refused", "403")

        async def chunks() -> AsyncGenerator[bytes, None]:
            yield b"x"

        yield RangeAnswer(total=600 * MIB, last_modified=None, url="", chunks=chunks())


async def test_a_file_that_is_refused_beyond_its_beginning() -> None:
    one = source("")
    best = media.Best(replace(one, identity=replace(one.identity, size=600 * MIB)), 600.0)
    upstream = cast("Upstream", Refusing())
    assert (await media.googlevideo(best, upstream, is_proxied=False)).is_ok
    found = await media.media(best, upstream, is_proxied=False)
    assert not found.is_ok
    assert "403" in found.text
    assert "PO token" in (found.remedy or "")


async def test_no_video_to_ask_for() -> None:
    async with open_upstream(Settings()) as upstream:
        assert not (await media.googlevideo(None, upstream, is_proxied=False)).is_ok
