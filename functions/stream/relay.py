"""The response itself: headers once the first bytes are in hand, then bytes in order, until the end or the client leaves.

Whatever fails before the headers is an ordinary problem; whatever fails after them breaks the connection, so that no client takes a
short file for a whole one.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing

from litestar.types import HTTPResponseStartEvent, Receive, Scope, Send

from functions.stream.headers import encoded
from functions.stream.leaving import unless_gone
from shared.problems import ProblemError
from shared.web.abort import abort


class Relay:
    """An ASGI application that answers one request.

    :param status: of the answer
    :param headers: complete, Content-Length included
    :param body: opens the body; called once
    :param lease: held from before the first byte is fetched until the last one is sent
    :param idle: seconds after which a client that takes nothing is let go
    """

    def __init__(
        self,
        *,
        status: int,
        headers: dict[str, str],
        body: Callable[[], AsyncGenerator[bytes, None]],
        lease: AbstractAsyncContextManager[None],
        idle: float,
    ) -> None:
        self._start = start(status, headers)
        self._body = body
        self._lease = lease
        self._idle = idle
        self.has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the end, or until the client leaves."""
        try:
            await unless_gone(self._pump(send), receive)
        except TimeoutError:
            # A close would wait until the client has taken what is already queued for it.
            abort(scope)
            raise ProblemError("client_idle") from None

    async def _pump(self, send: Send) -> None:
        async with self._lease, aclosing(self._body()) as chunks:
            first = await anext(chunks, b"")
            self.has_begun = True
            await send(self._start)
            await self._send(send, first)
            async for chunk in chunks:
                await self._send(send, chunk)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, chunk: bytes) -> None:
        async with asyncio.timeout(self._idle):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


class WholeBody:
    """A small answer that is already in hand."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._start = start(status, headers)
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Two messages."""
        await send(self._start)
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


class HeadersOnly(WholeBody):
    """An answer without a body (HEAD, 304), whose Content-Length may speak of one."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(status, headers, b"")


def start(status: int, headers: dict[str, str]) -> HTTPResponseStartEvent:
    """The message that begins an answer."""
    return {"type": "http.response.start", "status": int(status), "headers": encoded(headers)}
