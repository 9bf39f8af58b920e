"""The other side of a connection, on a real socket: it says exactly what a test wants, in the pieces that it wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

import httpx
from msgspec import Struct

from shared.upstream.transport import Transport
from shared.upstream.wire.address import proxy_of
from shared.upstream.wire.route import Route

BODY: Final = bytes(range(256)) * 9


class Trust(Struct, frozen=True):
    """An authority of the test's own: what its servers show for 127.0.0.1 and media.test, and what its clients believe."""

    server: ssl.SSLContext
    client: ssl.SSLContext


class Layer:
    """The server's side of TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self._outgoing, server_side=True)

    def outgoing(self) -> bytes:
        return self._outgoing.read()


class Peer:
    """One connection as the server has it, with as many layers of TLS as were put on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._layers: list[Layer] = []
        self.heard = b""  # and not yet asked for
        self.said = 0
        """Bytes given to the socket."""

    async def secure(self, context: ssl.SSLContext) -> None:
        """TLS from here on, inside whatever there is already."""
        layer, depth = Layer(context), len(self._layers)
        while True:
            try:
                layer.tls.do_handshake()
            except ssl.SSLWantReadError:
                self._write(layer.outgoing(), depth)
                layer.incoming.write(await self._read(depth) or b"\x00")
            else:
                break
        self._write(layer.outgoing(), depth)
        self._layers.append(layer)

    async def hear(self) -> bytes:
        """What comes next; nothing at the end."""
        return await self._read(len(self._layers))

    async def head(self) -> bytes:
        """A request, or nothing where the other side has left."""
        while b"\r\n\r\n" not in self.heard:
            heard = await self.hear()
            if not heard:
                return b""
            self.heard += heard
        head, _, self.heard = self.heard.partition(b"\r\n\r\n")
        return head

    async def exactly(self, size: int) -> bytes:
        while len(self.heard) < size:
            heard = await self.hear()
            if not heard:
                raise ConnectionResetError("the other side has left")
            self.heard += heard
        exact, self.heard = self.heard[:size], self.heard[size:]
        return exact

    async def say(self, data: bytes, *, step: int | None = None) -> None:
        """In pieces of so many bytes, each in a record and as far as possible a segment of its own."""
        for at in range(0, len(data), step or len(data) or 1):
            self._write(data[at : at + (step or len(data))], len(self._layers))
            await self.writer.drain()
            await asyncio.sleep(0)

    def sealed(self, data: bytes) -> bytes:
        """The records of the innermost layer that carry this."""
        self._layers[-1].tls.write(data)
        return self._layers[-1].outgoing()

    async def pass_on(self, records: bytes, *, step: int) -> None:
        """Such records, cut where the layers below like it."""
        for at in range(0, len(records), step):
            self._write(records[at : at + step], len(self._layers) - 1)
            await self.writer.drain()
            await asyncio.sleep(0)

    def notify(self) -> None:
        """Nothing follows: TLS says so itself."""
        layer = self._layers.pop()
        with suppress(ssl.SSLWantReadError):
            layer.tls.unwrap()
        self._write(layer.outgoing(), len(self._layers))

    def hang_up(self) -> None:
        self.writer.close()

    async def left(self) -> None:
        """Within a second the other side has closed the connection, in whatever way."""
        with suppress(ConnectionError):
            async with asyncio.timeout(1):
                while await self._reader.read(65536):
                    pass

    def _write(self, data: bytes, depth: int) -> None:
        sealed = self._seal(data, depth)
        self.said += len(sealed)
        self.writer.write(sealed)

    def _seal(self, data: bytes, depth: int) -> bytes:
        for layer in reversed(self._layers[:depth]):
            if data:
                layer.tls.write(data)
            data = layer.outgoing()
        return data

    async def _read(self, depth: int) -> bytes:
        if depth == 0:
            return await self._reader.read(65536)
        layer = self._layers[depth - 1]
        while True:
            try:
                return layer.tls.read(65536)
            except ssl.SSLWantReadError:
                data = await self._read(depth - 1)
                if not data:
                    return b""
                layer.incoming.write(data)


Behaviour: TypeAlias = Callable[[Peer], Awaitable[None]]


class Listening:
    """A port, and who came."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave
        self.port = 0
        self.peers: list[Peer] = []
        self.talks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self.talks.append(asyncio.ensure_future(self._talk(peer)))

    async def _talk(self, peer: Peer) -> None:
        try:
            # A client may leave at any time, and may not like what it is shown.
            with suppress(ConnectionError, ssl.SSLError):
                await self._behave(peer)
        finally:
            peer.hang_up()
            with suppress(ConnectionError):
                await peer.writer.wait_closed()


@asynccontextmanager
async def listening(behave: Behaviour) -> AsyncIterator[Listening]:
    """A server that treats everybody so. What fails in there fails the test."""
    here = Listening(behave)
    server = await asyncio.start_server(here.meet, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
        async with asyncio.timeout(5):
            await asyncio.gather(*here.talks)
    finally:
        server.close()
        for talk in here.talks:
            talk.cancel()
        await asyncio.gather(*here.talks, return_exceptions=True)


def framed(body: bytes, *fields: str, version: str = "1.1", status: str = "200 OK") -> bytes:
    lines = [f"HTTP/{version} {status}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def known(body: bytes, *fields: str, announced: int | None = None) -> bytes:
    return framed(body, f"Content-Length: {len(body) if announced is None else announced}", *fields)


def says(*answers: bytes, step: int | None = None) -> Behaviour:
    """One answer for each request, then the end."""

    async def behave(peer: Peer) -> None:
        for answer in answers:
            assert await peer.head()
            await peer.say(answer, step=step)

    return behave


@asynccontextmanager
async def client(
    *, proxy: str | None = None, context: ssl.SSLContext | None = None, idle: float = 5.0
) -> AsyncIterator[httpx.AsyncClient]:
    """An httpx client on the transport under test."""
    route = Route(proxy=proxy_of(proxy) if proxy else None, family=None, context=context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    async with httpx.AsyncClient(transport=Transport(route), timeout=httpx.Timeout(idle), trust_env=False) as opened:
        yield opened
