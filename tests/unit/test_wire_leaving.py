"""Whoever is interrupted, wherever that is, leaves nothing open: the other side sees the end at once."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager
from itertools import count
from types import coroutine
from typing import Any, TypeVar

import httpx
import pytest

from tests.peer import BODY, Behaviour, Peer, Trust, client, framed, known, listening

T = TypeVar("T")
PATIENT = 60.0


@coroutine
def cancelled_at(moment: int, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Awaits it, and cancels the task while it waits for the so-manieth time."""
    task = asyncio.current_task()
    assert task is not None
    go_on: Any = work.send
    value: Any = None
    for waits in count():
        try:
            waiting = go_on(value)
        except StopIteration as done:
            result: T = done.value
            return result
        if waits == moment:
            asyncio.get_running_loop().call_soon(task.cancel)
        try:
            yield waiting
        except BaseException as error:  # noqa: BLE001 - handed on, as await does
            go_on, value = work.throw, error
        else:
            go_on, value = work.send, None
    raise AssertionError


@pytest.fixture(autouse=True)
async def _nothing_is_left_to_the_collector(unseen_failures: None) -> AsyncIterator[None]:
    """It would complain of a socket, and of a failure that nobody has asked for."""
    yield
    gc.collect()


async def fetch(here: httpx.AsyncClient, url: str) -> bytes:
    return (await here.get(url)).content


def through_everything(trust: Trust) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        await peer.head()
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await peer.secure(trust.server)
        await peer.head()
        await peer.say(framed(b"", status="103 Early Hints"))
        await peer.say(known(BODY), step=1000)
        await peer.left()

    return behave


async def test_at_every_moment(trust: Trust) -> None:
    """In connect, in both handshakes, in the tunnel, in the head and in the body."""
    async with (
        listening(through_everything(trust)) as there,
        client(proxy=f"https://127.0.0.1:{there.port}", context=trust.client) as here,
    ):
        for moment in count():
            task = asyncio.ensure_future(cancelled_at(moment, fetch(here, "https://media.test/")))
            try:
                assert await task == BODY
            except asyncio.CancelledError:
                async with asyncio.timeout(1):
                    await asyncio.gather(*there.talks)
            else:
                break
        assert moment > 5
        # The last one was reusable: it is kept, and nobody else's is.
        assert sum(not talk.done() for talk in there.talks) == 1


@pytest.mark.parametrize("silent_after", range(4))
@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_where_nothing_comes(trust: Trust, silent_after: int, is_cancelled: bool) -> None:
    """After the connection, the handshake, half of a head, a part of a body."""
    is_silent = asyncio.Event()

    async def behave(peer: Peer) -> None:
        if silent_after > 0:
            await peer.secure(trust.server)
            await peer.head()
        if silent_after > 1:
            await peer.say(b"HTTP/1.1 200 OK\r\n")
        if silent_after > 2:
            await peer.say(b"Content-Length: 9\r\n\r\nabc")
        is_silent.set()
        await peer.left()

    idle = PATIENT if is_cancelled else 0.1
    async with listening(behave) as there, client(context=trust.client, idle=idle) as here:
        task = asyncio.create_task(fetch(here, f"https://127.0.0.1:{there.port}/"))
        await is_silent.wait()
        if is_cancelled:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(httpx.ReadTimeout if silent_after else httpx.ConnectTimeout):
                await task
        async with asyncio.timeout(1):
            await asyncio.gather(*there.talks)


@asynccontextmanager
async def crowded() -> AsyncIterator[int]:
    """A port whose queue is full: who connects now waits."""
    waiting: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port: int = listener.getsockname()[1]
        try:
            while True:
                waiting.append(socket.socket())
                waiting[-1].settimeout(0.05)
                waiting[-1].connect(("127.0.0.1", port))
        except TimeoutError:
            yield port
        finally:
            for sock in waiting:
                sock.close()


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_while_it_connects(is_cancelled: bool) -> None:
    async with crowded() as port, client(idle=PATIENT if is_cancelled else 0.05) as here:
        request = fetch(here, f"http://127.0.0.1:{port}/")
        if is_cancelled:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.ensure_future(cancelled_at(1, request))
        else:
            with pytest.raises(httpx.ConnectTimeout):
                await request


@pytest.mark.parametrize("is_secure", [False, True])
async def test_whoever_has_read_enough_leaves(trust: Trust, is_secure: bool) -> None:
    async def behave(peer: Peer) -> None:
        if is_secure:
            await peer.secure(trust.server)
        await peer.head()
        await peer.say(known(BODY, announced=10**12))
        await peer.left()

    scheme = "https" if is_secure else "http"
    async with listening(behave) as there, client(context=trust.client) as here:
        async with here.stream("GET", f"{scheme}://127.0.0.1:{there.port}/") as response:
            assert await anext(response.aiter_raw())
        async with asyncio.timeout(1):
            await asyncio.gather(*there.talks)


async def test_the_client_may_end_before_its_answers(trust: Trust) -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(BODY, announced=10**12))
        await peer.left()

    async with listening(behave) as there:
        async with client() as here:
            response = await here.send(here.build_request("GET", there.url), stream=True)
        async with asyncio.timeout(1):
            await asyncio.gather(*there.talks)
        with pytest.raises(httpx.RemoteProtocolError):
            await response.aread()
        await response.aclose()


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    async with client() as here:
        with pytest.raises(httpx.ConnectError) as caught:
            await here.get(f"http://127.0.0.1:{port}/")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_reset_in_a_body() -> None:
    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(known(BODY, announced=10**6))
        peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.writer.transport.abort()

    async with listening(behave) as there, client() as here:
        with pytest.raises(httpx.ReadError):
            await here.get(there.url)
