"""Each way in which YouTube says no has its own code and sentence; half a result is never reported as a whole one."""

from collections.abc import Callable

import pytest

from tests.stack import Stack
from tests.valkey import free_port
from tests.youtube import Fault, Status, YouTube, catalogue


@pytest.mark.parametrize(
    ("video", "code"),
    [
        (catalogue.PRIVATE, "video_private"),
        (catalogue.REMOVED, "video_removed"),
        (catalogue.TERMINATED, "video_removed"),
        (catalogue.UNAVAILABLE, "video_unavailable"),
        (catalogue.AGE_RESTRICTED, "age_restricted"),
        (catalogue.GEO_BLOCKED, "geo_blocked"),
        (catalogue.MEMBERS_ONLY, "members_only"),
        (catalogue.DRM, "drm_protected"),
        (catalogue.LIVE, "live_now"),
        (catalogue.UPCOMING, "not_yet_available"),
        (catalogue.PREMIERE, "not_yet_available"),
    ],
)
def test_what_no_retry_can_cure_is_final_at_once(stack: Stack, video: str, code: str) -> None:
    task = stack.analyzed(video)
    assert (task["state"], task["problem"]["code"], task["attempt"]) == ("failed", code, 1)
    assert task["problem"]["detail"]
    assert task["problem"]["title"]
    assert task["result"] is None


@pytest.mark.parametrize(
    ("video", "code"),
    [
        (catalogue.BOT_CHECK, "bot_check"),
        (catalogue.SESSION_RATE_LIMITED, "source_rate_limited"),
        (catalogue.RATE_LIMITED, "source_rate_limited"),
        (catalogue.CAPTCHA, "captcha_required"),
    ],
)
def test_what_may_pass_is_tried_again_and_then_named(stack: Stack, video: str, code: str) -> None:
    task = stack.analyzed(video, within=120)
    assert (task["state"], task["problem"]["code"], task["attempt"]) == ("failed", code, 2)


@pytest.mark.parametrize("video", [catalogue.TOKEN_MISSING, catalogue.SABR_ONLY, catalogue.PLAYER_RATE_LIMITED])
def test_only_360p_is_never_a_whole_result(stack: Stack, video: str) -> None:
    task = stack.analyzed(video, within=120)
    if task["state"] == "failed":
        assert task["problem"]["code"] in {"formats_incomplete", "sabr_only", "source_rate_limited", "token_rejected"}
        return
    media = task["result"]
    assert media["is_degraded"]
    assert media["missing"]
    assert all(item["code"] and item["detail"] for item in media["missing"])
    assert task["attempt"] == 2


def test_a_broken_player_script_is_named(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack()
    stack.start("worker", "analyze", "status")
    youtube.edit(catalogue.QUICK, blocked_clients=frozenset({"VISIONOS"}))  # whose addresses need no challenge
    youtube.fault(Fault("player_js", Status(404)))
    task = stack.analyzed(catalogue.QUICK, within=120)
    assert (task["state"], task["problem"]["code"]) == ("failed", "challenge_failed")


def test_a_dead_proxy_is_named(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack(GLOBAL_PROXY=f"http://127.0.0.1:{free_port()}", ANALYSIS_ATTEMPTS="1")
    stack.start("worker", "analyze", "status")
    assert stack.analyzed(catalogue.QUICK)["problem"]["code"] == "proxy_unreachable"


def test_a_proxy_that_refuses_the_credentials_is_named_and_they_stay_secret(
    new_stack: Callable[..., Stack], youtube: YouTube
) -> None:
    proxy = youtube.http_proxy.replace("proxy-password", "wrong-password")
    stack = new_stack(GLOBAL_PROXY=proxy, ANALYSIS_ATTEMPTS="1")
    stack.start("worker", "analyze", "status")
    task = stack.analyzed(catalogue.QUICK)
    assert task["problem"]["code"] == "proxy_auth_failed"
    assert "wrong-password" not in str(task)
    assert not any("wrong-password" in process.log.read_text() for process in stack.processes)


def test_everything_leaves_through_socks_as_well(new_stack: Callable[..., Stack], youtube: YouTube) -> None:
    stack = new_stack(GLOBAL_PROXY=youtube.socks_proxy)
    stack.start("worker", "analyze", "status", "stream")
    task = stack.analyzed(catalogue.QUICK)
    assert task["state"] == "completed"
    item = task["result"]["formats"]["video_only"][0]
    body = stack.http.get(stack.stream_url(item["stream_url"])).content
    source = youtube.media(catalogue.QUICK, item["format_id"])
    assert body == source.read(0, source.size)
