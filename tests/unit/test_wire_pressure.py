"""Who does not read is not sent for: what a connection holds is bounded, and whoever waits is given much at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from random import Random

import httpx
import pytest

from shared.upstream.transport import Transport
from shared.upstream.wire.stream import LARGE, SMALL, Stream
from tests.peer import Peer, Trust, client, known, listening

BLOCK = Random(1).randbytes(1024 * 1024 + 1)
BLOCKS = 48
IN_THE_SYSTEM = 24 * 1024 * 1024
"""Bytes that may lie in the sockets' own buffers."""


class Sending:
    """A long body on its way, as its sender sees it, and the connection it comes by."""

    def __init__(self, response: httpx.Response, stream: Stream, server: Peer) -> None:
        self.chunks = response.aiter_raw()
        self._stream = stream
        self._server = server

    @property
    def held(self) -> int:
        """Bytes that wait for their reader in this process."""
        return sum(map(len, self._stream._inbox))

    async def stuck(self) -> int:
        """Bytes that could be sent, once no more can be."""
        sent, still = -1, 0
        while still < 100:
            await asyncio.sleep(0)
            now = self._sent()
            still = still + 1 if now == sent and self._server.writer.transport.get_write_buffer_size() else 0
            sent = now
        return sent

    def _sent(self) -> int:
        return self._server.said - self._server.writer.transport.get_write_buffer_size()


@asynccontextmanager
async def sending(trust: Trust | None) -> AsyncIterator[Sending]:
    async def behave(peer: Peer) -> None:
        if trust is not None:
            await peer.secure(trust.server)
        await peer.head()
        await peer.say(known(b"", announced=len(BLOCK) * BLOCKS))
        for _ in range(BLOCKS):
            await peer.say(BLOCK)

    scheme = "http" if trust is None else "https"
    context = None if trust is None else trust.client
    async with (
        listening(behave) as there,
        client(context=context) as here,
        asyncio.timeout(20),
        here.stream("GET", f"{scheme}://127.0.0.1:{there.port}/") as response,
    ):
        transport = here._transport
        assert isinstance(transport, Transport)
        (stream,) = transport._pool._open
        yield Sending(response, stream, there.peers[0])


@pytest.fixture(params=["plain", "tls"])
def secrecy(request: pytest.FixtureRequest, trust: Trust) -> Trust | None:
    return trust if request.param == "tls" else None


async def test_a_reader_that_stops_stops_the_sender(secrecy: Trust | None) -> None:
    received = sha256()
    async with sending(secrecy) as body:
        received.update(await anext(body.chunks))
        assert await body.stuck() < IN_THE_SYSTEM
        assert SMALL <= body.held < 3 * SMALL
        async for chunk in body.chunks:  # and nothing is lost
            received.update(chunk)
    assert received.digest() == sha256(BLOCK * BLOCKS).digest()


async def test_small_chunks_for_who_is_busy(secrecy: Trust | None) -> None:
    async with sending(secrecy) as body:
        await anext(body.chunks)
        await body.stuck()
        held = body.held
        sizes = [len(await anext(body.chunks))]
        while sum(sizes) < held:
            sizes.append(len(await anext(body.chunks)))
        assert max(sizes) <= SMALL
        await body.stuck()
        assert body.held < 3 * SMALL


async def test_large_ones_for_who_waits(secrecy: Trust | None) -> None:
    async with sending(secrecy) as body:
        sizes = [len(chunk) async for chunk in body.chunks]
    assert SMALL < max(sizes) <= LARGE
    assert sum(sizes) / len(sizes) > SMALL


async def test_who_leaves_while_the_sender_is_stopped(secrecy: Trust | None) -> None:
    async with sending(secrecy) as body:
        await anext(body.chunks)
        await body.stuck()


async def test_what_comes_to_many_at_once_is_each_ones_own(secrecy: Trust | None) -> None:
    """They all share the buffers that it is received in."""

    async def behave(peer: Peer) -> None:
        if secrecy is not None:
            await peer.secure(secrecy.server)
        (name,) = (await peer.head()).split(b" ")[1][1:]
        await peer.say(known(bytes([name]) * 700_000), step=20_000)

    scheme = "http" if secrecy is None else "https"
    context = None if secrecy is None else secrecy.client
    async with listening(behave) as there, client(context=context) as here:
        answers = await asyncio.gather(*(here.get(f"{scheme}://127.0.0.1:{there.port}/{name}") for name in "abcdefgh"))
    assert [set(answer.content) for answer in answers] == [{ord(name)} for name in "abcdefgh"]
