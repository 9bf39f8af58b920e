"""The store: whether it answers, and whether it keeps what it is told."""

import re
import time
from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from functions.analyze.doctor.finding import Finding, bad, good, unchecked
from shared.store import connect

NAME: Final = "store"
LAUNCHERS: Final = "redis://launcher.invalid/0"
"""Stands for REDIS_URL where it is not set: then `make run` has a store of its own, on a port and with a password of each run."""

_REFUSED: Final = re.compile(r"certificate verify failed: (.+?)\.? \(_ssl")
"""OpenSSL's own words, which name no secret."""


async def store(url: str) -> Finding:
    """Ask it about itself."""
    if url == LAUNCHERS:
        return unchecked(NAME, "REDIS_URL is not set, so the store is the launcher's own, started by `make run`")
    began = time.monotonic()
    try:
        async with connect(url, retries=0) as client:
            await client.ping()
            seconds = time.monotonic() - began
            facts: Mapping[str, Any] = await client.info()
    except NoPermissionError:
        return good(NAME, f"answers in {seconds * 1000:.0f} ms; this user may not ask whether it keeps what it is told (INFO)")
    except (RedisError, OSError) as error:
        return failed(error, shows_certificate="ssl_certfile=" in url, is_tls=url.startswith("rediss"))
    return described(facts, seconds=seconds)


def failed(error: Exception, *, is_tls: bool, shows_certificate: bool) -> Finding:
    """What its refusal or its silence means. Pure.

    A server that misses our certificate just hangs up: whether its reason is heard before that is chance.
    """
    text = str(error)
    refused = _REFUSED.search(text)
    if refused is not None:
        remedy = (
            "trust the authority that issued it (`ssl_ca_certs` in REDIS_URL, or SSL_CERT_FILE), and use the name that it is for"
        )
        return bad(NAME, f"its certificate is not accepted: {refused[1]}", remedy)
    if isinstance(error, MasterNotFoundError):
        return _not_found(text, is_tls=is_tls)
    if isinstance(error, AuthenticationError):
        return bad(NAME, "it refuses the password", "correct user name and password in REDIS_URL")
    remedy = "start the store, or correct REDIS_URL"
    if is_tls and not shows_certificate:
        remedy += "; if it wants to see a certificate, set `ssl_certfile` and `ssl_keyfile` there"
    return bad(NAME, f"no answer ({type(error).__name__})", remedy)


def _not_found(text: str, *, is_tls: bool) -> Finding:
    """Of each Sentinel the client says only what kind of trouble there was."""
    if "auth:" in text:
        return bad(NAME, "Sentinel refuses the password", "correct `sentinel_username` and `sentinel_password` in REDIS_URL")
    if "network:" in text:
        remedy = "start one, or correct their addresses in REDIS_URL"
        if is_tls:
            remedy += "; each needs a certificate that is trusted and names its address"
        return bad(NAME, "no Sentinel answers", remedy)
    return bad(NAME, "no Sentinel knows this master", "correct its name in REDIS_URL")


def described(facts: Mapping[str, Any], *, seconds: float) -> Finding:
    """What INFO says; a hosted store may hide some of it."""
    product = "Valkey" if "valkey_version" in facts else "Redis"
    version = facts.get("valkey_version") or facts.get("redis_version") or "of unknown version"
    advice = []
    if facts.get("aof_enabled") == 0:
        advice.append("set `appendonly yes`, or its restart loses tasks")
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        advice.append(f"set `maxmemory-policy noeviction`: with {policy}, tasks vanish when memory runs short")
    return good(NAME, f"{product} {version} answers in {seconds * 1000:.0f} ms", advice="; ".join(advice) or None)
