"""REDIS_URL: what it may look like, and the options in its query, which are the same for a server and behind Sentinel."""

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""PEM files: the authority that issued the server's certificate, and the client's own certificate and key."""

CHECK_NAME: Final = "ssl_check_hostname"
SENTINEL: Final = ("sentinel_username", "sentinel_password")
PROTOCOL: Final = "protocol"
_SHAPE: Final = re.compile(
    r"redis(s?)(\+sentinel)?://(?:[^/?#]*@)?([^/?#@]*)(?:/([^/?#]*))?(?:/([^/?#]*))?(?:\?[^#]*)?",
)


def store_url(raw: str) -> str:
    """``redis://``, ``rediss://``, or Sentinel: ``redis+sentinel://[user:password@]host:port[,host:port]/service[/db]``.

    :raises ValueError: with what is wrong, and nothing of what may be secret
    """
    match = _SHAPE.fullmatch(raw)
    if match is None:
        raise ValueError("must begin with redis://, rediss://, redis+sentinel:// or rediss+sentinel://")
    tls, sentinel, hosts, first, second = match.groups(default="")
    if sentinel and not first:
        raise ValueError("must name the service behind Sentinel: redis+sentinel://host:port,host:port/service")
    if (second if sentinel else first + second).strip("0123456789"):
        raise ValueError("must end with the number of a database, or without one")
    for host in hosts.split(",") if sentinel else [hosts]:
        _has_port(host)
    _check_options(raw, is_tls=bool(tls), is_sentinel=bool(sentinel))
    return raw


def for_server(url: str) -> dict[str, Any]:
    """What the options mean to redis-py, for a server and for a Sentinel alike."""
    told = _options(url)
    found: dict[str, Any] = {name: told[name] for name in FILES if name in told}
    if CHECK_NAME in told:
        found[CHECK_NAME] = told[CHECK_NAME] == "true"
    if PROTOCOL in told:
        found[PROTOCOL] = int(told[PROTOCOL])
    return found | {"ssl": urlsplit(url).scheme.startswith("rediss")}


def for_sentinel(url: str) -> dict[str, Any]:
    """Who asks Sentinel: it has users of its own."""
    told = _options(url)
    return {name.removeprefix("sentinel_"): told[name] for name in SENTINEL if name in told}


def credentials(url: str) -> dict[str, str | None]:
    """Of the server, from in front of its host."""
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return {"username": unquote(user) or None, "password": unquote(password) or None}


def _check_options(url: str, *, is_tls: bool, is_sentinel: bool) -> None:
    allowed = {PROTOCOL, *((*FILES, CHECK_NAME) if is_tls else ()), *(SENTINEL if is_sentinel else ())}
    for name, value in _options(url).items():
        if name not in allowed:
            raise ValueError(f"its options may be {', '.join(sorted(allowed))}")
        if name in FILES and not Path(value).is_file():
            raise ValueError(f"{name}: there is no such file")
        if name == CHECK_NAME and value not in {"true", "false"}:
            raise ValueError(f"{name}: must be true or false")
        if name == PROTOCOL and value not in {"2", "3"}:
            raise ValueError(f"{name}: must be 2 or 3")


def _options(url: str) -> dict[str, str]:
    return dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))


def _has_port(host: str) -> None:
    try:
        _ = urlsplit(f"redis://{host}").port
    except ValueError:
        raise ValueError("is not a URL") from None
