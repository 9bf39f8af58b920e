"""The store: whether it answers, and whether it keeps what it is told."""

import time
from collections.abc import Mapping
from typing import Any, Final

from redis.exceptions import AuthenticationError, RedisError

from functions.analyze.doctor.finding import Finding, bad, good, unchecked
from shared.store import connect

NAME: Final = "store"
LAUNCHERS: Final = "redis://launcher.invalid/0"
"""Stands for REDIS_URL where it is not set: then `make run` has a store of its own, on a port and with a password of each run."""


async def store(url: str) -> Finding:
    """Ask it about itself."""
    if url == LAUNCHERS:
        return unchecked(NAME, "REDIS_URL is not set, so the store is the launcher's own, started by `make run`")
    began = time.monotonic()
    try:
        async with connect(url, retries=0) as client:
            facts: Mapping[str, Any] = await client.info()
    except AuthenticationError:
        return bad(NAME, "it refuses the password", "correct user name and password in REDIS_URL")
    except (RedisError, OSError) as error:
        return bad(NAME, f"no answer ({type(error).__name__})", "start the store, or correct REDIS_URL")
    return described(facts, seconds=time.monotonic() - began)


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
