"""One canonical log line and one count per request, written when it is over, however it ends."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.exceptions import LitestarException
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, bound_contextvars

from shared.clients import client_address
from shared.metrics import Metrics
from shared.problems import ProblemError
from shared.request_ids import HEADER, accepted_id, trace_id
from shared.settings import Settings

_NO_ANSWER: Final = 500
_CLIENT_LEFT: Final = 499
"""No status of HTTP's, but what reverse proxies log where the client has left before its answer began."""

_log = structlog.stdlib.get_logger(__name__)


class BrokenOffError(Exception):
    """An answer failed after it had begun. It is logged already; the server cuts the connection, so that it cannot look whole."""


class Observation:
    """Wraps the whole application, so that unknown routes and refused methods are seen too."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._trusted = settings.trusted_proxies
        self._digest = client_digest(settings.secret_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handlers add to the line with ``bind_contextvars(task_id=…)``."""
        headers = Headers.from_scope(scope)
        request_id, trace = accepted_id(headers.get(HEADER)), trace_id(headers.get("traceparent"))
        names = {"request_id": request_id} if trace is None else {"request_id": request_id, "trace_id": trace}
        client = self._digest(client_address(scope, self._trusted))
        answer = _Answer(send, request_id)
        began = time.perf_counter()
        with bound_contextvars(**names), self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, answer.send)
            except Exception as error:
                cause = cause_of(error)
                if isinstance(cause, ProblemError):
                    bind_contextvars(code=cause.code)
                else:
                    _log.error("unexpected", exc_info=cause)
                raise BrokenOffError from error
            else:
                answer.end()
            finally:
                self._tell(scope, answer, client=client, seconds=time.perf_counter() - began)
                structlog.contextvars.clear_contextvars()

    def _tell(self, scope: Scope, answer: "_Answer", *, client: str, seconds: float) -> None:
        method, route = str(scope.get("method", "")), scope.get("path_template")
        opt: dict[str, Any] = getattr(scope.get("route_handler"), "opt", {})
        code = structlog.contextvars.get_contextvars().get("code")
        self._metrics.record(
            method=method,
            route=route,
            status=answer.status,
            seconds=seconds,
            is_stream=bool(opt.get("is_stream")),
            code=code,
        )
        write = _log.debug if opt.get("is_quiet") else _log.info
        write(
            "request",
            method=method,
            route=route,
            status=answer.status,
            bytes=answer.size,
            is_complete=answer.is_complete,
            seconds=round(seconds, 4),
            client=client,
        )


class _Answer:
    """What is sent, seen from the side."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = _NO_ANSWER
        self.size = 0
        self.is_complete = False
        self._has_begun = False

    def end(self) -> None:
        """The application has done all it wanted: an answer that never began is one that nobody waits for."""
        if not self._has_begun:
            self.status = _CLIENT_LEFT

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self._has_begun = message["status"], True
            MutableScopeHeaders.from_message(message)[HEADER] = self._request_id
        await self._send(message)
        if message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
            self.is_complete = not message.get("more_body", False)


def cause_of(error: BaseException) -> BaseException:
    """What went wrong, below what Litestar wraps around it once an answer has begun."""
    while isinstance(error, LitestarException) and error.__cause__ is not None:
        error = error.__cause__
    return error


def client_digest(secret_key: str) -> Callable[[str], str]:
    """Names a client in logs without telling its address: requests of one client can be found, nobody can be looked up.

    Keyed, since all IPv4 addresses could be tried against a plain digest; without a secret key, with one of this process.
    """
    key = secret_key.encode() or secrets.token_bytes(32)

    def digest(address: str) -> str:
        return hmac.new(key, b"sluice clients\n" + address.encode(), hashlib.sha256).hexdigest()[:12]

    return digest
