"""Bad input gets a clear error with a stable code; nothing is lost, and no request leaves the system."""

import random
import string
from typing import Any

import pytest

from tests.stack import Stack
from tests.youtube import YouTube

ID = "dQw4w9WgXcQ"
URLS = 10_000


def generated(chance: random.Random) -> str:
    """An address that is nearly one of a video, and is not."""
    host = chance.choice(["www.youtube.com", "youtube.com", "youtu.be", "m.youtube.com"])
    lookalikes = [
        f"{host}.evil.example",
        f"{host}@evil.example",
        f"evil.example#{host}",
        f"evil.example\\@{host}",
        f"user:pass@{host}",
        f"{host}:8080",
        host.replace("o", "о"),  # Cyrillic
        host.replace(".", "。"),
        f"xn--{host}",
        f"{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
        f"[::ffff:{chance.randrange(65536):x}:{chance.randrange(65536):x}]",
        str(chance.randrange(2**32)),
        hex(chance.randrange(2**32)),
        "".join(chance.choices(string.ascii_lowercase, k=12)) + ".com",
        "vimeo.com",
        "localhost",
        "metadata.google.internal",
    ]
    scheme = chance.choice(["https", "http", "ftp", "file", "javascript", "gopher", ""])
    path = chance.choice(
        [f"/watch?v={ID}", f"/shorts/{ID}", f"/{ID}", f"/embed/{ID}", "/", f"/watch?v={ID}%00", f"/watch?v={ID}\r\nX: y"]
    )
    return f"{scheme}://{chance.choice(lookalikes)}{path}"


def test_ten_thousand_addresses_that_are_not_videos(stack: Stack, youtube: YouTube) -> None:
    chance = random.Random(20261124)
    for _ in range(URLS):
        answer = stack.submit(generated(chance))
        assert (answer.status_code, answer.json()["code"]) == (422, "unsupported_url")
    assert len(youtube.requests) == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"\xff\xfe", 400, "invalid_json"),
        (b"[]", 422, "invalid_request"),
        (b"{}", 422, "invalid_request"),
        (b'{"url": 5}', 422, "invalid_request"),
        (b'{"url": null}', 422, "invalid_request"),
        (b'{"url": ""}', 422, "invalid_request"),
        (b'{"url": "dQw4w9WgXcQ", "refresh": "yes"}', 422, "invalid_request"),
        (b'{"url": "dQw4w9WgXcQ", "format": "137"}', 422, "invalid_request"),
        (b'{"url": "' + b"x" * 3000 + b'"}', 422, "invalid_request"),
        (b'{"url": "' + b"x" * 100_000 + b'"}', 413, "too_large"),
        (b"[" * 5000, 400, "invalid_json"),
    ],
)
def test_a_bad_body_is_named(stack: Stack, body: bytes, status: int, code: str) -> None:
    answer = stack.http.post(f"{stack.part('analyze').base}/v1/analyze", content=body, headers={"Content-Type": "application/json"})
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= set(problem)


@pytest.mark.parametrize(
    ("part", "method", "path", "status", "code"),
    [
        ("analyze", "GET", "/v1/analyze", 405, "method_not_allowed"),
        ("analyze", "GET", "/nowhere", 404, "not_found"),
        ("status", "GET", "/v1/status/nobody", 404, "unknown_task"),
        ("status", "GET", f"/v1/status/{'x' * 5000}", 404, "unknown_task"),
        ("status", "GET", "/v1/status/nobody?wait=31", 422, "invalid_request"),
        ("status", "GET", "/v1/status/nobody?wait=soon", 422, "invalid_request"),
        ("status", "GET", "/v1/status/events", 422, "invalid_request"),
        ("status", "GET", "/v1/status/events?" + "&".join(f"task_id={number}" for number in range(51)), 422, "invalid_request"),
        ("stream", "GET", "/v1/stream/short/137", 404, "unknown_format"),
        ("stream", "POST", f"/v1/stream/{ID}/137", 405, "method_not_allowed"),
        ("stream", "GET", f"/v1/stream/{ID}/..%2f..%2fetc", 404, None),
        ("stream", "GET", f"/v1/stream/{ID}/137?version=nothex", 422, None),
    ],
)
def test_a_bad_request_is_named(
    stack: Stack, youtube: YouTube, part: Any, method: str, path: str, status: int, code: str | None
) -> None:
    answer = stack.http.request(method, stack.part(part).base + path)
    assert answer.headers["Content-Type"] == "application/problem+json"
    if code is not None:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert 400 <= answer.status_code < 500
    assert not youtube.requests.leaving


def test_another_type_of_body_is_refused(stack: Stack) -> None:
    answer = stack.http.post(f"{stack.part('analyze').base}/v1/analyze", content=b"url=x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
