"""Who is who behind the edge: nobody dodges a limit or uses up another one's, nor leads links astray, nor borrows a cookie."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace

import functions.analyze.app
import functions.stream.app
from shared.access import COOKIE
from shared.links import LIFETIME, Links
from shared.settings import RateLimit, Settings, networks
from tests.edges import EDGES, NAMES, page_in
from tests.serving import serving

KEY: Final = "the access key of ours"
LIMIT: Final = 3
VIDEO: Final = {"url": "https://youtu.be/dQw4w9WgXcQ"}
EDGE: Final = "127.0.0.1"
"""Where the edges ask from. Clients ask from other addresses of the loopback."""

ATTACKER: Final = "127.0.0.66"
VICTIM: Final = "127.0.0.77"
GUESSER: Final = "127.0.0.88"
FORGED: Final[list[Callable[[str], dict[str, str]]]] = [
    lambda address: {"X-Forwarded-For": address},
    lambda address: {"X-Forwarded-For": f"{address}, {EDGE}"},
    lambda address: {"X-Forwarded-For": f"{address}, {EDGE}, {EDGE}"},
    lambda address: {"X-Forwarded-For": f'"{address}"'},
    lambda address: {"X-Forwarded-For": f"[::ffff:{address}]:80"},
    lambda address: {"x-forwarded-for": address, "Connection": "X-Forwarded-For"},
    lambda address: {"X-Real-IP": address, "True-Client-IP": address, "CF-Connecting-IP": address, "X-Client-IP": address},
    lambda address: {"Forwarded": f"for={address};host=evil.example;proto=https"},
    lambda address: {"X_Forwarded_For": address},
]


NAMED: Final[dict[str, list[str]]] = {
    "direct": [],
    "caddy": ["caddy"],
    "nginx": ["nginx"],
    "nginx before caddy": ["caddy", "nginx"],
}


@asynccontextmanager
async def behind(
    name: str, settings: Settings, folder: Path, *, create_app: Callable[[Settings], Litestar] = functions.analyze.app.create_app
) -> AsyncIterator[str]:
    """A real function, alone or behind an edge that it trusts."""
    trusting = replace(settings, trusted_proxies=networks(f"{EDGE}/32"))
    async with serving(create_app(trusting), trusting) as url:
        with ExitStack() as edges:
            addresses = [url]
            for edge in NAMED[name]:
                behind_it = dict.fromkeys(NAMES, addresses[-1])
                addresses.append(edges.enter_context(EDGES[edge](page_in(folder / edge), behind_it)).url)
            yield addresses[-1]


def client_at(address: str, base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, transport=httpx.AsyncHTTPTransport(local_address=address))


@pytest.fixture(params=NAMED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_no_header_dodges_a_limit_or_uses_up_another_one_s(name: str, settings: Settings, tmp_path: Path) -> None:
    async with (
        behind(name, replace(settings, rate_limit=RateLimit(LIMIT, 3600)), tmp_path) as base,
        client_at(ATTACKER, base) as attacker,
        client_at(VICTIM, base) as victim,
    ):
        statuses = [(await attacker.post("/v1/analyze", json=VIDEO)).status_code for _ in range(LIMIT + 1)]
        assert statuses == [*[202] * LIMIT, 429]
        for number, forged in enumerate(FORGED):
            for address in (VICTIM, f"198.51.100.{number}"):
                answer = await attacker.post("/v1/analyze", json=VIDEO, headers=forged(address))
                assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited"), forged(address)
        answer = await victim.post("/v1/analyze", json=VIDEO)
        assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (202, str(LIMIT - 1))


@pytest.mark.parametrize("public_url", [None, "https://sluice.example/video"])
async def test_no_forged_host_leads_a_link_astray(name: str, public_url: str | None, settings: Settings, tmp_path: Path) -> None:
    changed = replace(settings, public_url=public_url, root_path="/video" if public_url else "", access_key=KEY)
    base = public_url or ""
    forgeries: list[dict[str, str]] = [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "81", "X-Forwarded-Prefix": "/evil"},
        {
            "Forwarded": "host=evil.example",
            "X-Original-URL": "http://evil.example/",
            "X-Rewrite-URL": "/evil",
            "X-Host": "evil.example",
        },
    ]
    async with behind(name, changed, tmp_path) as url, client_at(ATTACKER, url) as client:
        for forged in forgeries:
            answer = await client.post("/v1/analyze", json=VIDEO, headers={"Authorization": f"Bearer {KEY}", **forged})
            assert "evil" not in answer.text + str(answer.headers)
            assert answer.status_code == 202
            assert answer.headers["location"] == f"{base}/v1/status/{answer.json()['task_id']}"
        odd = await client.get("/v1/session", headers={"Host": "evil.example:80@localhost"})
        assert "evil" not in odd.text + str(odd.headers)


async def test_a_cookie_writes_for_nobody_but_our_own_pages(name: str, settings: Settings, tmp_path: Path) -> None:
    async with behind(name, replace(settings, access_key=KEY), tmp_path) as base, client_at(VICTIM, base) as client:
        opened = await client.post("/v1/session", json={"key": KEY}, headers={"Origin": base})
        assert opened.status_code == 204
        assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in opened.headers["set-cookie"].split(";")}
        assert client.cookies[COOKIE]
        assert (await client.post("/v1/analyze", json=VIDEO, headers={"Origin": base})).status_code == 202
        body = b'{"url": "dQw4w9WgXcQ"}'
        for headers in (
            {"Content-Type": "application/json", "Origin": "https://evil.example"},
            {"Content-Type": "application/json", "Origin": "null"},
            {"Content-Type": "application/json", "Origin": f"{base}.evil.example"},
            {"Content-Type": "application/json", "Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
            {"Content-Type": "application/json", "Origin": base, "Sec-Fetch-Site": "cross-site"},
            {"Content-Type": "application/json", "Referer": f"{base}/"},
            {"Content-Type": "application/json"},
        ):
            answer = await client.post("/v1/analyze", content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_origin"), headers
            assert "access-control-allow-origin" not in answer.headers
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            answer = await client.post("/v1/analyze", content=body, headers={"Content-Type": kind, "Origin": base})
            assert answer.status_code == 415, kind
        override = {"X-HTTP-Method-Override": "POST", "Origin": "https://evil.example"}
        assert (await client.get("/v1/analyze", headers=override)).status_code == 405


async def test_nobody_gets_in_without_the_key(name: str, settings: Settings, tmp_path: Path) -> None:
    """The edge's own address opens nothing, nor does what looks like it."""
    attempts: list[dict[str, Any]] = [
        {},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-User": "admin", "Remote-User": "admin", "X-Forwarded-Access-Token": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
        {"Cookie": f"{COOKIE}={KEY}"},
        {"Cookie": f"{COOKIE}=; {COOKIE}=1800000000.{'0' * 64}"},
    ]
    async with behind(name, replace(settings, access_key=KEY), tmp_path) as base, client_at(ATTACKER, base) as client:
        for headers in attempts:
            answer = await client.post("/v1/analyze", json=VIDEO, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), headers
        async with client_at(GUESSER, base) as guesser:
            forged = [FORGED[0](f"198.51.100.{number}") for number in range(11)]
            wrong = [await guesser.post("/v1/session", json={"key": "wrong"}, headers=headers) for headers in forged]
        assert [answer.status_code for answer in wrong] == [*[401] * 10, 429]


async def test_no_forged_or_old_link_opens_anything(name: str, settings: Settings, tmp_path: Path) -> None:
    """Not one that was good, nor one that was good for something else."""
    locked = replace(settings, access_key=KEY)
    good = Links(locked).stream("dQw4w9WgXcQ", "137", "0" * 16)
    later = str(int(time.time()) + 30 * 86_400)
    forged = [
        Links(locked).stream("dQw4w9WgXcQ", "137", "0" * 16, now=time.time() - LIFETIME - 3601),
        Links(replace(locked, access_key=f"{KEY}!")).stream("dQw4w9WgXcQ", "137", "0" * 16),
        Links(replace(locked, secret_key="t" * 32)).stream("dQw4w9WgXcQ", "137", "0" * 16),
        good.replace("dQw4w9WgXcQ", "dQw4w9WgXcR"),
        good.replace("/137", "/138"),
        good.replace("/137", "/thumbnail"),
        good.replace("version=0", "version=1"),
        re.sub("expires=[0-9]+", f"expires={later}", good),
        re.sub("expires=[0-9]+&", "", good),
        re.sub("signature=.*", "signature=", good),
        re.sub("signature=.*", f"signature={'0' * 32}", good),
        good.upper().replace("/V1/STREAM/DQW4W9WGXCQ", "/v1/stream/dQw4w9WgXcQ"),
    ]
    async with (
        behind(name, locked, tmp_path, create_app=functions.stream.app.create_app) as base,
        client_at(ATTACKER, base) as client,
    ):
        for link in forged:
            for method in ("GET", "HEAD"):
                assert (await client.request(method, link)).status_code in {401, 403}, link
