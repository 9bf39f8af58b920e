"""TLS: records cut anywhere, ends that are said and ends that are not, and one layer inside another."""

import asyncio
import random
import ssl
from contextlib import suppress

import httpx
import pytest

from shared.upstream.wire.stream import Buffers, Stream
from tests.peer import BODY, Behaviour, Peer, Trust, client, framed, known, listening


def secured(trust: Trust, behave: Behaviour) -> Behaviour:
    async def behave_there(peer: Peer) -> None:
        await peer.secure(trust.server)
        await behave(peer)

    return behave_there


def url(port: int) -> str:
    return f"https://127.0.0.1:{port}/"


@pytest.mark.parametrize("record", [1, 1000, None])
@pytest.mark.parametrize("segment", [1, 1009, 100_000])
async def test_records_cut_anywhere(trust: Trust, record: int | None, segment: int) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        answer = known(BODY)
        size = record or len(answer)
        sealed = b"".join(peer.sealed(answer[at : at + size]) for at in range(0, len(answer), size))
        await peer.pass_on(sealed, step=segment)

    async with listening(secured(trust, behave)) as there, client(context=trust.client) as here:
        assert (await here.get(url(there.port))).content == BODY


@pytest.mark.parametrize("versions", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions(trust: Trust, versions: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    async def behave(peer: Peer) -> None:
        while await peer.head():
            await peer.say(known(BODY), step=100)

    monkeypatch.setattr(trust.server, "maximum_version", versions)
    async with listening(secured(trust, behave)) as there, client(context=trust.client) as here:
        for _ in range(2):
            assert (await here.get(url(there.port))).content == BODY
    assert len(there.peers) == 1


async def test_a_body_until_the_end_needs_an_end_that_nobody_on_the_way_can_make_up(trust: Trust) -> None:
    """RFC 9112 section 9.8."""

    def behave(*, is_said: bool) -> Behaviour:
        async def behave(peer: Peer) -> None:
            await peer.head()
            await peer.say(framed(BODY))
            if is_said:
                peer.notify()

        return secured(trust, behave)

    async with client(context=trust.client) as here:
        async with listening(behave(is_said=True)) as there:
            assert (await here.get(url(there.port))).content == BODY
        async with listening(behave(is_said=False)) as there:
            with pytest.raises(httpx.ReadError):
                await here.get(url(there.port))


@pytest.mark.parametrize("is_said", [False, True])
async def test_a_body_of_known_length_needs_none(trust: Trust, is_said: bool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(BODY))
        if is_said:
            peer.notify()

    async with listening(secured(trust, behave)) as there, client(context=trust.client) as here:
        assert (await here.get(url(there.port))).content == BODY


@pytest.mark.parametrize("is_said", [False, True])
async def test_but_is_none_when_it_ends_early(trust: Trust, is_said: bool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(BODY, announced=len(BODY) + 1))
        if is_said:
            peer.notify()

    async with listening(secured(trust, behave)) as there, client(context=trust.client) as here:
        with pytest.raises(httpx.RemoteProtocolError if is_said else httpx.ReadError):
            await here.get(url(there.port))


MANY = 128 * 1024 * 1024


async def test_who_has_said_that_nothing_follows_is_not_listened_to(trust: Trust) -> None:
    """Or else memory would fill with what nobody reads."""
    is_read = asyncio.Event()

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(b"", announced=5))
        await is_read.wait()
        peer.notify()
        with suppress(ConnectionError):
            while peer.said < MANY:
                await peer.say(bytes(65536))

    async with (
        listening(secured(trust, behave)) as there,
        client(context=trust.client) as here,
        here.stream("GET", url(there.port)) as response,
    ):
        is_read.set()
        async with asyncio.timeout(5):
            await asyncio.wait(there.talks)
        assert there.peers[0].said < MANY
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()


async def test_a_record_that_was_changed_on_the_way(trust: Trust) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(b"", announced=100))
        sealed = bytearray(peer.sealed(bytes(100)))
        sealed[-1] ^= 1
        await peer.pass_on(bytes(sealed), step=1000)
        await peer.left()

    async with listening(secured(trust, behave)) as there, client(context=trust.client) as here:
        with pytest.raises(httpx.ReadError) as caught:
            await here.get(url(there.port))
    assert isinstance(caught.value.__cause__, ssl.SSLError)


@pytest.mark.parametrize("says", [b"", b"\x16", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(100_000)])
async def test_something_else_instead_of_tls(trust: Trust, says: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hear()
        await peer.say(says)

    async with listening(behave) as there, client(context=trust.client) as here:
        with pytest.raises(httpx.ConnectError):
            await here.get(url(there.port))


async def test_a_stranger(trust: Trust) -> None:
    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        await peer.left()

    async with listening(behave) as there:
        async with client(context=ssl.create_default_context()) as here:
            with pytest.raises(httpx.ConnectError) as caught:
                await here.get(url(there.port))
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        async with client(context=trust.client) as here:
            with pytest.raises(httpx.ConnectError) as caught:
                await here.get(f"https://localhost:{there.port}/")
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_a_server_that_speaks_first(trust: Trust) -> None:
    """TLS 1.3 lets it: what comes with the end of the handshake is no less received, however much it is."""
    answer = known(random.Random(1).randbytes(300_000))

    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        await peer.say(answer)
        await peer.left()

    async with listening(behave) as there:
        buffers, loop = Buffers(), asyncio.get_running_loop()
        _, stream = await loop.create_connection(lambda: Stream(buffers), "127.0.0.1", there.port)
        await stream.secure(trust.client, "127.0.0.1", 5)
        assert await stream.receive_exactly(len(answer), 5) == answer
        stream.abort()


@pytest.mark.parametrize("outer", [5000, 100_000, 1_000_000])
async def test_tls_in_tls(trust: Trust, outer: int) -> None:
    """Records of every size in records of another, so that each layer is left with parts of some."""
    chance = random.Random(1)
    body = chance.randbytes(3_000_000)

    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        assert (await peer.head()).startswith(b"CONNECT media.test:443 ")
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await peer.secure(trust.server)
        await peer.head()
        answer, records = known(body), b""
        while answer:
            size = chance.choice([1, 1400, 9000, 16000, 16384])
            records += peer.sealed(answer[:size])
            answer = answer[size:]
        await peer.pass_on(records, step=outer)

    async with listening(behave) as there, client(proxy=f"https://127.0.0.1:{there.port}", context=trust.client) as here:
        response = await here.get("https://media.test/")
    assert response.content == body
