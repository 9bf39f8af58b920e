"""One client from accept to close: the proxy's question, TLS, then requests and answers."""

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from .connection import Connection, Gone
from .faults import BadCertificate, FaultBook, Occasion, Unreachable
from .log import Kind, Request, RequestLog, flat
from .proxy import Credentials, Target, receive, reply
from .site import Site, kind_of

_HTTPS = 443


@dataclass
class Services:
    """What every visit uses. `credentials` may change at any time."""

    site: Site
    faults: FaultBook
    log: RequestLog
    tls: ssl.SSLContext
    bad_tls: ssl.SSLContext
    credentials: Credentials | None


def visit(connection: Connection, services: Services) -> None:
    """Serve a client until it leaves."""
    with suppress(Gone, OSError):  # ssl.SSLError is one
        target = receive(connection, services.credentials)
        status, context = _admission(connection, target, services)
        reply(connection, target, status)
        if status == 200:
            connection.start_tls(context)
            while _exchange(connection, target.host, services):
                pass


def _admission(connection: Connection, target: Target, services: Services) -> tuple[int, ssl.SSLContext]:
    """The proxy's answer, and the certificates to go on with. Only refusals are logged."""
    request = Request(kind="connect", host=target.host, target=f"{target.host}:{target.port}", connection=connection.number)
    context = services.tls
    if not target.is_accepted:
        request.kind, request.status = "proxy", 407
    elif not (target.is_tunnel and target.port == _HTTPS and services.site.serves(target.host)):
        request.kind, request.status = "outside", 403
    else:
        request.status = 200
        for effect in (handle.fault.effect for handle in services.faults.striking(request)):
            if isinstance(effect, Unreachable):
                request.status = effect.status
            if isinstance(effect, BadCertificate):
                context = services.bad_tls
    if request.status != 200 or context is services.bad_tls:
        services.log.begin(request)
        services.log.end(request)
    return request.status, context


def _exchange(connection: Connection, host: str, services: Services) -> bool:
    """One request and its answer; whether another may follow."""
    request = _read_request(connection, host, services.site)
    services.log.begin(request)
    try:
        answer = services.site.answer(request)
        for handle in services.faults.striking(request):
            handle.fault.effect.change(answer, Occasion(request=request, exit_address=services.site.exit_address, handle=handle))
        request.status = answer.status
        return connection.send(answer, request) and request.headers.get("connection", "").lower() != "close"
    finally:
        services.log.end(request)


def _read_request(connection: Connection, host: str, site: Site) -> Request:
    first, *lines = connection.read_head()
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    split = urlsplit(target)
    query = flat(split.query)
    kind: Kind = "extra" if host in site.extras else kind_of(host, split.path)
    return Request(
        kind=kind,
        host=host,
        method=method,
        target=target,
        path=split.path,
        query=query,
        headers=headers,
        body=connection.read(int(headers.get("content-length", 0))),
        connection=connection.number,
        range=_range(headers.get("range", "").removeprefix("bytes=") or query.get("range", "")),
    )


def _range(text: str) -> tuple[int, int | None] | None:
    """First and last byte of "5-9", last None for "5-"."""
    found = re.fullmatch(r"(\d+)-(\d*)", text)
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None
