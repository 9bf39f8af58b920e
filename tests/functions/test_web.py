"""What every function answers when something is wrong, and what it answers alike."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
import pytest
import structlog
from litestar import Litestar, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from redis.exceptions import ConnectionError as StoreConnectionError
from redis.exceptions import ResponseError

from shared.metrics import Metrics
from shared.problems import CATALOGUE, ProblemError
from shared.schemas import AnalyzeRequest, Problem
from shared.settings import Settings
from shared.web import build_app
from shared.web.observation import Observation, client_digest
from shared.web.root_path import below

KEY = "the access key of ours"
SETTINGS = Settings(secret_key="s" * 32)
GUARDED = replace(SETTINGS, access_key=KEY)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EVIL = "<script>alert('x')"


@get("/v1/demo/fail/{code:str}", codes=("rate_limited",))
async def fail(code: FromPath[str]) -> None:
    raise ProblemError(code, retry_after=7)


@get("/v1/demo/open/{text:str}", navigable=True, access="signature", is_stream=True)
async def opened(text: FromPath[str]) -> None:
    raise ProblemError("unknown_format", f"No such format: {text}", retry_after=3, headers={"Accept-Ranges": "none"})


@get("/v1/demo/crash")
async def crash() -> None:
    raise RuntimeError("with secrets: pot=abc")


@get("/v1/demo/store")
async def store_gone() -> None:
    raise StoreConnectionError("Error 111 connecting to 10.0.0.1:6379")


@get("/v1/demo/script")
async def script_wrong() -> None:
    raise ResponseError("OOM command not allowed")


@get("/v1/demo/query")
async def query(wait: Annotated[int, QueryParameter(ge=0, le=30)], name: Annotated[list[str], QueryParameter(max_items=2)]) -> int:
    return wait + len(name)


@post("/v1/demo", status_code=202)
async def echo(data: JSONBody[AnalyzeRequest]) -> AnalyzeRequest:
    return data


@get("/v1/demo/media", access="signature")
async def media() -> Response[bytes]:
    return Response(b"bytes", media_type="video/mp4", headers={"Cache-Control": "private", "ETag": '"1"', "Vary": "Accept"})


HANDLERS: list[Any] = [fail, opened, crash, store_gone, script_wrong, query, echo, media]


async def ready(app: Litestar) -> None:
    if error := getattr(app.state, "unready", None):
        raise error


def app_for(settings: Settings) -> Litestar:
    return build_app(name="demo", settings=settings, route_handlers=HANDLERS, readiness=ready)


@asynccontextmanager
async def client_for(settings: Settings) -> AsyncIterator[AsyncTestClient[Litestar]]:
    async with AsyncTestClient(app_for(settings)) as client:
        yield client


@pytest.fixture
async def client() -> AsyncIterator[AsyncTestClient[Litestar]]:
    async with client_for(SETTINGS) as opened_client:
        yield opened_client


def problem_of(response: Any) -> Problem:
    """The exact shape: every field, nothing else, status and headers agreeing."""
    assert response.headers["content-type"] == "application/problem+json"
    found = msgspec.json.decode(response.content, type=Problem)
    assert set(response.json()) == {"type", "title", "status", "detail", "code", "retry_after"}
    assert found.status == response.status_code == CATALOGUE[found.code].status
    assert found.title == CATALOGUE[found.code].title
    assert found.type == f"urn:sluice:problem:{found.code}"
    assert response.headers.get("retry-after") == (None if found.retry_after is None else str(found.retry_after))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    return found


async def test_every_code_is_answered_as_the_catalogue_says(client: AsyncTestClient[Litestar]) -> None:
    for code in CATALOGUE:
        found = problem_of(await client.get(f"/v1/demo/fail/{code}"))
        assert (found.code, found.retry_after) == (code, 7)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/", "not_found"),
        ("GET", "/v1/demo/nothing/here", "not_found"),
        ("GET", "/v1/other", "not_found"),
        ("GET", "/../../etc/passwd", "not_found"),
        ("GET", "/v1/demo", "method_not_allowed"),
        ("PUT", "/v1/demo", "method_not_allowed"),
        ("HEAD", "/v1/demo/query", "method_not_allowed"),
        ("GET", "/v1/demo/crash", "internal_error"),
        ("GET", "/v1/demo/store", "store_unavailable"),
        ("GET", "/v1/demo/script", "store_unavailable"),
        ("POST", "/v1/demo", "unsupported_media_type"),
    ],
)
async def test_framework_errors_are_problems(client: AsyncTestClient[Litestar], method: str, path: str, code: str) -> None:
    response = await client.request(method, path)
    if method == "HEAD":
        assert response.status_code == CATALOGUE[code].status
    else:
        assert problem_of(response).code == code


async def test_405_says_what_is_allowed(client: AsyncTestClient[Litestar]) -> None:
    response = await client.put("/v1/demo")
    assert set(response.headers["allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("path", ["/v1/demo/crash", "/v1/demo/store", "/v1/demo/script"])
async def test_nothing_of_an_exception_is_told(client: AsyncTestClient[Litestar], path: str) -> None:
    text = (await client.get(path)).text
    for told in ("Traceback", "RuntimeError", "secrets", "pot=", "10.0.0.1", "OOM"):
        assert told not in text


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (b"", "invalid_json", "The body is empty."),
        (b"{", "invalid_json", None),
        (b"\xff\xfe{}", "invalid_json", None),
        (b'{"url": "\xff"}', "invalid_json", None),
        (b"[" * 16_000, "invalid_json", None),
        (b"{}", "invalid_request", "Object missing required field `url`"),
        (b"[]", "invalid_request", "Expected `object`, got `array`"),
        (b"null", "invalid_request", "Expected `object`, got `null`"),
        (b'{"url": 5}', "invalid_request", "url: Expected `str`, got `int`"),
        (b'{"url": "x", "refresh": 1}', "invalid_request", "refresh: Expected `bool`, got `int`"),
        (b'{"url": "x", "refresh": "true"}', "invalid_request", "refresh: Expected `bool`, got `str`"),
        (b'{"url": "x", "more": 1}', "invalid_request", "Object contains unknown field `more`"),
        (b'{"url": ""}', "invalid_request", "url: Expected `str` of length >= 1"),
        (b'{"url": "' + b"x" * 2049 + b'"}', "invalid_request", "url: Expected `str` of length <= 2048"),
        (b'{"url": "' + b"x" * 17_000 + b'"}', "too_large", None),
    ],
)
async def test_bodies(client: AsyncTestClient[Litestar], body: bytes, code: str, detail: str | None) -> None:
    found = problem_of(await client.post("/v1/demo", content=body, headers={"Content-Type": "application/json"}))
    assert (found.code, found.detail) == (code, detail or CATALOGUE[code].title)


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_accepted(client: AsyncTestClient[Litestar], media_type: str) -> None:
    response = await client.post("/v1/demo", content=b'{"url": "x"}', headers={"Content-Type": media_type})
    assert (response.status_code, response.json()) == (202, {"url": "x", "refresh": False})


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"]
)
async def test_other_types_are_not(client: AsyncTestClient[Litestar], media_type: str) -> None:
    response = await client.post("/v1/demo", content=b'{"url": "x"}', headers={"Content-Type": media_type})
    assert problem_of(response).code == "unsupported_media_type"


@pytest.mark.parametrize(
    ("query_string", "detail"),
    [
        ("name=a", "wait: is required."),
        ("wait=1", "name: is required."),
        ("wait=soon&name=a", "wait: Expected `int`, got `str`"),
        ("wait=31&name=a", "wait: Expected `int` <= 30"),
        ("wait=-1&name=a", "wait: Expected `int` >= 0"),
        ("wait=1&name=a&name=b&name=c", "name: Expected `array` of length <= 2"),
    ],
)
async def test_queries_name_the_parameter(client: AsyncTestClient[Litestar], query_string: str, detail: str) -> None:
    found = problem_of(await client.get(f"/v1/demo/query?{query_string}"))
    assert (found.code, found.detail) == ("invalid_request", detail)


async def test_a_person_gets_a_page(client: AsyncTestClient[Litestar]) -> None:
    response = await client.get(f"/v1/demo/open/{EVIL}", headers={"Accept": BROWSER})
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["retry-after"] == "3"
    assert response.headers["accept-ranges"] == "none"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "The video has no such format." in response.text
    assert "该视频没有这个格式。" in response.text
    assert "<script" not in response.text
    assert "请在 3 秒后重试" in response.text


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/json, text/html;q=0.9", "video/webm,video/*;q=0.9,*/*;q=0.5"]
)
async def test_a_program_gets_a_problem(client: AsyncTestClient[Litestar], accept: str | None) -> None:
    response = await client.get("/v1/demo/open/x", headers={} if accept is None else {"Accept": accept})
    assert problem_of(response).code == "unknown_format"


async def test_only_navigable_routes_have_pages(client: AsyncTestClient[Litestar]) -> None:
    assert problem_of(await client.get("/v1/demo/fail/not_found", headers={"Accept": BROWSER})).code == "not_found"


@pytest.mark.parametrize(
    ("path", "headers", "is_let_in"),
    [
        ("/v1/demo/query?wait=1&name=a", {}, False),
        ("/v1/demo/query?wait=1&name=a", {"Authorization": f"Bearer {KEY}"}, True),
        ("/v1/demo/media", {}, True),
        ("/v1/demo/openapi.json", {}, True),
        ("/healthz", {}, True),
        ("/readyz", {}, True),
        ("/metrics", {}, True),
    ],
)
async def test_access(path: str, headers: dict[str, str], is_let_in: bool) -> None:
    async with client_for(GUARDED) as client:
        response = await client.get(path, headers=headers)
        if is_let_in:
            assert response.status_code == 200
        else:
            assert problem_of(response).code == "unauthorized"
            assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("path", "root", "inner"),
    [
        ("/v1/status/x", "", "/v1/status/x"),
        ("/v1/status/x", "/sluice", "/v1/status/x"),
        ("/sluice/v1/status/x", "/sluice", "/v1/status/x"),
        ("/sluice/healthz", "/sluice", "/healthz"),
        ("/sluicegate/v1", "/sluice", "/sluicegate/v1"),
        ("/sluice/sluice/v1/x", "/sluice", "/sluice/v1/x"),
        ("/a/b/v1/status/x", "/a/b", "/v1/status/x"),
        ("/v1/status/x", "/v1", "/v1/status/x"),
        ("/v1/v1/status/x", "/v1", "/v1/status/x"),
    ],
)
def test_root_path(path: str, root: str, inner: str) -> None:
    assert below(path, root) == inner


async def test_a_proxy_may_strip_the_root_or_pass_it_on() -> None:
    async with client_for(replace(SETTINGS, root_path="/sluice")) as client:
        for path in ("/v1/demo/query?wait=1&name=a", "/sluice/v1/demo/query?wait=1&name=a"):
            assert (await client.get(path)).json() == 2
        assert problem_of(await client.get("/sluice/nothing")).code == "not_found"
        assert (await client.get("/sluice/v1/demo/openapi.json")).json()["servers"] == [{"url": "/sluice"}]


@pytest.mark.parametrize("given", ["abc-123_X.y", "a" * 64])
async def test_a_sane_request_id_is_kept(client: AsyncTestClient[Litestar], given: str) -> None:
    assert (await client.get("/nothing", headers={"X-Request-ID": given})).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "a\tb", "é", '"}'])
async def test_another_one_is_replaced(client: AsyncTestClient[Litestar], given: str) -> None:
    response = await client.get("/healthz", headers=[(b"X-Request-ID", given.encode("latin-1"))])
    assert len(response.headers["x-request-id"]) == 16


async def test_media_keep_their_own_headers(client: AsyncTestClient[Litestar]) -> None:
    response = await client.get("/v1/demo/media")
    assert response.headers["cache-control"] == "private"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in response.headers


async def test_readiness(client: AsyncTestClient[Litestar], monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    for error in (StoreConnectionError("no"), OSError("no"), ValueError("no"), ProblemError("unknown_task")):
        client.app.state["unready"] = error
        assert problem_of(await client.get("/readyz")).code == "store_unavailable"
    assert (await client.get("/healthz")).json() == {"status": "ok"}


CORS = replace(SETTINGS, cors_origins=("https://a.example", "https://b.example"))


async def test_cors() -> None:
    async with client_for(CORS) as client:
        response = await client.get("/v1/demo/media", headers={"Origin": "https://b.example"})
        assert response.headers["access-control-allow-origin"] == "https://b.example"
        exposed = set(response.headers["access-control-expose-headers"].split(", "))
        assert {
            "ETag",
            "Content-Length",
            "Content-Range",
            "Accept-Ranges",
            "Content-Disposition",
            "Last-Modified",
            "Location",
        } <= exposed
        assert {"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= exposed
        assert response.headers.get_list("vary", split_commas=True) == ["Accept", "Origin"]
        assert "access-control-allow-credentials" not in response.headers
        failed = await client.get("/nothing", headers={"Origin": "https://a.example"})
        assert failed.headers["access-control-allow-origin"] == "https://a.example"


@pytest.mark.parametrize("origin", ["https://evil.example", "https://a.example.evil.example", "http://a.example", "null", "*", ""])
async def test_cors_for_nobody_else(origin: str) -> None:
    async with client_for(CORS) as client:
        response = await client.get("/v1/demo/media", headers={"Origin": origin})
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert "Origin" in response.headers["vary"]


async def test_preflight() -> None:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    async with client_for(replace(CORS, access_key=KEY)) as client:
        response = await client.options("/v1/demo/media", headers={"Origin": "https://a.example", **asked})
        assert response.status_code == 204
        assert "Range" in response.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in response.headers
        refused = await client.options("/v1/demo/media", headers={"Origin": "https://evil.example", **asked})
        assert refused.status_code == 204
        assert not [name for name in refused.headers if name.startswith("access-control")]


async def test_options_without_cors(client: AsyncTestClient[Litestar]) -> None:
    response = await client.options("/v1/demo")
    assert (response.status_code, response.headers["allow"]) == (204, "OPTIONS, POST")


async def test_one_line_per_request(client: AsyncTestClient[Litestar]) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.get("/v1/demo/open/secret-path?signature=abc", headers={"X-Forwarded-For": "198.51.100.1"})
        await client.get("/healthz")
    (line,) = [line for line in lines if line["log_level"] == "info"]
    assert set(line) == {"event", "log_level", "method", "route", "status", "bytes", "is_complete", "seconds", "client"}
    assert (line["event"], line["method"], line["route"], line["status"]) == ("request", "GET", "/v1/demo/open/{text}", 404)
    assert line["bytes"] > 0
    assert "secret-path" not in str(lines)


async def test_a_client_that_left_before_its_answer_is_no_failure_of_ours() -> None:
    async def nothing(*_: object) -> Any:
        pass

    metrics = Metrics()
    scope: Any = {"type": "http", "method": "GET", "path": "/v1/demo", "headers": [], "client": ("192.0.2.1", 1)}
    with structlog.testing.capture_logs() as lines:
        await Observation(nothing, settings=Settings(), metrics=metrics)(scope, nothing, nothing)
    assert [(line["event"], line["status"], line["is_complete"]) for line in lines] == [("request", 499, False)]
    assert 'status_class="5xx"' not in (await metrics.exposition()).decode()


def test_a_client_has_one_name_on_every_replica() -> None:
    assert client_digest("s" * 32)("198.51.100.1") == client_digest("s" * 32)("198.51.100.1")
    assert client_digest("s" * 32)("198.51.100.1") != client_digest("t" * 32)("198.51.100.1")
    assert client_digest("")("198.51.100.1") != client_digest("")("198.51.100.1")


async def test_metrics(client: AsyncTestClient[Litestar]) -> None:
    for number in range(20):
        await client.get(f"/v1/demo/fail/{number}")
        await client.get(f"/nothing/{number}")
        await client.get(f"/v1/demo/open/{number}")
        await client.request(f"MADE{number}UP", "/v1/demo/query")
    response = await client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    samples = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert samples['sluice_http_requests_total{method="GET",route="unmatched",status_class="4xx"}'] == "20.0"
    assert samples['sluice_http_requests_total{method="other",route="unmatched",status_class="4xx"}'] == "20.0"
    assert samples['sluice_http_requests_total{method="GET",route="/v1/demo/open/{text}",status_class="4xx"}'] == "20.0"
    assert samples['sluice_http_requests_total{method="GET",route="/v1/demo/fail/{code}",status_class="5xx"}'] == "20.0"
    assert samples['sluice_http_problems_total{code="not_found",route="unmatched"}'] == "20.0"
    assert samples['sluice_http_problems_total{code="unknown_format",route="/v1/demo/open/{text}"}'] == "20.0"
    assert samples["sluice_http_requests_in_flight"] == "1.0"
    assert "process_resident_memory_bytes" in samples
    timed = [name for name in samples if name.startswith("sluice_http_request_duration_seconds_count")]
    assert not [name for name in timed if "open" in name]
    assert len(timed) == 3


async def test_two_apps_do_not_share_counters() -> None:
    async with client_for(SETTINGS) as first, client_for(SETTINGS) as second:
        await first.get("/nothing")
        assert "unmatched" not in (await second.get("/metrics")).text


async def test_openapi(client: AsyncTestClient[Litestar]) -> None:
    document = (await client.get("/v1/demo/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert not {"/healthz", "/readyz", "/metrics", "/v1/demo/openapi.json"} & set(document["paths"])
    operation = document["paths"]["/v1/demo"]["post"]
    assert set(operation["responses"]) == {"202", "400", "401", "403", "413", "415", "422", "429", "500", "503"}
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
    codes = operation["responses"]["400"]["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]
    assert codes == {"enum": ["invalid_json"]}
    schemas = document["components"]["schemas"]
    assert schemas["AnalyzeRequest"]["properties"]["url"]["description"] == "Any form of a YouTube video URL, or its id"
    assert schemas["AnalyzeRequest"]["additionalProperties"] is False
    assert set(schemas["Problem"]["required"]) == {"type", "title", "status", "detail", "code", "retry_after"}
    assert "429" in document["paths"]["/v1/demo/fail/{code}"]["get"]["responses"]


async def test_openapi_says_what_needs_a_key() -> None:
    async with client_for(GUARDED) as client:
        paths = (await client.get("/v1/demo/openapi.json")).json()["paths"]
        assert paths["/v1/demo"]["post"]["security"] == [{"key": []}, {"session": []}]
        assert paths["/v1/demo/media"]["get"]["security"] == [{"signature": []}, {"key": []}, {"session": []}]
    async with client_for(SETTINGS) as client:
        assert json.loads((await client.get("/v1/demo/openapi.json")).content)["paths"]["/v1/demo"]["post"]["security"] == []
