"""Which request something is done for: one id from a client's header to the last process that works for it.

The request's id is bound to the log context by :mod:`shared.web`, stored with the task it causes, and sent on to the token service.
"""

import re
import secrets
from typing import Final

import structlog

HEADER: Final = "X-Request-ID"
SANE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII)


def accepted_id(offered: str | None) -> str:
    """The request id of whoever is in front of us if it is sane, else a new one."""
    return offered if offered is not None and SANE.fullmatch(offered) else secrets.token_hex(8)


def current_id() -> str | None:
    """The id of the request that is being answered here; None where none is."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a W3C ``traceparent`` header names; None where there is none, or the header is malformed."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return match and match[1]
