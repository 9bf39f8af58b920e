"""Ways through proxies: CONNECT and SOCKS5, whatever the pieces are that they answer in."""

import base64
import ssl
from collections.abc import Callable
from ipaddress import ip_address

import httpx
import pytest

from shared.upstream.errors import UpstreamError, translated
from shared.upstream.wire.address import Address, origin_of, proxy_of
from tests.peer import BODY, Behaviour, Peer, Trust, client, known, listening, says

BOUND = {
    "IPv4": b"\x01" + ip_address("192.0.2.1").packed,
    "IPv6": b"\x04" + ip_address("2001:db8::1").packed,
    "name": b"\x03\x0bproxy.test.",
    "empty name": b"\x03\x00",
    "longest name": b"\x03\xff" + b"x" * 255,
}
PORT = b"\x1f\x90"


async def reason(proxy: str, url: str = "http://media.test/", context: ssl.SSLContext | None = None) -> str:
    async with client(proxy=proxy, context=context) as here:
        with pytest.raises(UpstreamError) as caught, translated(is_proxied=True):
            await here.get(url)
    return caught.value.reason


async def served(peer: Peer, *, step: int | None = None) -> None:
    while await peer.head():
        await peer.say(known(BODY), step=step)


def socks5(
    *, method: bytes = b"\x05\x00", reply: bytes = b"\x05\x00\x00" + BOUND["IPv4"] + PORT, step: int | None = None
) -> Callable[[list[bytes]], Behaviour]:
    """A proxy that answers so; it writes down what it was asked."""

    def noted(asked: list[bytes]) -> Behaviour:
        async def behave(peer: Peer) -> None:
            version, count = await peer.exactly(2)
            asked.append(bytes([version, count]) + await peer.exactly(count))
            await peer.say(method, step=step)
            if method == b"\x05\x02":
                asked.append(await peer.hear())
                await peer.say(b"\x01\x00", step=step)
            start = await peer.exactly(5)
            rest = {1: 5, 3: start[4] + 2, 4: 17}[start[3]]
            asked.append(start + await peer.exactly(rest))
            await peer.say(reply, step=step)
            await served(peer, step=step)

        return behave

    return noted


@pytest.mark.parametrize("bound", BOUND)
@pytest.mark.parametrize("step", [1, None])
async def test_socks5_whatever_it_is_bound_to(bound: str, step: int | None) -> None:
    asked: list[bytes] = []
    reply = b"\x05\x00\x00" + BOUND[bound] + PORT
    async with listening(socks5(reply=reply, step=step)(asked)) as there, client(proxy=f"socks5://127.0.0.1:{there.port}") as here:
        for _ in range(2):
            assert (await here.get("http://media.test:81/")).content == BODY
    assert asked == [b"\x05\x01\x00", b"\x05\x01\x00\x03\x0amedia.test\x00\x51"]


@pytest.mark.parametrize(
    ("host", "encoded"),
    [("192.0.2.9", b"\x01" + ip_address("192.0.2.9").packed), ("[2001:db8::9]", b"\x04" + ip_address("2001:db8::9").packed)],
)
async def test_socks5_to_a_number(host: str, encoded: bytes) -> None:
    asked: list[bytes] = []
    async with listening(socks5()(asked)) as there, client(proxy=f"socks5h://127.0.0.1:{there.port}") as here:
        assert (await here.get(f"http://{host}/")).content == BODY
    assert asked[-1] == b"\x05\x01\x00" + encoded + b"\x00\x50"


@pytest.mark.parametrize("step", [1, None])
async def test_socks5_with_a_password(step: int | None) -> None:
    asked: list[bytes] = []
    username, password = "käthe", "p" * 255
    async with (
        listening(socks5(method=b"\x05\x02", step=step)(asked)) as there,
        client(proxy=f"socks5://k%C3%A4the:{password}@127.0.0.1:{there.port}") as here,
    ):
        assert (await here.get("http://media.test/")).content == BODY
    assert asked[:2] == [b"\x05\x02\x00\x02", b"\x01\x06" + username.encode() + b"\xff" + password.encode()]


async def test_socks5_that_does_not_want_the_password() -> None:
    asked: list[bytes] = []
    async with listening(socks5()(asked)) as there, client(proxy=f"socks5://a:b@127.0.0.1:{there.port}") as here:
        assert (await here.get("http://media.test/")).content == BODY


@pytest.mark.parametrize("credentials", ["a" * 256 + ":b", "a:" + "%C3%A4" * 128])
async def test_socks5_cannot_carry_everything(credentials: str) -> None:
    async with listening(socks5(method=b"\x05\x02")([])) as there:
        assert await reason(f"socks5://{credentials}@127.0.0.1:{there.port}") == "proxy_auth_failed"


@pytest.mark.parametrize(
    ("method", "credentials"), [(b"\x05\x02", ""), (b"\x05\xff", ""), (b"\x05\xff", "a:b@"), (b"\x05\x01", "a:b@")]
)
async def test_socks5_that_wants_to_know_who_is_there(method: bytes, credentials: str) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hear()
        await peer.say(method)
        await peer.left()

    async with listening(behave) as there:
        assert await reason(f"socks5://{credentials}127.0.0.1:{there.port}") == "proxy_auth_failed"


async def test_socks5_that_does_not_like_the_password() -> None:
    async def behave(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"\x05\x02")
        await peer.hear()
        await peer.say(b"\x01\x01")
        await peer.left()

    async with listening(behave) as there:
        assert await reason(f"socks5://a:b@127.0.0.1:{there.port}") == "proxy_auth_failed"


@pytest.mark.parametrize("code", range(1, 10))
async def test_socks5_that_refuses(code: int) -> None:
    refusal = bytes([5, code, 0, 1]) + bytes(6)
    async with listening(socks5(reply=refusal)([])) as there:
        expected = "proxy_auth_failed" if code == 2 else "unresolved"
        assert await reason(f"socks5://127.0.0.1:{there.port}") == expected


@pytest.mark.parametrize("reply", [b"\x04\x00\x00\x01", b"\x05\x00\x00\x02" + bytes(6), b"\x05\x00", b"\x05\x00\x00\x03\x09abc"])
async def test_what_is_no_socks5(reply: bytes) -> None:
    async def behave(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"\x05\x00")
        await peer.hear()
        await peer.say(reply)
        if len(reply) > 4 and reply[3] == 2:
            await peer.left()  # an address of no known kind is not guessed at

    async with listening(behave) as there:
        assert await reason(f"socks5://127.0.0.1:{there.port}") == "proxy_unreachable"


def connect(answer: bytes, asked: list[bytes], *, step: int | None = None) -> Behaviour:
    async def behave(peer: Peer) -> None:
        asked.append(await peer.head())
        await peer.say(answer, step=step)
        await served(peer, step=step)

    return behave


TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        TUNNEL,
        b"HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",  # to be ignored (RFC 9110 section 9.3.6)
        b"HTTP/1.1 299 Fine\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + TUNNEL,
    ],
)
@pytest.mark.parametrize("step", [1, None])
async def test_connect(answer: bytes, step: int | None) -> None:
    asked: list[bytes] = []
    async with listening(connect(answer, asked, step=step)) as there, client(proxy=f"http://127.0.0.1:{there.port}") as here:
        for _ in range(2):
            assert (await here.get("http://media.test:81/")).content == BODY
    assert asked == [b"CONNECT media.test:81 HTTP/1.1\r\nHost: media.test:81"]


async def test_connect_to_a_number_with_colons() -> None:
    asked: list[bytes] = []
    async with listening(connect(TUNNEL, asked)) as there, client(proxy=f"http://127.0.0.1:{there.port}") as here:
        assert (await here.get("http://[2001:db8::9]/")).content == BODY
    assert asked == [b"CONNECT [2001:db8::9]:80 HTTP/1.1\r\nHost: [2001:db8::9]:80"]


async def test_connect_with_a_password() -> None:
    asked: list[bytes] = []
    plain = "kä:" + "p" * 300 + "\r\n"
    async with (
        listening(connect(TUNNEL, asked)) as there,
        client(proxy=f"http://k%C3%A4:{'p' * 300}%0D%0A@127.0.0.1:{there.port}") as here,
    ):
        assert (await here.get("http://media.test/")).content == BODY
    assert asked[0].endswith(b"\r\nProxy-Authorization: Basic " + base64.b64encode(plain.encode()))


@pytest.mark.parametrize(
    ("status", "expected"),
    [(407, "proxy_auth_failed"), (403, "unresolved"), (502, "unresolved"), (504, "unresolved"), (302, "unresolved")],
)
@pytest.mark.parametrize("step", [1, None])
async def test_connect_that_is_refused(status: int, expected: str, step: int | None) -> None:
    refusal = f"HTTP/1.1 {status} No\r\nContent-Length: 3\r\n\r\nNo.".encode()

    async def behave(peer: Peer) -> None:
        await peer.head()
        await peer.say(refusal, step=step)
        await peer.left()

    async with listening(behave) as there:
        assert await reason(f"http://127.0.0.1:{there.port}") == expected


@pytest.mark.parametrize("answer", [TUNNEL + b"Welcome!", b"SSH-2.0-x\r\n\r\n", TUNNEL[:-2], b"x" * 200_000])
async def test_what_is_no_http_proxy(answer: bytes) -> None:
    async with listening(says(answer)) as there:
        assert await reason(f"http://127.0.0.1:{there.port}") == "proxy_unreachable"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_tls_is_with_the_host_and_not_with_the_proxy(trust: Trust, scheme: str) -> None:
    async def behave(peer: Peer) -> None:
        if scheme == "http":
            await peer.head()
            await peer.say(TUNNEL)
        else:
            await peer.hear()
            await peer.say(b"\x05\x00")
            await peer.hear()
            await peer.say(b"\x05\x00\x00" + BOUND["name"] + PORT)
        await peer.secure(trust.server)
        await served(peer)

    async with (
        listening(behave) as there,
        client(proxy=f"{scheme}://127.0.0.1:{there.port}", context=trust.client) as here,
    ):
        assert (await here.get("https://media.test/")).content == BODY
        with pytest.raises(httpx.ConnectError):
            await here.get("https://other.test/")


async def test_a_proxy_with_tls_must_be_who_it_should_be(trust: Trust) -> None:
    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        raise AssertionError("it was trusted")

    async with listening(behave) as there:
        assert await reason(f"https://127.0.0.1:{there.port}") == "untrusted"


@pytest.mark.parametrize("is_said", [False, True])
async def test_a_proxy_with_tls_that_closes_instead_of_an_answer(trust: Trust, is_said: bool) -> None:
    async def behave(peer: Peer) -> None:
        await peer.secure(trust.server)
        await peer.head()
        if is_said:
            peer.notify()

    async with listening(behave) as there:
        assert await reason(f"https://127.0.0.1:{there.port}", context=trust.client) == "proxy_unreachable"


async def test_a_proxy_that_nobody_can_look_up() -> None:
    assert await reason(f"http://{'x' * 64}.test:3128") == "proxy_unreachable"


@pytest.mark.parametrize("host", ["x" * 64 + ".test", ".".join(["x" * 60] * 5), "a..test", ".test"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_host_that_nobody_can_look_up(scheme: str, host: str) -> None:
    assert await reason(f"{scheme}://127.0.0.1:1", f"https://{host}/") == "unreadable"


def test_where_a_url_leads() -> None:
    assert origin_of("https://media.test/x").address == Address("media.test", 443)
    assert origin_of("http://[::1]:8/").address.authority == "[::1]:8"
    assert proxy_of("https://[::1]").address == Address("::1", 443)
    assert proxy_of("SOCKS5H://a:@h").address == Address("h", 1080)


@pytest.mark.parametrize("url", ["https:///x", "https:/x", "/x", "ftp://h/", "https://h:x/", "https://h:65536/"])
def test_where_no_url_leads(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        origin_of(url)
