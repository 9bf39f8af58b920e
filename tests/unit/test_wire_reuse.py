"""Which connections are used again, for how long they are kept, and what happens where the other side has closed one."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from shared.upstream.wire import pool
from tests.peer import BODY, Behaviour, Listening, Peer, Trust, client, framed, known, listening, says
from tests.streaming import until

pytestmark = pytest.mark.usefixtures("unseen_failures")

REUSABLE = known(BODY)


def always(answer: bytes) -> Behaviour:
    async def behave(peer: Peer) -> None:
        while await peer.head():
            await peer.say(answer)

    return behave


async def fetch(here: httpx.AsyncClient, there: Listening) -> bytes:
    return (await here.get(there.url)).content


async def test_a_connection_is_used_again() -> None:
    async with listening(always(REUSABLE)) as there, client() as here:
        for _ in range(5):
            assert await fetch(here, there) == BODY
    assert len(there.peers) == 1


async def test_but_not_by_two_at_a_time() -> None:
    async with listening(always(REUSABLE)) as there, client() as here:
        assert set(await asyncio.gather(fetch(here, there), fetch(here, there))) == {BODY}
        assert await fetch(here, there) == BODY
    assert len(there.peers) == 2


async def test_nor_for_another_origin() -> None:
    async with listening(always(REUSABLE)) as one, listening(always(REUSABLE)) as other, client() as here:
        for there in (one, other, one, other):
            await fetch(here, there)
    assert (len(one.peers), len(other.peers)) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        known(BODY, "Connection: close"),
        known(BODY, "Connection: Close"),
        known(BODY, "Connection: x, close"),
        known(BODY, "Connection: close", "Connection: x"),
        framed(BODY, f"Content-Length: {len(BODY)}", version="1.0"),
        framed(BODY, f"Content-Length: {len(BODY)}", "Connection: keep-alive", version="1.0"),
        REUSABLE + b"!",
        REUSABLE + REUSABLE,
        framed(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        framed(b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 5"),
        known(b"", "Connection: close"),
        known(b"") + b"!",
    ],
    ids=lambda answer: repr(answer[:80]),
)
async def test_the_connection_ends_with_this_answer(answer: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(answer)
        await peer.left()

    async with listening(behave) as there, client() as here:
        for _ in range(2):
            assert await fetch(here, there) in {BODY, b"hello", b""}
            await asyncio.wait(there.talks)
    assert len(there.peers) == 2


async def test_who_says_that_it_ends_is_answered_once() -> None:
    async with listening(always(REUSABLE)) as there, client() as here:
        for _ in range(2):
            await here.get(there.url, headers={"Connection": "close"})
    assert len(there.peers) == 2


@pytest.mark.parametrize("field", ["Connection: closed", "X: close"])
async def test_and_with_these_it_does_not(field: str) -> None:
    async with listening(always(known(BODY, field))) as there, client() as here:
        for _ in range(2):
            await fetch(here, there)
    assert len(there.peers) == 1


async def test_a_byte_that_nobody_asked_for_ends_it_also_while_it_waits() -> None:
    is_fetched, is_said = asyncio.Event(), asyncio.Event()

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(REUSABLE)
        if len(there.peers) == 1:
            await is_fetched.wait()
            await peer.say(REUSABLE)
            is_said.set()
        await peer.left()

    async with listening(behave) as there, client() as here:
        await fetch(here, there)
        is_fetched.set()
        await is_said.wait()
        await fetch(here, there)
    assert len(there.peers) == 2


async def test_a_body_that_was_not_read_ends_it() -> None:
    async with listening(always(REUSABLE)) as there, client() as here:
        for _ in range(2):
            async with here.stream("GET", there.url):
                pass
    assert len(there.peers) == 2


async def leaves(peer: Peer) -> None:
    peer.hang_up()


async def resets(peer: Peer) -> None:
    peer.writer.transport.abort()


@pytest.mark.parametrize("ends", [leaves, resets])
async def test_one_that_was_closed_in_that_moment_is_replaced(ends: Callable[[Peer], Awaitable[None]]) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(REUSABLE)
        assert await peer.head()  # a request has come, which is not answered
        if len(there.peers) == 1:
            await ends(peer)
        else:
            await peer.say(REUSABLE)

    async with listening(behave) as there, client() as here:
        for _ in range(3):
            assert await fetch(here, there) == BODY
    assert len(there.peers) == 2


@pytest.mark.parametrize("ends", [leaves, resets])
async def test_one_that_was_closed_while_it_waited_is_replaced(ends: Callable[[Peer], Awaitable[None]]) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(REUSABLE)
        if len(there.peers) == 1:
            await ends(peer)

    async with listening(behave) as there, client() as here:
        await fetch(here, there)
        await asyncio.wait(there.talks)
        assert await fetch(here, there) == BODY
    assert len(there.peers) == 2


async def test_one_that_says_something_else_than_an_answer_is_replaced() -> None:
    """What came too late to be taken for a part of the last answer."""

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(REUSABLE)
        if await peer.head():
            await peer.say(b"surplus\r\n" + REUSABLE)

    async with listening(behave) as there, client() as here:
        for _ in range(2):
            assert await fetch(here, there) == BODY
    assert len(there.peers) == 2


async def test_a_new_one_that_gives_no_answer_is_not_replaced() -> None:
    async with listening(says(b"")) as there, client() as here:
        with pytest.raises(httpx.RemoteProtocolError):
            await fetch(here, there)
    assert len(there.peers) == 1


async def test_nor_one_that_says_nothing_for_too_long() -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(REUSABLE)
        await peer.left()

    async with listening(behave) as there, client(idle=0.05) as here:
        await fetch(here, there)
        with pytest.raises(httpx.ReadTimeout):
            await fetch(here, there)
    assert len(there.peers) == 1


@pytest.mark.parametrize("is_said", [False, True])
async def test_one_with_tls_that_was_closed_is_replaced_too(trust: Trust, is_said: bool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        await peer.head()
        await peer.say(REUSABLE)
        if len(there.peers) == 2:
            await peer.left()
            return
        assert await peer.head()
        if is_said:
            peer.notify()

    async with listening(behave) as there, client(context=trust.client) as here:
        for _ in range(2):
            assert (await here.get(f"https://127.0.0.1:{there.port}/")).content == BODY
    assert len(there.peers) == 2


def test_for_how_long_and_how_many() -> None:
    assert (pool.KEPT_FOR, pool.MAX_IDLE) == (15.0, 64)


async def test_a_connection_is_kept_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "KEPT_FOR", 0.05)
    async with listening(always(REUSABLE)) as there, client() as here:
        await fetch(here, there)
        async with asyncio.timeout(1):
            await asyncio.wait(there.talks)  # without anybody's doing
        await fetch(here, there)
    assert len(there.peers) == 2


async def test_which_does_not_run_while_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "KEPT_FOR", 0.05)
    is_late = asyncio.Event()

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(REUSABLE)
        await peer.head()
        await peer.say(known(b"", announced=1))
        asyncio.get_running_loop().call_later(0.1, is_late.set)
        await is_late.wait()
        await peer.say(b".")

    async with listening(behave) as there, client() as here:
        await fetch(here, there)
        assert await fetch(here, there) == b"."
    assert len(there.peers) == 1


async def test_so_many_are_kept_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_IDLE", 3)
    async with listening(always(REUSABLE)) as there, client() as here:
        answers = [await here.send(here.build_request("GET", there.url), stream=True) for _ in range(8)]
        for answer in answers:
            await answer.aread()
        await until(lambda: [talk.done() for talk in there.talks] == [True] * 5 + [False] * 3)
        said = [peer.said for peer in there.peers]
        for _ in range(2):
            await fetch(here, there)
        assert [now.said - before for now, before in zip(there.peers, said, strict=True)] == [0] * 7 + [2 * len(REUSABLE)]


async def test_the_end_of_the_client_is_the_end_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def behave(peer: Peer) -> None:
        while await peer.head():
            await peer.say(REUSABLE)

    async with listening(behave) as there:
        async with client() as here:
            await asyncio.gather(*(fetch(here, there) for _ in range(4)))
            assert not any(talk.done() for talk in there.talks)
        async with asyncio.timeout(1):
            await asyncio.wait(there.talks)
