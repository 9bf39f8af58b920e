"""The PO token service, and whether it and the plugin fit."""

import asyncio
import re
import ssl
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from functions.analyze.doctor import inside
from functions.analyze.doctor.finding import Finding, bad, good, unchecked

NAME: Final = "provider"
TIMEOUT: Final = 5.0
"""Seconds the plugin waits for this answer."""

_SHUT: Final = "start the service, or correct POT_PROVIDER_URL"
_STRANGE: Final = "let POT_PROVIDER_URL name a PO token service"
_VERSION: Final = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}", re.ASCII)


class Ping(Struct, frozen=True):
    """Its answer to ``GET /ping``."""

    version: str


async def provider(url: str | None, *, plugin: str | None, trust: ssl.SSLContext) -> Finding:
    """Ask for its version.

    :param plugin: the version of the installed plugin, None if there is none.
    """
    if plugin is None:
        return bad(NAME, "yt-dlp's plugin for it is not installed", "install bgutil-ytdlp-pot-provider")
    if url is None:
        return unchecked(
            NAME,
            "POT_PROVIDER_URL is not set, so the service is the launcher's own, started by `make run`",
            advice="to have it checked, start one as pot-provider/README.md says, and set POT_PROVIDER_URL",
        )
    try:
        async with asyncio.timeout(TIMEOUT):
            answer = await _ping(url, trust)
    except TimeoutError:
        return bad(NAME, f"no answer in {TIMEOUT:g} s", _SHUT)
    except OSError as error:
        return bad(NAME, f"it cannot be reached ({type(error).__name__})", _SHUT)
    except ValueError:
        return bad(NAME, "what answers there is no PO token service", _STRANGE)
    return compared(service=answer.version, plugin=plugin)


def compared(*, service: str, plugin: str) -> Finding:
    """The plugin refuses another major version and warns of any other difference."""
    if not _VERSION.fullmatch(service):
        return bad(NAME, "it does not tell its version", _STRANGE)
    text = f"answers; version {service}, the plugin's is {plugin}"
    major = plugin.partition(".")[0]
    if service.partition(".")[0] != major:
        return bad(NAME, text, f"the plugin refuses it: run version {major} of the service")
    return good(NAME, text, advice=None if service == plugin else "the same version is safest")


async def _ping(url: str, trust: ssl.SSLContext) -> Ping:
    answer = await inside.ask(f"{url}/ping", trust=trust)
    if answer.status != HTTPStatus.OK:
        raise ValueError("not 200")
    return msgspec.json.decode(answer.body, type=Ping)
