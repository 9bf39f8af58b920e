"""Heads and bodies as RFC 9112 frames them, in whatever pieces they come."""

import asyncio

import httpx
import pytest

from tests.peer import BODY, Peer, client, framed, known, listening, says


@pytest.mark.parametrize("step", [1, 7, None])
async def test_a_body_of_known_length(step: int | None) -> None:
    async with listening(says(known(BODY), step=step)) as there, client() as here:
        response = await here.get(there.url)
    assert (response.status_code, response.content) == (200, BODY)


@pytest.mark.parametrize("step", [1, 100, None])
async def test_a_chunked_body(step: int | None) -> None:
    chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in (BODY[:1], BODY[1:1000], BODY[1000:]))
    answer = framed(chunks + b"0\r\nTrailer: yes\r\n\r\n", "Transfer-Encoding: chunked")
    async with listening(says(answer, step=step)) as there, client() as here:
        assert (await here.get(there.url)).content == BODY


@pytest.mark.parametrize("cut", [1, 5, 30])
async def test_a_chunked_body_that_is_cut_off_is_not_taken_for_a_whole_one(cut: int) -> None:
    answer = framed(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked")
    async with listening(says(answer[:-cut])) as there, client() as here:
        with pytest.raises(httpx.RemoteProtocolError):
            await here.get(there.url)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_body_until_the_end(version: str) -> None:
    async with listening(says(framed(BODY, version=version), step=500)) as there, client() as here:
        assert (await here.get(there.url)).content == BODY


@pytest.mark.parametrize("sent", [0, 1, len(BODY) - 1])
async def test_a_body_that_ends_early_is_an_error_after_its_bytes(sent: int) -> None:
    async with (
        listening(says(known(BODY[:sent], announced=len(BODY)))) as there,
        client() as here,
        here.stream("GET", there.url) as response,
    ):
        chunks = response.aiter_raw()
        received = b""
        while len(received) < sent:
            received += await anext(chunks)
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(chunks)
    assert received == BODY[:sent]


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    hints = framed(b"", status="100 Continue") + framed(b"", "Link: </a>", status="103 Early Hints")
    for step in (1, None):
        async with listening(says(hints + known(BODY), step=step)) as there, client() as here:
            response = await here.get(there.url)
        assert (response.status_code, response.content) == (200, BODY)
        assert "link" not in response.headers


async def test_another_protocol_is_no_answer() -> None:
    async with listening(says(framed(b"", "Upgrade: h2c", status="101 Switching Protocols"))) as there, client() as here:
        with pytest.raises(httpx.RemoteProtocolError):
            await here.get(there.url)


@pytest.mark.parametrize(
    "answer",
    [
        framed(b"", "Content-Length: 1000000"),
        framed(b"", "Transfer-Encoding: chunked"),
        framed(b""),
    ],
)
async def test_head_has_no_body(answer: bytes) -> None:
    async def behave(peer: Peer) -> None:
        while await peer.head():
            await peer.say(answer)

    async with listening(behave) as there, client() as here:
        for _ in range(2):
            assert (await here.head(there.url)).content == b""
    assert len(there.peers) == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_nor_have_these(status: str) -> None:
    async def behave(peer: Peer) -> None:
        while await peer.head():
            await peer.say(framed(b"", "Content-Length: 5", status=status))

    async with listening(behave) as there, client() as here:
        for _ in range(2):
            assert (await here.get(there.url)).content == b""
    assert len(there.peers) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1",
        framed(b"", "Content-Length: 1", "Content-Length: 2"),
        framed(b"", "Content-Length: 1, 2"),
        framed(b"", "Content-Length: -1"),
        framed(b"", "Content-Length: 0x10"),
        framed(b"", f"Content-Length: {'9' * 5000}"),
        framed(b"", "Content-Length : 1"),
        framed(b"", "Transfer-Encoding: gzip"),
        framed(b"", "Transfer-Encoding: chunked, chunked"),
        framed(b"", "A: b\0c"),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"x" * 100_000,
    ],
    ids=lambda answer: repr(answer[:60]),
)
async def test_what_is_no_answer(answer: bytes) -> None:
    async with listening(says(answer)) as there, client() as here:
        with pytest.raises(httpx.RemoteProtocolError):
            await here.get(there.url)


async def test_a_head_without_an_end_is_not_waited_for() -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000)
        await peer.left()

    async with listening(behave) as there, client() as here:
        with pytest.raises(httpx.RemoteProtocolError):
            await here.get(there.url)


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 2", known(b"abc", announced=4), framed(b"5\r\nhe", "Transfer-Encoding: chunked"), framed(b"")],
)
async def test_nobody_waits_longer_than_the_idle_time_for_a_byte(beginning: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(beginning)
        await peer.left()

    async with listening(behave) as there, client(idle=0.05) as here:
        with pytest.raises(httpx.ReadTimeout):
            await here.get(there.url)


async def test_a_body_may_take_longer_than_that_in_all() -> None:
    """The idle time begins anew with each byte, and does not run while nobody waits for one."""
    idle = 0.2

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(b"", announced=4))
        for _ in range(4):
            await patience()
            await peer.say(b".")

    async def patience() -> None:
        reached = asyncio.Event()
        asyncio.get_running_loop().call_later(idle / 2, reached.set)
        await reached.wait()

    async with listening(behave) as there, client(idle=idle) as here:
        assert (await here.get(there.url)).content == b"...."


@pytest.mark.parametrize(("name", "value"), [("X", "a\r\nY: b"), ("X", "a\nb"), ("X\r\nY", "a"), ("X ", "a"), ("X", "a\0")])
async def test_nothing_is_smuggled_into_a_request(name: str, value: str) -> None:
    async def behave(peer: Peer) -> None:
        assert await peer.hear() == b""

    async with listening(behave) as there, client() as here:
        with pytest.raises(httpx.LocalProtocolError):
            await here.get(there.url, headers={name: value})


async def test_a_request_with_a_body_is_none_of_ours() -> None:
    async def behave(peer: Peer) -> None:
        assert await peer.hear() == b""

    async with listening(behave) as there, client() as here:
        with pytest.raises(httpx.LocalProtocolError):
            await here.post(there.url, content=b"abc")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "https:///path", "//127.0.0.1/", "/path"])
async def test_what_leads_nowhere(url: str) -> None:
    async with client() as here:
        with pytest.raises(httpx.UnsupportedProtocol):
            await here.get(url)
