"""The access key becomes a cookie, for nobody but pages of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.di import Provide
from msgspec.structs import replace

from shared.access import COOKIE, Access, session_handlers
from shared.settings import RateLimit, Settings, networks
from shared.store import Store, open_store
from shared.web import build_app
from tests.serving import serving

KEY = "the access key of ours"
JSON = {"Content-Type": "application/json"}


@get("/v1/secret")
async def secret() -> str:
    return "welcome"


@post("/v1/change", status_code=200)
async def change() -> str:
    return "changed"


def provide_store(state: State) -> Store:
    store: Store = state.store
    return store


async def ready(app: Litestar) -> None:
    await provide_store(app.state).ping()


def app_for(settings: Settings) -> Litestar:
    @asynccontextmanager
    async def resources(app: Litestar) -> AsyncIterator[None]:
        async with open_store(settings) as store:
            app.state.store = store
            yield

    return build_app(
        name="demo",
        settings=settings,
        route_handlers=[secret, change, *session_handlers(settings)],
        lifespan=[resources],
        dependencies={"store": Provide(provide_store, sync_to_thread=False)},
        readiness=ready,
    )


@asynccontextmanager
async def client_for(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app_for(settings), settings) as base, httpx.AsyncClient(base_url=base) as client:
        yield client


@pytest.fixture
def guarded(settings: Settings) -> Settings:
    return replace(settings, access_key=KEY, trusted_proxies=networks("127.0.0.0/8"))


@pytest.fixture
async def client(guarded: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_for(guarded) as opened:
        yield opened


def origin_of(client: httpx.AsyncClient) -> str:
    return str(client.base_url).rstrip("/")


def cookie_of(response: Any) -> Morsel[str]:
    cookies: SimpleCookie = SimpleCookie(response.headers["set-cookie"])
    return cookies[COOKIE]


async def test_the_whole_way(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/session")).json() == {"is_required": True, "is_authenticated": False}
    assert (await client.get("/v1/secret")).status_code == 401
    page = {"Origin": origin_of(client), "Sec-Fetch-Site": "same-origin"}
    opened = await client.post("/v1/session", json={"key": KEY}, headers=page)
    assert (opened.status_code, opened.content) == (204, b"")
    assert (await client.get("/v1/session")).json() == {"is_required": True, "is_authenticated": True}
    assert (await client.get("/v1/secret")).text == "welcome"
    closed = await client.request("DELETE", "/v1/session", headers=page | JSON)
    assert (closed.status_code, cookie_of(closed).value, cookie_of(closed)["max-age"]) == (204, "", "0")
    assert (await client.get("/v1/secret")).status_code == 401


async def test_the_cookie(client: httpx.AsyncClient, guarded: Settings) -> None:
    cookie = cookie_of(await client.post("/v1/session", json={"key": KEY}))
    assert Access(guarded).is_cookie(cookie.value)
    assert KEY not in cookie.value
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(30 * 86_400)
    assert not cookie["secure"]
    assert not cookie["domain"]


async def test_the_cookie_below_a_root(guarded: Settings) -> None:
    async with client_for(replace(guarded, root_path="/sluice")) as client:
        for path in ("/v1/session", "/sluice/v1/session"):
            assert (
                cookie_of(await client.post(path, json={"key": KEY}, headers={"Sec-Fetch-Site": "same-origin"}))["path"]
                == "/sluice"
            )


@pytest.mark.parametrize(
    ("headers", "is_secure"),
    [
        ({}, False),
        ({"X-Forwarded-Proto": "https"}, True),
        ({"X-Forwarded-Proto": "http"}, False),
        ({"Origin": "https://{host}"}, True),
        ({"Origin": "http://{host}", "X-Forwarded-Proto": "https"}, False),  # the browser knows best how it got here
    ],
)
async def test_secure_when_the_browser_speaks_https(client: httpx.AsyncClient, headers: dict[str, str], is_secure: bool) -> None:
    host = client.base_url.netloc.decode()
    sent = {name: value.format(host=host) for name, value in headers.items()}
    assert bool(cookie_of(await client.post("/v1/session", json={"key": KEY}, headers=sent))["secure"]) is is_secure


async def test_only_our_proxies_say_how_the_browser_got_here(guarded: Settings) -> None:
    async with client_for(replace(guarded, trusted_proxies=())) as client:
        response = await client.post("/v1/session", json={"key": KEY}, headers={"X-Forwarded-Proto": "https"})
        assert not cookie_of(response)["secure"]


@pytest.mark.parametrize("key", ["", "wrong", KEY + " ", KEY.upper(), "é" * 10])
async def test_a_wrong_key(client: httpx.AsyncClient, key: str) -> None:
    response = await client.post("/v1/session", json={"key": key})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "OURS"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Cookie": "other=1"}, False),
        ({"Cookie": "other=1", "Origin": "OURS"}, True),
        ({"Cookie": "other=1", "Sec-Fetch-Site": "same-origin"}, True),
    ],
)
async def test_other_sites(client: httpx.AsyncClient, method: str, headers: dict[str, str], is_let_in: bool) -> None:
    sent = {name: value.replace("OURS", origin_of(client)) for name, value in headers.items()}
    response = await client.request(method, "/v1/session", json={"key": KEY}, headers=sent)
    assert response.status_code == (204 if is_let_in else 403)
    if not is_let_in:
        assert response.json()["code"] == "forbidden_origin"
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "OURS"}, 200),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://neighbour.example"}, 403),
        ({"Origin": "https://neighbour.example"}, 403),
        ({}, 403),
        ({"Authorization": f"Bearer {KEY}", "Origin": "https://neighbour.example"}, 200),  # no browser adds this by itself
        ({"Authorization": "Basic dXNlcjpwYXNz", "Origin": "https://neighbour.example"}, 403),  # but this it does
    ],
)
async def test_a_cookie_changes_something_for_pages_of_ours_only(
    client: httpx.AsyncClient, guarded: Settings, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.replace("OURS", origin_of(client)) for name, value in headers.items()}
    sent["Cookie"] = f"{COOKIE}={Access(guarded).issue()}"
    response = await client.post("/v1/change", json={}, headers=sent)
    assert response.status_code == status
    if status == 403:
        assert response.json()["code"] == "forbidden_origin"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_forms_are_refused(client: httpx.AsyncClient, method: str, media_type: str) -> None:
    response = await client.request(method, "/v1/session", content=b'{"key": "x"}', headers={"Content-Type": media_type})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


async def test_ten_tries_a_minute_for_each_client(client: httpx.AsyncClient) -> None:
    for _ in range(10):
        assert (await client.post("/v1/session", json={"key": "wrong"})).status_code == 401
    refused = await client.post("/v1/session", json={"key": KEY})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    elsewhere = await client.post("/v1/session", json={"key": KEY}, headers={"X-Forwarded-For": "198.51.100.1"})
    assert elsewhere.status_code == 204


def offering(key: str, *, client: str = "198.51.100.7") -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "X-Forwarded-For": client}


@pytest.mark.parametrize("path", ["/v1/secret", "/v1/session"])
async def test_ten_wrong_keys_a_minute_for_each_client(client: httpx.AsyncClient, guarded: Settings, path: str) -> None:
    for number in range(10):
        answer = await client.get(path, headers=offering(f"wrong {number}"))
        assert (answer.status_code, answer.json().get("is_authenticated")) in {(401, None), (200, False)}
    for key in ("wrong", KEY):  # the right one as well: else the answer would tell
        refused = await client.get(path, headers=offering(key))
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await client.get(path, headers=offering(KEY, client="198.51.100.8"))).status_code == 200
    cookie = {"X-Forwarded-For": "198.51.100.7", "Cookie": f"{COOKIE}={Access(guarded).issue()}"}
    assert (await client.get(path, headers=cookie)).status_code == 200


async def test_the_right_key_is_not_counted(client: httpx.AsyncClient) -> None:
    for _ in range(20):
        assert (await client.get("/v1/secret", headers=offering(KEY))).status_code == 200


async def test_wrong_keys_count_at_every_replica_together(client: httpx.AsyncClient, guarded: Settings) -> None:
    for _ in range(10):
        await client.get("/v1/secret", headers=offering("wrong"))
    async with client_for(guarded) as other:
        assert (await other.get("/v1/secret", headers=offering("wrong"))).status_code == 429
        assert (await other.get("/v1/secret", headers=offering(KEY))).status_code == 429


async def test_what_is_remembered_of_guessers_is_bounded(monkeypatch: pytest.MonkeyPatch, guarded: Settings) -> None:
    monkeypatch.setattr("shared.guesses.REMEMBERED", 1)
    monkeypatch.setattr("shared.guesses.TRIES", RateLimit(1, 60))
    async with client_for(guarded) as client:
        for address in ("198.51.100.1", "198.51.100.2", "198.51.100.3"):
            answers = [(await client.get("/v1/secret", headers=offering("wrong", client=address))).status_code for _ in range(3)]
            assert answers == [401, 429, 429]


@pytest.mark.parametrize("changed", [{"access_key": "another access key"}, {"secret_key": "t" * 32}])
async def test_changing_a_secret_ends_sessions(guarded: Settings, changed: dict[str, str]) -> None:
    headers = {"Cookie": f"{COOKIE}={Access(guarded).issue()}"}
    async with client_for(guarded) as client:
        assert (await client.get("/v1/secret", headers=headers)).status_code == 200
    async with client_for(replace(guarded, **changed)) as client:
        assert (await client.get("/v1/secret", headers=headers)).status_code == 401


@pytest.mark.parametrize("value", ["", "x", "1800000000." + "0" * 64, Access(Settings(access_key=KEY)).issue(now=0)])
async def test_forged_and_expired_cookies(client: httpx.AsyncClient, value: str) -> None:
    assert (await client.get("/v1/secret", headers={"Cookie": f"{COOKIE}={value}"})).status_code == 401


async def test_without_an_access_key(settings: Settings) -> None:
    async with client_for(settings) as client:
        assert (await client.get("/v1/session")).json() == {"is_required": False, "is_authenticated": True}
        opened = await client.post("/v1/session", json={"key": "anything"})
        assert (opened.status_code, "set-cookie" in opened.headers) == (204, False)
        assert (await client.get("/v1/secret")).status_code == 200
