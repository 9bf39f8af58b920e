"""A store's user that may do only what docs/redis.md says: everything works, and nothing on that list is superfluous."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import dramatiq.brokers.redis
import pytest
import redis

from functions.analyze.doctor.store import store as examine
from shared.store.scripts import FOLDER
from tests.e2e.conftest import environment
from tests.stack import Stack, running_stack
from tests.valkey import Valkey
from tests.youtube import ORDINARY, YouTube

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "of-the-least-user"
DIRECTLY: Final = {
    *("client|setinfo", "hello", "ping"),
    *("evalsha", "script|load", "subscribe"),
    *("exists", "get", "hget", "hgetall", "set"),
}
"""Commands that are sent as they are; all others are in scripts."""


def rules(page: str = "redis.md") -> list[str]:
    """Of the user on this page."""
    found: str
    (found,) = re.findall(r"^user sluice on >\S+ (.+(?:\n.+)*?)\n```", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return found.replace("\\\n", " ").split()


def in_scripts() -> set[str]:
    """Commands of our scripts and Dramatiq's."""
    own = [path.read_text() for path in FOLDER.glob("*.lua")]
    theirs = [path.read_text() for path in Path(dramatiq.brokers.redis.__file__).parent.rglob("dispatch.lua")]
    theirs += [path.read_text() for path in Path(dramatiq.brokers.redis.__file__).parent.rglob("maxstack.lua")]
    assert own
    assert theirs
    return {name.lower() for text in (*own, *theirs) for name in re.findall(r"redis\.call\(['\"](\w+)", text)}


def test_the_list_is_the_shortest() -> None:
    allowed = {rule.removeprefix("+") for rule in rules() if rule.startswith("+")}
    assert allowed == in_scripts() | DIRECTLY
    assert rules() == rules("redis.zh-CN.md")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Valkey]:
    folder = tmp_path / "store"
    folder.mkdir()
    server = Valkey(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def stack(youtube: YouTube, store: Valkey, tmp_path: Path) -> Iterator[Stack]:
    """Everybody in it is that user."""
    with redis.Redis.from_url(store.url) as owner:
        owner.execute_command("ACL", "SETUSER", "sluice", "on", f">{PASSWORD}", *rules())
    url = store.url.replace("://", f"://sluice:{PASSWORD}@")
    with running_stack(store, tmp_path, {**environment(youtube), "REDIS_URL": url, "RATE_LIMIT": "60/minute"}) as running:
        running.start("worker", "analyze", "status", "stream")
        yield running


async def test_everything_works_with_the_least_rights(stack: Stack, store: Valkey) -> None:
    task = stack.analyzed(ORDINARY)
    media = task["result"]
    for offered in (media["merges"][0], media["formats"]["combined"][0]):
        answer = stack.http.get(stack.stream_url(offered["stream_url"]))
        assert answer.status_code == 200
        assert len(answer.content) == int(answer.headers["Content-Length"])
    again = stack.submit(ORDINARY, refresh=True).json()["task_id"]
    events = stack.http.get(f"{stack.part('status').base}/v1/status/events", params={"task_id": again})
    assert '"state":"completed"' in events.text
    with redis.Redis.from_url(store.url, decode_responses=True) as owner:
        assert owner.acl_log() == []
    finding = await examine(store.url.replace("://", f"://sluice:{PASSWORD}@"))
    assert finding.is_ok
    assert "INFO" in finding.text
