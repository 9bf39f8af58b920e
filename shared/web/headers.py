"""Headers that every answer carries, including those that handlers send themselves as ASGI."""

from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_NEVER_STORED: Final = ("application/json", "application/problem+json", "text/html", "text/event-stream")
_LOADS_NOTHING: Final = ("application/json", "application/problem+json")


class DefaultHeaders:
    """Sets what a handler has not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Media keep their own caching rules and may be shown by the browser's player, which a policy would stop."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                media_type = headers.get("Content-Type", "").partition(";")[0]
                if media_type in _NEVER_STORED:
                    headers.setdefault("Cache-Control", "no-store")
                if media_type in _LOADS_NOTHING:
                    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            await send(message)

        await self._app(scope, receive, send_with_headers)
