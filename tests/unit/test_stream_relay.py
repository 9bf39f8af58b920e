"""The response on its own: what it does with a body, a lease and a server that are play-acted."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
from litestar.types import Message, Receive, Scope, Send

from functions.stream.relay import Relay
from shared.problems import ProblemError
from shared.web.abort import offer_abort

SCOPE = cast("Scope", {"type": "http"})


class Play:
    """A relay, and what became of everything it holds."""

    def __init__(self, *body: bytes | Exception, idle: float = 5.0) -> None:
        self.sent: list[dict[str, Any]] = []
        self.events: list[str] = []
        self.has_left = asyncio.Event()
        self.is_leased = asyncio.Event()
        self.takes_only = 1000
        self._body = body
        self.relay = Relay(status=200, headers={"Content-Length": "6"}, body=self.body, lease=self.lease(), idle=idle)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        self.events.append("leased")
        self.is_leased.set()
        try:
            yield
        finally:
            self.events.append("released")

    async def body(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self._body:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk
            if not self._body:
                await asyncio.Event().wait()
        finally:
            self.events.append("closed")

    async def receive(self) -> Message:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if len(self.sent) == self.takes_only:
            await asyncio.Event().wait()
        self.sent.append(cast("dict[str, Any]", message))

    async def run(self) -> None:
        scope = cast("Scope", dict(SCOPE))
        offer_abort(scope, lambda: self.events.append("aborted"))
        await self.relay(scope, cast("Receive", self.receive), cast("Send", self.send))

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def test_in_order_and_to_the_end() -> None:
    play = Play(b"one", b"two")
    await play.run()
    assert play.content == b"onetwo"
    assert [message["type"] for message in play.sent] == ["http.response.start", *["http.response.body"] * 3]
    assert [message["more_body"] for message in play.sent[1:]] == [True, True, False]
    assert play.events == ["leased", "closed", "released"]


async def test_a_failure_before_the_first_byte_is_before_the_headers() -> None:
    play = Play(ProblemError("source_refused"))
    with pytest.raises(ProblemError):
        await play.run()
    assert play.sent == []
    assert not play.relay.has_begun
    assert play.events == ["leased", "closed", "released"]


async def test_a_failure_after_it_leaves_the_answer_open() -> None:
    play = Play(b"one", ProblemError("source_refused"))
    with pytest.raises(ProblemError):
        await play.run()
    assert play.relay.has_begun
    assert play.content == b"one"
    assert all(message.get("more_body", True) for message in play.sent)
    assert play.events == ["leased", "closed", "released"]


@pytest.mark.parametrize("chunks", [(), (b"one",)])
async def test_a_client_that_leaves_ends_it(chunks: tuple[bytes, ...]) -> None:
    play = Play(*chunks)
    play.takes_only = 0
    running = asyncio.create_task(play.run())
    await play.is_leased.wait()
    play.has_left.set()
    async with asyncio.timeout(1):
        await running
    assert play.events == ["leased", "closed", "released"]


async def test_a_lost_cancellation_is_repeated() -> None:
    class Deaf(Play):
        lost = 0

        async def body(self) -> AsyncGenerator[bytes, None]:
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    self.lost += 1
                    if self.lost > 1:
                        raise
                yield b"one"

    play = Deaf()
    play.has_left.set()
    async with asyncio.timeout(2):
        await play.run()
    assert play.lost == 2
    assert play.events == ["leased", "released"]


async def test_a_client_that_takes_nothing_is_let_go() -> None:
    play = Play(b"one", b"two", idle=0.05)
    play.takes_only = 2
    with pytest.raises(ProblemError) as ended:
        await play.run()
    assert ended.value.code == "client_idle"
    assert play.content == b"one"
    assert play.events == ["leased", "closed", "released", "aborted"]


async def test_a_server_that_stops_ends_it() -> None:
    play = Play()
    running = asyncio.create_task(play.run())
    await play.is_leased.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert play.events == ["leased", "closed", "released"]
