"""Whether the proxy's exit changes under us: a media URL answers only to the address that asked for it. Pure.

Addresses are compared as digests; the address itself is nobody's business.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from functions.analyze.extraction.formats import Candidate
from functions.analyze.extraction.locator import locate
from functions.analyze.extraction.probe import Probed

UNSTABLE: Final = "proxy_exit_unstable"
_FORBIDDEN: Final = "token_rejected"


def exits(found: Iterable[Candidate], *, secret: str) -> frozenset[str]:
    """Digests of the addresses that these files are bound to: the ``ip=`` of their URLs."""
    addresses = {locate(candidate.source.url).address for candidate in found}
    return frozenset(_digest(address, secret) for address in addresses if address)


def refused_exits(probed: Probed, found: Iterable[Candidate], *, secret: str) -> frozenset[str]:
    """The exits of a listing some file of which was forbidden; they tell nothing as long as none is."""
    is_forbidden = any(refused.code == _FORBIDDEN for refused in probed.refused)
    return exits(found, secret=secret) if is_forbidden else frozenset()


def named(probed: Probed) -> Probed:
    """What was forbidden, with the exit as its reason."""
    refused = [replace(file, code=UNSTABLE) if file.code == _FORBIDDEN else file for file in probed.refused]
    return replace(probed, refused=refused)


def _digest(address: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"sluice exit address\n{address}".encode(), hashlib.sha256).hexdigest()[:16]
