"""By chance: however an answer is cut, it stays the same; whatever else comes has a name."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.upstream.errors import UpstreamError, translated
from shared.upstream.wire.exchange import Exchange
from shared.upstream.wire.stream import Buffers, Stream
from tests.peer import BODY, Layer, Peer, Trust, client, framed, known, listening

by_chance = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

bodies = st.builds(lambda part, times: part * times, st.binary(max_size=50), st.sampled_from([1, 30, 8000]))
fields = st.lists(st.tuples(st.from_regex(r"X-[A-Za-z]{1,9}", fullmatch=True), st.from_regex(r"[!-~]{0,40}", fullmatch=True)))
cuts = st.lists(st.sampled_from([1, 2, 17, 1000, 16_405, 40_000, 70_000]), max_size=30)


class Wire(asyncio.Transport):
    """What comes arrives in just these pieces, and only while somebody reads."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._is_closing = False
        self.written = b""
        stream.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self._may_go_on.clear()

    def resume_reading(self) -> None:
        self._may_go_on.set()

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True
        self._may_go_on.set()

    def abort(self) -> None:
        self.close()

    async def bring(self, data: bytes, pieces: Iterator[int]) -> None:
        while data:
            await self._may_go_on.wait()
            if self._is_closing:
                return
            buffer = self._stream.get_buffer(-1)
            size = min(next(pieces), len(buffer), len(data))
            buffer[:size] = data[:size]
            self._stream.buffer_updated(size)
            data = data[size:]
            await asyncio.sleep(0)

    def end(self) -> None:
        self._stream.eof_received()
        self.close()
        self._stream.connection_lost(None)


def followed(sizes: list[int]) -> Iterator[int]:
    """By large ones, for whatever is left."""
    return chain(sizes, repeat(60_000))


def chunked(body: bytes, sizes: list[int]) -> bytes:
    framed_, pieces = b"", followed(sizes)
    while body:
        size = next(pieces)
        part, body = body[:size], body[size:]
        framed_ += b"%x\r\n%b\r\n" % (len(part), part)
    return framed_ + b"0\r\n\r\n"


@asynccontextmanager
async def arriving(data: bytes, sizes: list[int]) -> AsyncIterator[Stream]:
    stream = Stream(Buffers())
    wire = Wire(stream)

    async def arrive() -> None:
        await wire.bring(data, followed(sizes))
        wire.end()

    arrival = asyncio.create_task(arrive())
    yield stream
    stream.abort()
    await arrival


async def received(stream: Stream) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool]:
    async with asyncio.timeout(5):
        exchange = Exchange(stream, 5)
        head = await exchange.begin("GET", "/", [(b"Host", b"media.test")])
        body = b"".join([chunk async for chunk in exchange.body()])
    return head.status_code, list(head.headers), body, exchange.is_reusable


@by_chance
@given(body=bodies, names=fields, sizes=cuts, framing=st.sampled_from(["known", "chunked", "end"]), chunks=cuts)
async def test_an_answer_stays_the_same(
    body: bytes, names: list[tuple[str, str]], sizes: list[int], framing: str, chunks: list[int]
) -> None:
    lines = [f"{name}: {value}" for name, value in names]
    answer = {
        "known": known(body, *lines),
        "chunked": framed(chunked(body, chunks), *lines, "Transfer-Encoding: chunked"),
        "end": framed(body, *lines),
    }[framing]
    async with arriving(answer, sizes) as stream:
        status, headers, found, _ = await received(stream)
    assert (status, found) == (200, body)
    expected = [(name.lower().encode(), value.encode()) for name, value in names]
    assert [field for field in headers if field[0].startswith(b"x-")] == expected


async def shaken(stream: Stream, wire: Wire, server: Layer, trust: Trust, sizes: list[int]) -> tuple[asyncio.Task[None], bytes]:
    """A handshake up to the server's last word, which is not said yet."""
    securing = asyncio.create_task(stream.secure(trust.client, "media.test", 5))
    while True:
        await asyncio.sleep(0)
        server.incoming.write(wire.written)
        wire.written = b""
        try:
            server.tls.do_handshake()
        except ssl.SSLWantReadError:
            await wire.bring(server.outgoing(), followed(sizes))
        else:
            return securing, server.outgoing()


def sealed(server: Layer, answer: bytes, sizes: list[int]) -> bytes:
    records, pieces = b"", followed(sizes)
    while answer:
        size = min(next(pieces), 16_384)
        server.tls.write(answer[:size])
        records, answer = records + server.outgoing(), answer[size:]
    return records


@by_chance
@given(body=bodies, sizes=cuts, records=cuts)
async def test_nor_does_tls_change_it(trust: Trust, body: bytes, sizes: list[int], records: list[int]) -> None:
    stream = Stream(Buffers())
    wire, server = Wire(stream), Layer(trust.server)
    securing, last = await shaken(stream, wire, server, trust, sizes)
    await wire.bring(last, followed(sizes))
    await securing
    reading = asyncio.create_task(received(stream))
    await wire.bring(sealed(server, known(body), records), followed(sizes))
    status, _, found, is_reusable = await reading
    assert (status, found, is_reusable) == (200, body, True)


@pytest.mark.parametrize("segment", [1000, 60_000])
async def test_what_comes_with_the_end_of_the_handshake(trust: Trust, segment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to TLS 1.2 the last word is the server's, who may go on in the same breath; here it is heard before anybody reads."""
    monkeypatch.setattr(trust.server, "maximum_version", ssl.TLSVersion.TLSv1_2)
    stream = Stream(Buffers())
    wire, server = Wire(stream), Layer(trust.server)
    securing, last = await shaken(stream, wire, server, trust, [])
    data = last + sealed(server, BODY * 40, [])
    for at in range(0, len(data), segment):
        part = data[at : at + segment]
        stream.get_buffer(-1)[: len(part)] = part
        stream.buffer_updated(len(part))
    await securing
    assert await stream.receive_exactly(len(BODY) * 40, 5) == BODY * 40
    assert stream.is_idle


async def test_nor_does_it_pause_for_good(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough came to pause for, and then it was no more than a part of one record, of which nobody can read anything."""
    monkeypatch.setattr(trust.server, "maximum_version", ssl.TLSVersion.TLSv1_2)
    monkeypatch.setattr("shared.upstream.wire.stream.SMALL", 1000)
    stream = Stream(Buffers())
    wire, server = Wire(stream), Layer(trust.server)
    securing, last = await shaken(stream, wire, server, trust, [])
    record = sealed(server, BODY, [])
    for part in (last, record[:1500]):
        stream.get_buffer(-1)[: len(part)] = part
        stream.buffer_updated(len(part))
    await securing
    reading = asyncio.create_task(stream.receive_exactly(len(BODY), 5))
    async with asyncio.timeout(5):
        await wire.bring(record[1500:], followed([]))
    assert await reading == BODY


ANSWERS = (known(BODY[:20]), framed(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), framed(b"until the end"))
spoilt = st.builds(
    lambda answer, at, instead, cut: answer[: at % len(answer)] + instead + answer[at % len(answer) + cut :],
    st.sampled_from(ANSWERS),
    st.integers(0, 200),
    st.binary(max_size=4),
    st.integers(0, 8),
)
nonsense = st.binary(max_size=200) | spoilt | st.builds(lambda rest: b"HTTP/1.1 " + rest, st.binary(max_size=60))


@by_chance
@given(garbage=nonsense)
async def test_anything_instead_of_an_answer(garbage: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(garbage)

    async with listening(behave) as there, client() as here, asyncio.timeout(5):
        try:
            await here.get(there.url)
        except httpx.TransportError as error:
            assert isinstance(error, httpx.RemoteProtocolError | httpx.ReadError)  # noqa: PT017 - or it was an answer


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
@by_chance
@given(garbage=st.lists(st.binary(min_size=1, max_size=30), max_size=4))
async def test_anything_instead_of_a_proxy(trust: Trust, scheme: str, garbage: list[bytes]) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hear()
        for answer in garbage:
            await peer.say(answer)

    async with listening(behave) as there, client(proxy=f"{scheme}://a:b@127.0.0.1:{there.port}", context=trust.client) as here:
        with pytest.raises(UpstreamError) as caught, translated(is_proxied=True):
            await asyncio.wait_for(here.get("https://media.test/"), 5)
    assert caught.value.reason in {"proxy_unreachable", "proxy_auth_failed", "unresolved", "interrupted"}
