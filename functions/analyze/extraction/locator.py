"""What a media URL says about its file: googlevideo's query. Pure."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from shared.sources import Family

_DEFAULT_LIFETIME: Final = 6 * 3600.0


class Locator(Struct, frozen=True, kw_only=True):
    """``lmt`` is µs since 1970, ``clen`` bytes, ``expire`` seconds since 1970, ``address`` the one that asked for the URL."""

    itag: str
    xtags: str
    lmt: int | None
    clen: int | None
    expire: float | None
    address: str | None

    @property
    def family(self) -> Family | None:
        """Of the address that asked for the URL."""
        return None if self.address is None else "ipv6" if ":" in self.address else "ipv4"

    @property
    def tags(self) -> dict[str, str]:
        """``xtags`` taken apart: ``acont=original:lang=en:drc=1``."""
        return parse_tags(self.xtags)

    def expires_at(self, now: float) -> float:
        """When the URL ends; YouTube's usual six hours if it does not say."""
        return self.expire if self.expire is not None else now + _DEFAULT_LIFETIME


def locate(url: str) -> Locator:
    """Read a media URL."""
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return Locator(
        itag=query.get("itag", ""),
        xtags=query.get("xtags", ""),
        lmt=_number(query.get("lmt")),
        clen=_number(query.get("clen")),
        expire=_number(query.get("expire")),
        address=query.get("ip") or None,
    )


def parse_tags(xtags: str) -> dict[str, str]:
    """``a=b:c=d`` as a dict."""
    return {name: value for name, _, value in (part.partition("=") for part in xtags.split(":")) if name}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
