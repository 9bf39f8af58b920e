"""Ids of requests: which are accepted, and which a task keeps."""

import pytest

from shared.request_ids import accepted_id, trace_id
from shared.store import Claim, Store
from shared.urls import Video

VIDEO = Video("dQw4w9WgXcQ")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("offered", ["a", "A-1._b", "x" * 64])
def test_a_sane_id_is_kept(offered: str) -> None:
    assert accepted_id(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "x" * 65, "a b", "a\n", "a\r\nX: y", "é", '"', "a,b"])
def test_any_other_is_replaced(offered: str | None) -> None:
    assert len(accepted_id(offered)) == 16
    assert accepted_id(offered) != accepted_id(offered)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later", TRACE),
        (None, None),
        ("", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01\n", None),
        (TRACE, None),
    ],
)
def test_the_trace_of_a_traceparent(header: str | None, found: str | None) -> None:
    assert trace_id(header) == found


async def submit(store: Store, request_id: str | None, *, task_id: str = "t1") -> None:
    await store.submit(VIDEO, task_id=task_id, refresh=False, lane="analyze", request_id=request_id)


async def claimed(store: Store) -> Claim:
    claim = await store.claim("t1", run_id="r1", lease_ms=10_000)
    assert isinstance(claim, Claim)
    return claim


async def test_a_task_knows_who_asked_for_it(store: Store) -> None:
    await submit(store, "first")
    await submit(store, "second", task_id="t2")
    await submit(store, "second", task_id="t3")
    await submit(store, None, task_id="t4")
    assert (await claimed(store)).request_ids == ("first", "second")


async def test_only_so_many_are_kept(store: Store) -> None:
    for number in range(12):
        await submit(store, f"r{number}", task_id=f"t{number + 1}")
    assert (await claimed(store)).request_ids == tuple(f"r{number}" for number in range(8))


async def test_whoever_has_no_id_leaves_none(store: Store) -> None:
    await submit(store, None)
    assert (await claimed(store)).request_ids == ()
