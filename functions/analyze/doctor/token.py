"""A PO token, asked for as the plugin asks: a service that answers may still be unable to make one."""

import asyncio
import ssl
import time
from typing import Final

import msgspec
from msgspec import Struct, field

from functions.analyze.doctor import inside
from functions.analyze.doctor.finding import Finding, bad, good
from functions.analyze.extraction.options import resolved_by_proxy
from functions.analyze.extraction.redaction import redact

NAME: Final = "token"
TIMEOUT: Final = 20.0
"""Seconds the plugin waits for it."""

_LOG: Final = "see the log of the token service"
_OTHER_SERVICE: Final = "YouTube may have changed its challenge: update, or run the plugin's own server (pot-provider/README.md)"
_EXIT: Final = "use another exit, or wait; if YouTube answers elsewhere, run the plugin's own server (pot-provider/README.md)"
_REMEDIES: Final = {
    "proxy": "give the token service the worker's GLOBAL_PROXY, or none",
    "home page": "see that the token service has the worker's way out and SSL_CERT_FILE; else use another exit",
    "challenge": _EXIT,
    "interpreter": "let the token service reach www.google.com",
    "sandbox": "give the token service more memory, and see its log",
    "attestation": _OTHER_SERVICE,
    "integrity token": _EXIT,
    "mint": _OTHER_SERVICE,
}


class Question(Struct, frozen=True, kw_only=True):
    """What the plugin says. Neither challenge nor context: tokens made without YouTube's page would be refused later."""

    content_binding: str
    proxy: str | None
    challenge: None = None
    innertube_context: None = None
    source_address: None = None
    bypass_cache: bool = False
    disable_tls_verification: bool = False


class Told(Struct, frozen=True):
    """What the plugin reads of the answer."""

    token: str | None = field(default=None, name="poToken")
    error: str | None = None


async def token(url: str | None, *, content: str, proxy: str | None, trust: ssl.SSLContext, timeout: float = TIMEOUT) -> Finding:
    """Have one made for this content and exit."""
    assert url is not None  # noqa: S101 - the provider was found well
    body = msgspec.json.encode(Question(content_binding=content, proxy=resolved_by_proxy(proxy) if proxy else None))
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            answer = await inside.ask(f"{url}/get_pot", trust=trust, body=body)
            told = msgspec.json.decode(answer.body, type=Told)
    except TimeoutError:
        return bad(NAME, f"none in {timeout:g} s", _LOG)
    except OSError as error:
        return bad(NAME, f"the connection failed ({type(error).__name__})", _LOG)
    except ValueError:
        return bad(NAME, "the answer is none that the plugin understands", "let POT_PROVIDER_URL name a PO token service")
    return judged(told, seconds=time.monotonic() - began)


def judged(told: Told, *, seconds: float) -> Finding:
    """Whether it is a token; else the stage at which the service failed, and why."""
    if told.error:
        reason = redact(told.error)[:200]
        return bad(NAME, reason, _REMEDIES.get(reason.partition(":")[0], _LOG))
    if not told.token:
        return bad(NAME, "the answer holds none", _LOG)
    return good(NAME, f"made in {seconds:.1f} s")
