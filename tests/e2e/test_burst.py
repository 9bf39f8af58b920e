"""A thousand people at once: nobody is refused, nothing blocks."""

import asyncio
import json
from collections.abc import Callable

import pytest
import redis

from bench.burst import burst, post
from tests.stack import Stack
from tests.youtube import Delay, Fault, YouTube, catalogue

PEOPLE = 1000


@pytest.mark.parametrize("videos", [PEOPLE, 1])
def test_a_thousand_submissions_at_once(new_stack: Callable[..., Stack], videos: int) -> None:
    stack = new_stack()
    analyze = stack.start("analyze")
    bodies = [json.dumps({"url": f"https://youtu.be/burst{number % videos:06d}"}).encode() for number in range(PEOPLE)]
    result = asyncio.run(burst(analyze.port, [post("/v1/analyze", body) for body in bodies]))
    assert result.statuses == {202: PEOPLE}
    with redis.Redis.from_url(stack.store.url) as client:
        assert client.zcard("queue:pending") == videos


def test_a_thousand_people_with_one_video_are_one_extraction(stack: Stack, youtube: YouTube) -> None:
    slow = youtube.fault(Fault("page", Delay(2)))
    body = json.dumps({"url": catalogue.QUICK}).encode()
    result = asyncio.run(burst(stack.part("analyze").port, [post("/v1/analyze", body)] * PEOPLE))
    assert result.statuses == {202: PEOPLE}
    assert stack.analyzed(catalogue.QUICK)["state"] == "completed"
    assert slow.hits == 1


def test_beyond_the_bound_people_are_told_when_to_come_back(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack(MAX_QUEUE_LENGTH="2")
    stack.start("analyze")
    answers = [stack.submit(f"bound{number:06d}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 503]
    assert answers[-1].json()["code"] == "queue_full"
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_client_has_a_limit_and_sees_it(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack(RATE_LIMIT="2/minute")
    stack.start("analyze")
    answers = [stack.submit("limited0001") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert [answer.headers.get("RateLimit-Remaining") for answer in answers[:2]] == ["1", "0"]
    assert answers[-1].json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
