"""One attempt at a video: a job for a warm child, its report made into a result, the result's best files probed.

The worker process itself never loads yt-dlp.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from msgspec.structs import replace

from functions.analyze.extraction import exits, progress
from functions.analyze.extraction.breaker import PATIENCE, Rest
from functions.analyze.extraction.census import Census, census
from functions.analyze.extraction.environment import child_environment, find_deno
from functions.analyze.extraction.evidence import evidence, is_asking_for_token
from functions.analyze.extraction.formats import candidates
from functions.analyze.extraction.media import extracted
from functions.analyze.extraction.options import ydl_options
from functions.analyze.extraction.outcome import Outcome, classify, degradation, failed, nothing_to_offer, told_to_wait
from functions.analyze.extraction.pool import Pool
from functions.analyze.extraction.probe import Probed, probe, seconds_to_wait
from functions.analyze.extraction.process import ChildError
from functions.analyze.extraction.strategies import Strategy
from functions.analyze.extraction.wire import Info, Job, Line, Report
from shared.problems import problem
from shared.schemas import Progress
from shared.settings import Settings
from shared.upstream import Upstream, open_upstream
from shared.upstream.answers import retry_after

OnProgress = Callable[[Progress], Awaitable[None]]

log = structlog.get_logger()


class _Heard:
    """What a child has said so far, and when it said something last."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.last = time.monotonic()

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.last = time.monotonic()


class Extractor:
    """Attempts analyses, as many at once as it has children. Made by :meth:`open`."""

    def __init__(self, settings: Settings, pool: Pool, upstream: Upstream, *, deno: str | None) -> None:
        self._settings = settings
        self._pool = pool
        self._upstream = upstream
        self._deno = deno
        self._rest = Rest()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, children: int, deno: str | None = None) -> AsyncIterator["Extractor"]:
        """Own the children and the way out.

        :param deno: path of the JavaScript runtime, else it is looked for.
        """
        with child_environment(settings.ssl_cert_file) as environment:
            async with Pool.open(environment, children=children) as pool, open_upstream(settings) as upstream:
                yield cls(settings, pool, upstream, deno=deno or find_deno())

    async def attempt(
        self,
        url: str,
        media_id: str,
        strategy: Strategy,
        *,
        timeout: float,
        on_progress: OnProgress,
        refused_exits: frozenset[str] = frozenset(),
        request_id: str | None = None,
    ) -> Outcome:
        """Whatever yt-dlp does, an outcome, at most ``timeout`` seconds later. Cancelled, it leaves nothing running.

        :param refused_exits: of earlier attempts.
        :param request_id: told to the token service, whose log then says what a token was for.
        """
        started = time.monotonic()
        heard = _Heard()
        try:
            async with asyncio.timeout(timeout):
                report = await self._extract(self._job(url, strategy, request_id), heard, on_progress)
        except TimeoutError:
            log.warning("extraction ended by force", strategy=strategy.name, seconds=timeout)
            return self._ended(heard)
        except ChildError as error:
            return failed("internal_error", f"The extraction process {error}.")
        remaining = timeout - (time.monotonic() - started)
        outcome = await self._conclude(
            report, heard.lines, media_id=media_id, on_progress=on_progress, remaining=remaining, known_exits=refused_exits
        )
        return told_to_wait(outcome, [retry_after(header) for header in report.retry_after])

    async def _extract(self, job: Job, heard: _Heard, on_progress: OnProgress) -> Report:
        shown = progress.START

        async def read(line: Line) -> None:
            nonlocal shown
            heard.add(line)
            if line.level != "debug":
                log.info("extraction says", level=line.level, text=line.text)
            if (after := progress.advance(shown, line.text)) is not None:
                shown = after
                await on_progress(after)

        async with self._pool.borrow() as child:
            await on_progress(shown)
            report = await child.run(job, read)
        self._rest.note(spent=report.provider_seconds, now=time.monotonic())
        return report

    def _ended(self, heard: _Heard) -> Outcome:
        """By force, which may be the token service's doing: its own time limit is longer than a short attempt."""
        now = time.monotonic()
        spent = now - heard.last
        if spent < PATIENCE or not is_asking_for_token(heard.lines):
            return failed("analysis_timeout")
        self._rest.note(spent=spent, now=now)
        return failed("token_provider_unavailable")

    def _job(self, url: str, strategy: Strategy, request_id: str | None) -> Job:
        options = ydl_options(
            proxy=self._settings.global_proxy,
            pot_provider_url=self._settings.pot_provider_url,
            strategy=strategy,
            deno=self._deno,
            has_extra_trust=self._settings.ssl_cert_file is not None,
        )
        return Job(
            url=url,
            options=options,
            provider=self._settings.pot_provider_url,
            bypass_cache=strategy.bypass_cache,
            forgets_players=strategy.forgets_players,
            is_provider_resting=self._rest.holds(now=time.monotonic()),
            request_id=request_id,
        )

    async def _conclude(
        self,
        report: Report,
        lines: list[Line],
        *,
        media_id: str,
        on_progress: OnProgress,
        remaining: float,
        known_exits: frozenset[str],
    ) -> Outcome:
        """A result if there is something to offer, else the name of what went wrong."""
        failure_text = report.failure.text if report.failure else ""
        found = evidence(lines, failure_text)
        told = classify(
            info=report.info, failure=report.failure, playability=report.playability, offers=report.offers, evidence=found
        )
        if told is not None:
            return failed(*told)
        info = report.info
        if info is None or info.id != media_id:
            return failed(
                "video_unavailable", "YouTube offers another video in place of this one: a trailer of what is to be paid for."
            )
        await on_progress(progress.LISTING)
        listed = candidates(
            info,
            report.offers or [],
            media_id=media_id,
            exit_digest=self._upstream.exit_digest,
            is_proxied=self._settings.global_proxy is not None,
            now=time.time(),
        )
        if listed:
            await on_progress(progress.probing(wait=seconds_to_wait(listed, now=time.time(), within=remaining)))
        probed = await probe(listed, self._upstream, timeout=remaining)
        here = exits.refused_exits(probed, listed, secret=self._settings.secret_key)
        if here and self._settings.global_proxy is not None and len(here | known_exits) > 1:
            probed = exits.named(probed)
        counted = census(
            [candidate.format for candidate in probed.candidates],
            report.offers,
            info=info,
            evidence=found,
            refused=probed.refused,
            has_provider=self._settings.pot_provider_url is not None,
        )
        if not probed.candidates:
            outcome = failed(*nothing_to_offer(report.offers, counted.missing, found), missing=counted.missing)
        else:
            outcome = self._result(info, probed, counted, media_id)
        return replace(outcome, refused_exits=here)

    def _result(self, info: Info, probed: Probed, counted: Census, media_id: str) -> Outcome:
        """Complete, or degraded: then it stands only if no further attempt is left."""
        is_degraded = counted.is_degraded
        facts = extracted(
            info,
            probed.candidates,
            media_id=media_id,
            missing=counted.missing,
            is_degraded=is_degraded,
            is_proved=probed.is_proved,
            exit=self._upstream.exit_digest(None),
            now=time.time(),
        )
        return Outcome(
            verdict="complete" if counted.curable is None else "degraded",
            facts=facts,
            problem=None if counted.curable is None else problem(*degradation(counted)),
            missing=counted.missing,
            is_degraded=is_degraded,
        )
