"""The checks, in their order."""

from datetime import UTC, datetime
from typing import Final

from functions.analyze.doctor import analysis, media, programs, provider, store, token, way_out
from functions.analyze.doctor.examination import Case, Check
from functions.analyze.doctor.finding import Finding
from functions.analyze.extraction.environment import find_deno
from shared.extracted import Extracted
from shared.upstream.exits import trust

PLUGIN: Final = "bgutil-ytdlp-pot-provider"
PATIENT: Final = 60.0
"""Seconds: for a file that is not available yet, and for 4 MiB over a slow line."""


async def _store(case: Case) -> Finding:
    return await store.store(case.settings.redis_url)


async def _proxy(case: Case) -> Finding:
    return await way_out.proxy(case.settings.global_proxy, case.upstream)


async def _youtube(case: Case) -> Finding:
    return await way_out.youtube(case.upstream, is_proxied=_is_proxied(case))


async def _provider(case: Case) -> Finding:
    return await provider.provider(case.settings.pot_provider_url, plugin=programs.installed(PLUGIN), trust=trust(case.settings))


async def _token(case: Case) -> Finding:
    settings = case.settings
    return await token.token(
        settings.pot_provider_url, content=case.video.media_id, proxy=settings.global_proxy, trust=trust(settings)
    )


async def _deno(_: Case) -> Finding:
    return await programs.deno(find_deno())


async def _ytdlp(_: Case) -> Finding:
    return programs.ytdlp(programs.installed("yt-dlp"), today=datetime.now(UTC).date())


async def _analysis(case: Case) -> Finding:
    attempts = await analysis.analyze(case.settings, case.video)
    case.found = analysis.best(attempts)
    return analysis.concluded(attempts)


async def _formats(case: Case) -> Finding:
    return analysis.completeness(_found(case).media, least_lines=case.least_lines)


async def _exit(case: Case) -> Finding:
    return way_out.exit_address(_found(case).sources.values())


async def _googlevideo(case: Case) -> Finding:
    return await media.googlevideo(media.best(_found(case)), case.upstream, is_proxied=_is_proxied(case))


async def _media(case: Case) -> Finding:
    best = media.best(_found(case))
    assert best is not None  # noqa: S101 - googlevideo was asked for it
    return await media.media(best, case.upstream, is_proxied=_is_proxied(case))


CHECKS: Final = (
    Check(name=store.NAME, look=_store),
    Check(name=way_out.PROXY, look=_proxy),
    Check(name=way_out.YOUTUBE, look=_youtube, needs=(way_out.PROXY,)),
    Check(name=provider.NAME, look=_provider),
    Check(name=token.NAME, look=_token, needs=(way_out.YOUTUBE, provider.NAME), timeout=None),
    Check(name=programs.DENO, look=_deno),
    Check(name=programs.YTDLP, look=_ytdlp),
    Check(name=analysis.ANALYSIS, look=_analysis, needs=(way_out.YOUTUBE, programs.YTDLP), timeout=None),
    Check(name=analysis.FORMATS, look=_formats, needs=(analysis.ANALYSIS,)),
    Check(name=way_out.EXIT, look=_exit, needs=(analysis.ANALYSIS,)),
    Check(name=media.GOOGLEVIDEO, look=_googlevideo, needs=(analysis.ANALYSIS,), timeout=PATIENT),
    Check(name=media.MEDIA, look=_media, needs=(media.GOOGLEVIDEO,), timeout=PATIENT),
)


def _is_proxied(case: Case) -> bool:
    return case.settings.global_proxy is not None


def _found(case: Case) -> Extracted:
    """What the analysis gave; only asked for by checks that need it."""
    assert case.found is not None  # noqa: S101 - the analysis went well
    return case.found
