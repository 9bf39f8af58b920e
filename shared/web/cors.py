"""Which other sites may read answers: those of CORS_ORIGINS, and never with cookies."""

from typing import Final

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = "GET, HEAD, POST, DELETE"
REQUEST_HEADERS: Final = (
    "Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, X-Request-ID"
)
EXPOSED: Final = (
    "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified, Location, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)
PREFLIGHT_AGE: Final = "7200"


def granted(origin: str | None, allowed: tuple[str, ...]) -> dict[str, str]:
    """What a request from this origin may read. Pure."""
    if origin is None or origin not in allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}


class Cors:
    """Answers preflights and marks answers. Litestar's own refuses in plain text and overwrites ``Vary``."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A preflight from elsewhere gets no permission, which is all that a browser needs to know."""
        headers = Headers.from_scope(scope)
        grant = granted(headers.get("origin"), self._allowed)
        if scope.get("method") == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(grant, send)
            return

        async def send_with_grant(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableScopeHeaders.from_message(message)
                answer.add("Vary", "Origin")
                for name, value in grant.items():
                    answer[name] = value
            await send(message)

        await self._app(scope, receive, send_with_grant)


async def _preflight(grant: dict[str, str], send: Send) -> None:
    headers = {"Vary": "Origin", **grant}
    if grant:
        headers |= {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": REQUEST_HEADERS,
            "Access-Control-Max-Age": PREFLIGHT_AGE,
        }
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": encoded})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
