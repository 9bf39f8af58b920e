"""Who may use this installation: whoever has its access key, as a bearer token or as a cookie made from it."""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Request, Response, delete, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import JSONBody
from litestar.types import Guard

from shared.clients import client_address, comes_through_proxy
from shared.guesses import TRIES, Guesses
from shared.problems import ProblemError
from shared.schemas import SessionRequest, SessionState
from shared.settings import Settings
from shared.store import Store

COOKIE: Final = "sluice_session"
LIFETIME: Final = 30 * 86_400
WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})

_CLOCK_SKEW: Final = 60
_VALUE: Final = re.compile(r"([0-9]{1,10})\.([0-9a-f]{64})")


class Access:
    """The access key, and the cookies that stand for it.

    A cookie is its issue time and a signature. The key that signs is derived from both secrets, so that changing either
    revokes every cookie; nothing is kept on the server.
    """

    def __init__(self, settings: Settings) -> None:
        self._access_key = settings.access_key
        derived = b"sluice sessions\n" + (settings.access_key or "").encode()
        self._signing_key = hmac.new(settings.secret_key.encode(), derived, hashlib.sha256).digest()

    @property
    def is_required(self) -> bool:
        """Whether there is an access key at all."""
        return self._access_key is not None

    def is_key(self, offered: str) -> bool:
        """Whether this is the access key; takes as long whatever is offered, however long that is."""
        return self._access_key is not None and hmac.compare_digest(_digest(offered), _digest(self._access_key))

    def issue(self, *, now: float | None = None) -> str:
        """The value of a new cookie."""
        issued = str(int(time.time() if now is None else now))
        return f"{issued}.{self._sign(issued)}"

    def is_cookie(self, value: str, *, now: float | None = None) -> bool:
        """Whether this cookie was made here and still holds."""
        match = _VALUE.fullmatch(value)
        if match is None or not hmac.compare_digest(match[2], self._sign(match[1])):
            return False
        age = (time.time() if now is None else now) - int(match[1])
        return -_CLOCK_SKEW <= age < LIFETIME

    def allows(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a request with these headers and cookies may come in. A bearer token is taken at its word: no cookie saves it."""
        if not self.is_required:
            return True
        token = bearer(headers)
        return self.is_cookie(cookies.get(COOKIE, "")) if token is None else self.is_key(token)

    def _sign(self, issued: str) -> str:
        return hmac.new(self._signing_key, issued.encode(), hashlib.sha256).hexdigest()


class Door:
    """Lets requests in that show the key, which may not be guessed often, or the cookie, which cannot be guessed."""

    def __init__(self, settings: Settings) -> None:
        self._access = Access(settings)
        self._guesses = Guesses(settings.trusted_proxies)

    @property
    def is_guarded(self) -> bool:
        """Whether there is an access key at all."""
        return self._access.is_required

    async def admits(self, connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
        """Whether this request may come in.

        :raises ProblemError: ``rate_limited`` for a client that has guessed too often
        """
        token = bearer(connection.headers)
        if token is None or not self.is_guarded:
            return self._access.allows(connection.headers, connection.cookies)
        self._guesses.check(connection)
        if self._access.is_key(token):
            return True
        await self._guesses.count(connection)
        return False


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an ``Authorization: Bearer`` header; None where there is no such header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def requires_access(door: Door, *, public_url: str | None) -> Guard:
    """Guards every handler that does not say (opt ``access``) that it is public or verifies a signature itself.

    A cookie changes something only for a page of ours: a browser sends it along for neighbours on the same site as well.
    """

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        method = connection.scope.get("method")
        if handler.opt.get("access") in {"public", "signature"} or method == "OPTIONS":
            return
        headers = connection.headers
        if not await door.admits(connection):
            raise ProblemError("unauthorized")
        is_by_cookie = door.is_guarded and bearer(headers) is None
        if is_by_cookie and method in WRITING and not is_same_origin(headers, public_url=public_url):
            raise ProblemError("forbidden_origin")

    return guard


def is_same_origin(headers: Mapping[str, str], *, public_url: str | None) -> bool:
    """Whether a page of ours asks, as far as the browser tells. Pure.

    The browser's own verdict counts first: it stays right behind a proxy that rewrites Host. A program that is no browser sends
    neither header, and no cookie that another site could abuse.
    """
    verdict = headers.get("sec-fetch-site")
    if verdict is not None:
        return verdict in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return "cookie" not in headers
    ours = {headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()} - {""}
    return urlsplit(origin).netloc.lower() in ours


def session_handlers(settings: Settings) -> Sequence[HTTPRouteHandler]:
    """``/v1/session``: exchanges the access key for a cookie. Needs the dependency ``store``."""
    access, door = Access(settings), Door(settings)

    def same_origin(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        if not is_same_origin(connection.headers, public_url=settings.public_url):
            raise ProblemError("forbidden_origin")

    @post(
        "/v1/session",
        status_code=204,
        guards=[same_origin],
        access="public",
        codes=("unauthorized", "forbidden_origin", "rate_limited"),
        summary="Exchange the access key for a cookie",
    )
    async def open_session(
        data: JSONBody[SessionRequest], request: Request[Any, Any, State], store: NamedDependency[Store]
    ) -> Response[None]:
        client = client_address(request.scope, settings.trusted_proxies)
        rate = await store.take(f"session:{client}", TRIES)
        if not rate.allowed:
            raise ProblemError("rate_limited", retry_after=rate.reset)
        if not access.is_required:
            return Response(None)
        if not access.is_key(data.key):
            raise ProblemError("unauthorized", "This is not the access key.")
        return Response(None, cookies=[_cookie(request, settings, access.issue(), LIFETIME)])

    @delete(
        "/v1/session",
        status_code=204,
        guards=[same_origin],
        access="public",
        codes=("forbidden_origin",),
        summary="Forget the cookie",
    )
    async def close_session(request: Request[Any, Any, State]) -> Response[None]:
        return Response(None, cookies=[_cookie(request, settings, "", 0)])

    @get(
        "/v1/session",
        access="public",
        codes=("rate_limited",),
        summary="Whether a key is required, and whether this client has shown it",
    )
    async def session(request: Request[Any, Any, State]) -> SessionState:
        return SessionState(is_required=door.is_guarded, is_authenticated=await door.admits(request))

    return [open_session, close_session, session]


def _cookie(request: Request[Any, Any, State], settings: Settings, value: str, max_age: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        path=settings.root_path or "/",
        max_age=max_age,
        httponly=True,
        samesite="lax",
        secure=_is_https(request, settings),
    )


def _is_https(request: Request[Any, Any, State], settings: Settings) -> bool:
    """As the browser sees it: what it says itself in Origin, else what our proxy says, else this connection."""
    origin = request.headers.get("origin", "")
    if origin:
        return origin.startswith("https://")
    if comes_through_proxy(request.scope, settings.trusted_proxies):
        return request.headers.get("x-forwarded-proto", "") == "https"
    return request.scope["scheme"] == "https"
