"""Requests that two parsers may read differently: what one takes for a body, the other takes for a second request."""

from collections.abc import Mapping, Sequence
from typing import Final

HIDDEN: Final = "smuggled"
"""Part of the path of every request that must never be seen."""

FORGED: Final = "198.51.100.66"
"""The address of a client that nobody is."""

_SECOND: Final = f"GET /v1/status/{HIDDEN} HTTP/1.1\r\nHost: a\r\n\r\n"
_POST: Final = "POST /v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
_CHUNKED: Final = "Transfer-Encoding: chunked\r\n"
_FORWARDED: Final = "X-Forwarded-For"
_ENDED: Final = "0\r\n\r\n"
_LENGTH: Final = f"Content-Length: {len(_SECOND)}\r\n"
_UPGRADE: Final = "Connection: Upgrade\r\nUpgrade: websocket\r\n"

ATTACKS: Final[Mapping[str, Sequence[str]]] = {
    "CL.TE": [f"{_POST}Content-Length: 4\r\n{_CHUNKED}\r\n{_ENDED}{_SECOND}"],
    "TE.CL": [f"{_POST}{_CHUNKED}Content-Length: {len(_ENDED) + len(_SECOND)}\r\n\r\n{_ENDED}{_SECOND}"],
    "TE.TE": [f"{_POST}{_CHUNKED}Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "TE list": [f"{_POST}Transfer-Encoding: chunked, identity\r\nContent-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "unknown TE": [f"{_POST}Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "TE before its colon": [f"{_POST}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "TE after a tab": [f"{_POST}Transfer-Encoding:\x0bchunked\r\nContent-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "TE on a line of its own": [f"{_POST}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "TE in HTTP/1.0": [f"{_POST.replace('/1.1', '/1.0')}{_CHUNKED}Content-Length: 5\r\n\r\n{_ENDED}{_SECOND}"],
    "two lengths": [f"{_POST}Content-Length: 2\r\n{_LENGTH}\r\n{{}}{_SECOND}"],
    "a list of lengths": [f"{_POST}Content-Length: 2, {len(_SECOND)}\r\n\r\n{{}}{_SECOND}"],
    "a signed length": [f"{_POST}Content-Length: +0\r\n\r\n{_SECOND}"],
    "a length in hex": [f"{_POST}Content-Length: 0x0\r\n\r\n{_SECOND}"],
    "a length before its colon": [f"{_POST}Content-Length : 0\r\n\r\n{_SECOND}"],
    "a folded length": [f"{_POST}X: y\r\n Content-Length: 0\r\n{_LENGTH}\r\n{_SECOND}"],
    "a length behind a bare CR": [f"{_POST}X: y\rContent-Length: 0\r\n{_LENGTH}\r\n{_SECOND}"],
    "a length behind a bare LF": [f"{_POST}{_LENGTH}X: y\nContent-Length: 0\r\n\r\n{_SECOND}"],
    "a body of GET": [f"GET /v1/status/1 HTTP/1.1\r\nHost: a\r\n{_LENGTH}\r\n{_SECOND}"],
    "a body of GET, later": [f"GET /v1/status/1 HTTP/1.1\r\nHost: a\r\n{_LENGTH}\r\n", _SECOND],
    "a body after an upgrade": [f"{_POST}{_UPGRADE}{_LENGTH}\r\n{_SECOND}"],
    "a body after an upgrade, later": [f"{_POST}{_UPGRADE}{_LENGTH}\r\n", _SECOND],
    "chunks after an upgrade": [f"{_POST}{_UPGRADE}{_CHUNKED}\r\n", f"{len(_SECOND):x}\r\n", f"{_SECOND}\r\n{_ENDED}"],
    "h2c": [f"{_POST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n{_LENGTH}\r\n", _SECOND],
    "a chunk's extension with a bare LF": [f"{_POST}{_CHUNKED}\r\n2;\nxx\r\n{len(_SECOND):x}\r\n{_ENDED}{_SECOND}"],
    "a chunk's extension": [f'{_POST}{_CHUNKED}\r\n{len(_SECOND):x};a="\r\n{_SECOND}\r\n{_ENDED}'],
    "a chunk that is too long": [f"{_POST}{_CHUNKED}\r\nfffffffffffffffff\r\n{_SECOND}\r\n{_ENDED}"],
    "a chunk of negative length": [f"{_POST}{_CHUNKED}\r\n-1\r\n{_SECOND}\r\n{_ENDED}"],
    "a trailer with a length": [f"{_POST}{_CHUNKED}Trailer: Content-Length\r\n\r\n2\r\n{{}}\r\n0\r\n{_LENGTH}\r\n"],
    "a trailer that says who asks": [
        f"{_POST}{_CHUNKED}Trailer: {_FORWARDED}\r\n\r\n2\r\n{{}}\r\n0\r\n{_FORWARDED}: {FORGED}\r\n\r\n"
    ],
    "a request in a header": [f"{_POST}X: y\r\n\tz\r\n{_LENGTH}\r\n{_SECOND}"],
    "a request in a path": [
        f"GET /v1/status/1%20HTTP/1.1%0d%0aHost:a%0d%0a%0d%0aGET%20/v1/status/{HIDDEN} HTTP/1.1\r\nHost: a\r\n\r\n"
    ],
}
"""Name to what is sent, one segment after the other. However one reads them, none is two requests one after the other."""
