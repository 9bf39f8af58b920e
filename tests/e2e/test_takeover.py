"""No task is lost or stuck, whatever dies: workers by kill -9, at work or waiting, again and again; the store at any moment."""

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.stack import Stack
from tests.youtube import Delay, Fault, Status, YouTube, catalogue

TAKEOVER_SECONDS: Final = 15
PARTS: Final = ("worker", "analyze", "status")


def processing(task: dict[str, Any]) -> bool:
    """A run is at work and has got somewhere."""
    return bool(task["state"] == "processing" and task["progress"]["percent"] > 0)


def is_final(task: dict[str, Any]) -> bool:
    return task["state"] in {"completed", "failed"}


def submitted(stack: Stack, video: str) -> str:
    task_id: str = stack.submit(video).json()["task_id"]
    return task_id


def test_another_worker_takes_over_within_15_seconds(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack()
    stack.start(*PARTS)
    slow = youtube.fault(Fault("page", Delay(30)))
    task_id = submitted(stack, catalogue.QUICK)
    stack.until(lambda: stack.status(task_id), processing)
    stack.start("worker")
    slow.remove()
    stack.part("worker").kill()
    killed = time.monotonic()
    taken = stack.until(lambda: stack.status(task_id), lambda task: task["attempt"] == 2 or is_final(task))
    assert time.monotonic() - killed < TAKEOVER_SECONDS
    assert taken["attempt"] == 2
    assert stack.finished(task_id)["state"] == "completed"


def test_a_busy_worker_takes_over_within_15_seconds(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    """Every slot is taken, one of them by the worker that is left, and more tasks wait before and behind."""
    stack = new_stack(MAX_CONCURRENT_ANALYSES="2")
    stack.start(*PARTS)
    slow = youtube.fault(Fault("page", Delay(120), video_id=catalogue.LARGE))
    first = submitted(stack, catalogue.LARGE)
    stack.until(lambda: stack.status(first), processing)
    stack.start("worker")
    busy = youtube.fault(Fault("page", Delay(120), video_id=catalogue.QUICK))
    with stack.part("worker").frozen():  # the other one gets what comes now
        second = submitted(stack, catalogue.QUICK)
        stack.until(lambda: busy.hits, lambda hits: hits >= 1)
        waiting = [submitted(stack, video) for video in (catalogue.ORDINARY, catalogue.CAPTIONS, catalogue.CHAPTERS)]
        assert stack.status(first)["state"] == stack.status(second)["state"] == "processing"
        assert [stack.status(task_id)["queue_position"] for task_id in waiting] == [1, 2, 3]
        slow.remove()
        stack.part("worker").kill()
        killed = time.monotonic()
    taken = stack.until(lambda: stack.status(first), lambda task: task["attempt"] == 2 or is_final(task))
    assert time.monotonic() - killed < TAKEOVER_SECONDS
    assert taken["attempt"] == 2
    assert (stack.status(second)["state"], stack.status(second)["attempt"]) == ("processing", 1), "it is busy all the while"
    busy.remove()
    for task_id in (first, second, *waiting):
        assert stack.finished(task_id)["state"] == "completed"


def test_three_kills_in_a_row(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack(ANALYSIS_ATTEMPTS="5")
    stack.start(*PARTS)
    slow = youtube.fault(Fault("page", Delay(60)))
    task_id = submitted(stack, catalogue.QUICK)
    for attempt in (1, 2, 3):
        stack.until(lambda: stack.status(task_id), lambda task, attempt=attempt: task["attempt"] == attempt)  # type: ignore[misc]
        stack.part("worker").kill()
        if attempt == 3:
            slow.remove()
        stack.part("worker").start()
    final = stack.finished(task_id)
    assert (final["state"], final["attempt"]) == ("completed", 4)


def test_kills_beyond_the_attempts_end_in_a_named_failure(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack(ANALYSIS_ATTEMPTS="1")
    stack.start(*PARTS)
    youtube.fault(Fault("page", Delay(60)))
    task_id = submitted(stack, catalogue.QUICK)
    stack.until(lambda: stack.status(task_id), processing)
    stack.part("worker").kill()
    stack.part("worker").start()
    final = stack.finished(task_id)
    assert (final["state"], final["problem"]["code"]) == ("failed", "internal_error")


def test_a_worker_killed_in_the_last_attempt_leaves_what_an_earlier_one_found(
    new_stack: Callable[..., Stack], youtube: YouTube
) -> None:
    stack = new_stack(ANALYSIS_ATTEMPTS="2")
    stack.start(*PARTS)
    for itag in (137, 248):
        youtube.fault(Fault("media", Status(403), itag=itag))
    task_id = submitted(stack, catalogue.QUICK)
    stack.until(lambda: stack.status(task_id), lambda task: task["progress"]["phase"] == "waiting")
    slow = youtube.fault(Fault("page", Delay(60)))
    stack.until(lambda: slow.hits, lambda hits: hits == 1)
    stack.part("worker").kill()
    stack.part("worker").start()
    final = stack.finished(task_id)
    assert (final["state"], final["attempt"], final["problem"]) == ("completed", 2, None)
    assert final["result"]["is_degraded"]
    assert {item["format_id"] for item in final["result"]["formats"]["audio_only"]} == {"140", "251"}


def test_a_worker_killed_during_a_wait_between_attempts(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack(ANALYSIS_ATTEMPTS="3")
    stack.start(*PARTS)
    refused = youtube.video(catalogue.QUICK)
    youtube.edit(catalogue.QUICK, playability=catalogue.BOT_CHECKED)
    task_id = submitted(stack, catalogue.QUICK)
    waiting = stack.until(lambda: stack.status(task_id), lambda task: task["progress"]["phase"] == "waiting")
    assert waiting["problem"]["code"] == "bot_check"
    assert waiting["next_attempt_at"]
    stack.part("worker").kill()
    youtube.edit(catalogue.QUICK, playability=refused.playability)
    stack.part("worker").start()
    final = stack.finished(task_id)
    assert (final["state"], final["attempt"]) == ("completed", 2)
    assert final["problem"] is None


def test_an_orderly_stop_hands_the_task_on_at_once_and_does_not_count(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack()
    stack.start(*PARTS)
    slow = youtube.fault(Fault("page", Delay(60), times=1))
    task_id = submitted(stack, catalogue.QUICK)
    stack.until(lambda: slow.hits, lambda hits: hits == 1)
    stack.start("worker")
    assert stack.part("worker").stop() == 0
    final = stack.finished(task_id)
    assert (final["state"], final["attempt"]) == ("completed", 1)


@pytest.mark.parametrize("moment", ["pending", "processing", "waiting"])
@pytest.mark.parametrize("end", ["restart", "kill"])
def test_the_store_restarts_at_any_moment(new_stack: Callable[..., Stack], youtube: YouTube, moment: str, end: str) -> None:
    stack = new_stack(ANALYSIS_ATTEMPTS="3")
    stack.start("analyze", "status") if moment == "pending" else stack.start(*PARTS)
    fault = None
    if moment == "processing":
        fault = youtube.fault(Fault("page", Delay(4), times=1))
    if moment == "waiting":
        fault = youtube.fault(Fault("player", Status(429, retry_after=2)))
        youtube.fault(Fault("page", Status(429, retry_after=2), times=4))
    task_id = submitted(stack, catalogue.QUICK)
    if moment != "pending":
        stack.until(
            lambda: stack.status(task_id), lambda task: task["state"] == "processing" and task["progress"]["phase"] != "queued"
        )
    if moment == "waiting":
        stack.until(lambda: stack.status(task_id), lambda task: task["progress"]["phase"] == "waiting")
    if end == "kill":
        # appendfsync everysec: what is older than a second survives.
        since = time.monotonic()
        stack.until(time.monotonic, lambda now: now - since > 1.5)
        stack.store.kill()
        stack.store.start()
    else:
        stack.store.restart()
    if fault is not None and moment == "waiting":
        youtube.clear()
    if moment == "pending":
        stack.start("worker")
    assert stack.finished(task_id, within=90)["state"] == "completed"


def test_a_hanging_analysis_is_ended_by_force_and_named(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack(ANALYSIS_TIMEOUT="3", ANALYSIS_ATTEMPTS="1")
    stack.start(*PARTS)
    youtube.fault(Fault("page", Delay(120)))
    task = stack.analyzed(catalogue.QUICK)
    assert (task["state"], task["problem"]["code"]) == ("failed", "analysis_timeout")
