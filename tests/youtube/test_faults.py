"""Each fault does what it says, and the log tells what happened."""

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import tests.youtube as stand_in
from tests.youtube import Fault, YouTube

VIDEO = stand_in.LARGE
LOGIN = (b"\x05\x01\x02", b"\x01\x05alice\x06s3cret")
NOT_ALLOWED, HOST_UNREACHABLE = 2, 4


@pytest.fixture
def url(youtube: YouTube) -> str:
    return youtube.url(VIDEO, 137)


def get(client: httpx.Client, url: str, first: int = 0, last: int = 99_999) -> httpx.Response:
    return client.get(url, headers={"Range": f"bytes={first}-{last}"})


def received(client: httpx.Client, url: str) -> tuple[int, bool]:
    """How many bytes came, and whether that was all that had been promised."""
    size = 0
    try:
        with client.stream("GET", url, headers={"Range": "bytes=0-99999"}) as answer:
            for chunk in answer.iter_raw():
                size += len(chunk)
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return size, False
    return size, True


def ask_socks(youtube: YouTube, *messages: bytes) -> bytes:
    """The SOCKS proxy's last answer. A socket of our own: httpcore leaks its one when SOCKS refuses."""
    answer = b""
    with socket.create_connection(("127.0.0.1", youtube.port)) as client:
        for message in messages:
            client.sendall(message)
            answer = client.recv(100)
    return answer


def test_status_a_number_of_times(youtube: YouTube, client: httpx.Client, url: str) -> None:
    fault = youtube.fault(Fault("media", stand_in.Status(429, retry_after=7), times=2))
    answers = [get(client, url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 206]
    assert answers[0].headers["retry-after"] == "7"
    assert fault.hits == 2


@pytest.mark.parametrize(
    ("filters", "strikes"),
    [
        ({}, True),
        ({"video_id": VIDEO, "itag": 137, "client": "VISIONOS", "host": "googlevideo"}, True),
        ({"video_id": stand_in.QUICK}, False),
        ({"itag": 140}, False),
        ({"client": "WEB"}, False),
        ({"host": "rr9---"}, False),
        ({"covers": 99_999}, True),
        ({"covers": 100_000}, False),
        ({"starts_from": 0}, True),
        ({"starts_from": 1}, False),
    ],
)
def test_filters(youtube: YouTube, client: httpx.Client, url: str, filters: dict[str, int], strikes: bool) -> None:
    fault = youtube.fault(Fault("media", stand_in.Status(503), **filters))  # type: ignore[arg-type]
    assert get(client, url).status_code == (503 if strikes else 206)
    assert fault.hits == strikes
    fault.remove()
    assert get(client, url).status_code == 206


def test_sibling_redirect_ends_at_the_sibling(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Redirect()))
    answer = client.get(url, headers={"Range": "bytes=0-9"}, follow_redirects=True)
    assert answer.content == youtube.media(VIDEO, 137).read(0, 10)
    first, second = (request.host for request in youtube.requests.media)
    assert first != second
    assert second.endswith(".googlevideo.com")


def test_redirect_loop(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Redirect("loop")))
    with pytest.raises(httpx.TooManyRedirects):
        client.get(url, follow_redirects=True)


def test_foreign_redirect_is_refused_and_recorded(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Redirect("foreign")))
    with pytest.raises(httpx.ProxyError, match="403"):
        client.get(url, follow_redirects=True)
    assert [request.host for request in youtube.requests.leaving] == ["media.attacker.example"]
    youtube.clear()


@pytest.mark.parametrize(
    ("effect", "outcome"),
    [
        (stand_in.Reset(), (0, False)),
        (stand_in.ShortBody(5000), (5000, False)),
        (stand_in.WrongLength(+10), (100_000, False)),
        (stand_in.WrongLength(-10), (99_990, True)),
        (stand_in.LongBody(10), (100_000, True)),
        (stand_in.LongBody(10, is_declared=True), (100_010, True)),
    ],
)
def test_broken_bodies(
    youtube: YouTube, client: httpx.Client, url: str, effect: stand_in.Effect, outcome: tuple[int, bool]
) -> None:
    youtube.fault(Fault("media", effect, times=1))
    assert received(client, url) == outcome


def test_reset_is_no_orderly_end(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Reset(5000)))
    with client.stream("GET", url) as answer:
        connection = answer.extensions["network_stream"].get_extra_info("socket")
        youtube.requests.wait_for(lambda requests: requests[-1].ended is not None)
        with pytest.raises(ConnectionResetError):  # below TLS, which may call a reset an unexpected end
            all(iter(lambda: socket.socket.recv(connection, 65536), b""))


def test_wrong_labels(youtube: YouTube, client: httpx.Client, url: str) -> None:
    fault = youtube.fault(Fault("media", stand_in.WrongRange("bytes 5-9/10")))
    assert get(client, url).headers["content-range"] == "bytes 5-9/10"
    fault.remove()
    fault = youtube.fault(Fault("media", stand_in.WrongRange()))
    assert "content-range" not in get(client, url).headers
    fault.remove()
    youtube.fault(Fault("media", stand_in.ShiftedRange(3)))
    answer = get(client, url, 10, 19)
    assert answer.headers["content-range"].startswith("bytes 13-19/")
    assert answer.content == youtube.media(VIDEO, 137).read(13, 20)


def test_other_totals_and_codings(youtube: YouTube, client: httpx.Client, url: str) -> None:
    size = youtube.media(VIDEO, 137).size
    for by, total in ((7, size + 7), (None, "*")):
        fault = youtube.fault(Fault("media", stand_in.OtherTotal(by)))
        assert get(client, url, 10, 19).headers["content-range"] == f"bytes 10-19/{total}"
        fault.remove()
    youtube.fault(Fault("media", stand_in.Encoded("sluice")))
    assert get(client, url).headers["content-encoding"] == "sluice"


def test_urls_that_have_expired_by_a_moment(youtube: YouTube, client: httpx.Client, url: str) -> None:
    expire = int(httpx.URL(url).params["expire"])
    fault = youtube.fault(Fault("media", stand_in.Expired(expire - 1)))
    assert get(client, url).status_code == 206
    fault.remove()
    youtube.fault(Fault("media", stand_in.Expired(expire)))
    assert get(client, url).status_code == 403


def test_a_range_that_is_moved_is_as_long(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.ShiftedRange(-3, is_as_long=True)))
    answer = get(client, url, 10, 19)
    assert answer.headers["content-range"].startswith("bytes 7-16/")
    assert answer.content == youtube.media(VIDEO, 137).read(7, 17)


def test_ignored_range(youtube: YouTube, client: httpx.Client) -> None:
    youtube.fault(Fault("media", stand_in.IgnoredRange()))
    answer = get(client, youtube.url(stand_in.QUICK, 140), 5, 9)
    assert (answer.status_code, len(answer.content)) == (200, youtube.media(stand_in.QUICK, 140).size)


def test_stall_until_released(youtube: YouTube, client: httpx.Client, url: str) -> None:
    fault = youtube.fault(Fault("media", stand_in.Stall(5000)))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, client, url)
        youtube.requests.wait_for(lambda requests: any(request.bytes_sent == 5000 for request in requests))
        assert not answer.done()
        fault.release()
        assert answer.result().content == youtube.media(VIDEO, 137).read(0, 100_000)


def test_no_stall_behind_the_last_byte(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Stall(1000)))
    assert [len(get(client, url, 0, 999).content) for _ in range(2)] == [1000, 1000]
    youtube.requests.wait_for(lambda requests: all(request.ended for request in requests))


def test_stall_ends_when_the_client_leaves(youtube: YouTube, trust: ssl.SSLContext, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Stall()))
    with (
        httpx.Client(proxy=youtube.http_proxy, verify=trust, timeout=httpx.Timeout(10, read=0.05)) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        get(client, url)
    youtube.requests.wait_for(lambda requests: all(request.ended for request in requests))


@pytest.mark.parametrize("is_shared", [False, True])
def test_slow_body(youtube: YouTube, client: httpx.Client, url: str, is_shared: bool) -> None:
    youtube.fault(Fault("media", stand_in.Slow(200_000, is_shared=is_shared)))
    with ThreadPoolExecutor(2) as pool:
        began = time.monotonic()
        list(pool.map(lambda _: get(client, url, 0, 39_999), range(2)))
    assert (time.monotonic() - began > 0.33) is is_shared
    assert max(request.concurrency for request in youtube.requests.media) == 2


def test_delay(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.Delay(0.2)))
    assert get(client, url).elapsed.total_seconds() >= 0.2


def test_removed_fault_delays_no_longer(youtube: YouTube, client: httpx.Client, url: str) -> None:
    fault = youtube.fault(Fault("media", stand_in.Delay(600)))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, client, url)
        youtube.requests.wait_for(lambda requests: any(request.status for request in requests))
        fault.remove()
        assert answer.result().status_code == 206


def test_refused_past_the_first_bytes(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.RefusedPast(1 << 20)))
    assert get(client, url, 0, (1 << 20) - 1).status_code == 206
    assert get(client, url, 0, 1 << 20).status_code == 403
    assert client.get(url).status_code == 403
    assert client.head(url).status_code == 403


def test_refused_forms(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.RefusedForm(longest=1000)))
    assert [client.head(url).status_code, client.get(url).status_code, get(client, url, 0, 1000).status_code] == [403] * 3
    assert get(client, url, 0, 999).status_code == 206


def test_token_required(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.TokenRequired(rejected=frozenset({"stale"}))))
    assert [get(client, url + token).status_code for token in ("", "&pot=stale", "&pot=fresh")] == [403, 403, 206]
    assert [request.has_po_token for request in youtube.requests.media] == [False, True, True]


def test_address_binding(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("media", stand_in.AddressBound()))
    assert get(client, url).status_code == 206
    youtube.exit_address = "203.0.113.9"
    assert get(client, url).status_code == 403
    assert get(client, youtube.url(VIDEO, 137)).status_code == 206


def test_source_changed(youtube: YouTube, client: httpx.Client, url: str) -> None:
    before = get(client, url)
    youtube.fault(Fault("media", stand_in.SourceChanged(after=50_000)))
    after = get(client, url)
    assert after.headers["last-modified"] != before.headers["last-modified"]
    assert after.headers["content-range"] != before.headers["content-range"]
    assert after.content[:50_000] == before.content[:50_000]
    assert after.content[50_000] != before.content[50_000]


def test_bad_certificate(youtube: YouTube, client: httpx.Client, url: str) -> None:
    fault = youtube.fault(Fault("connect", stand_in.BadCertificate(), host="googlevideo"))
    with pytest.raises(httpx.ConnectError, match="certificate"):
        get(client, url)
    assert client.get("https://www.youtube.com/").status_code == 200
    fault.remove()
    assert get(client, url).status_code == 206


def test_name_that_does_not_resolve(youtube: YouTube, client: httpx.Client, url: str) -> None:
    youtube.fault(Fault("connect", stand_in.Unreachable(), host="googlevideo"))
    with pytest.raises(httpx.ProxyError, match="502"):
        get(client, url)
    assert youtube.requests.of("connect")[0].status == 502


def test_name_that_does_not_resolve_by_socks(youtube: YouTube) -> None:
    youtube.fault(Fault("connect", stand_in.Unreachable(), host="www"))
    assert ask_socks(youtube, *LOGIN, b"\x05\x01\x00\x03\x0fwww.youtube.com\x01\xbb")[1] == HOST_UNREACHABLE


@pytest.mark.parametrize("user", ["", "alice:wrong@"])
def test_wrong_credentials(youtube: YouTube, trust: ssl.SSLContext, url: str, user: str) -> None:
    proxy = f"http://{user}127.0.0.1:{youtube.port}"
    with httpx.Client(proxy=proxy, verify=trust) as client, pytest.raises(httpx.ProxyError, match="407"):
        get(client, url)
    assert [request.status for request in youtube.requests.of("proxy")] == [407]


@pytest.mark.parametrize(
    ("messages", "answer"), [([b"\x05\x01\x00"], b"\x05\xff"), ([b"\x05\x01\x02", b"\x01\x05alice\x05wrong"], b"\x01\x01")]
)
def test_wrong_credentials_by_socks(youtube: YouTube, messages: list[bytes], answer: bytes) -> None:
    assert ask_socks(youtube, *messages) == answer
    requests = youtube.requests.wait_for(bool)
    assert [(request.kind, request.status) for request in requests] == [("proxy", 407)]


def test_other_credentials_from_now_on(youtube: YouTube, trust: ssl.SSLContext, url: str) -> None:
    before = youtube.http_proxy
    youtube.require_credentials("bob", "other")
    with httpx.Client(proxy=before, verify=trust) as client, pytest.raises(httpx.ProxyError, match="407"):
        get(client, url)
    with httpx.Client(proxy=youtube.http_proxy, verify=trust) as client:
        assert get(client, url).status_code == 206


def test_proxy_dies_and_returns(youtube: YouTube, trust: ssl.SSLContext, url: str) -> None:
    with httpx.Client(proxy=youtube.http_proxy, verify=trust) as client:
        assert get(client, url).status_code == 206
        youtube.stop_listening()
        for _ in range(2):  # the pooled connection is broken, a new one refused
            with pytest.raises(httpx.TransportError):
                get(client, url)
        youtube.clear()  # listens again
        assert get(client, url).status_code == 206


@pytest.mark.parametrize(
    "address", ["http://www.youtube.com/", "https://example.org/", "https://youtube.com.evil.example/", "https://127.0.0.1/"]
)
def test_attempts_to_leave(youtube: YouTube, client: httpx.Client, address: str) -> None:
    if address.startswith("https"):
        with pytest.raises(httpx.ProxyError, match="403"):
            client.get(address)
    else:
        assert client.get(address).status_code == 403
    assert [request.host for request in youtube.requests.leaving] == [httpx.URL(address).host]
    youtube.clear()


def test_socks_with_an_address_is_an_attempt_to_leave(youtube: YouTube) -> None:
    assert ask_socks(youtube, *LOGIN, b"\x05\x01\x00\x01\x7f\x00\x00\x01\x01\xbb")[1] == NOT_ALLOWED
    assert [request.host for request in youtube.requests.leaving] == ["127.0.0.1"]
    youtube.clear()


def test_log(youtube: YouTube, client: httpx.Client, url: str) -> None:
    get(client, url, 5, 9)
    get(client, url, 10, 19)
    youtube.requests.wait_for(lambda requests: all(request.ended for request in requests))
    first, second = youtube.requests.media
    assert (first.video_id, first.itag, first.range, first.status, first.bytes_sent) == (VIDEO, 137, (5, 9), 206, 5)
    assert first.connection == second.connection
    assert first.ended is not None
    assert first.started <= first.ended <= second.started
    assert first.concurrency == second.concurrency == 1
    youtube.clear()
    assert len(youtube.requests) == 0


def test_extra_hosts() -> None:
    answers = {"jnn-pa.googleapis.com": lambda request: stand_in.as_json({"asked": request.path})}
    with YouTube.running(extras=answers) as youtube:
        trust = ssl.create_default_context(cafile=youtube.ca_file)
        with httpx.Client(proxy=youtube.http_proxy, verify=trust) as client:
            assert client.get("https://jnn-pa.googleapis.com/there").json() == {"asked": "/there"}
        assert youtube.requests[0].kind == "extra"
