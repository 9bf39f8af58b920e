import os
from pathlib import Path

import pytest

from functions.local import plan
from functions.local.child import Spec
from functions.local.supervision import Stage
from shared.settings import Settings

PYTHON = Path("/venv/bin/python")


@pytest.fixture
def provided(tmp_path: Path) -> plan.Provided:
    return plan.Provided(store_folder=tmp_path, store_port=7000, store_password="hush", secret_key="s" * 32)


def stages(provided: plan.Provided, settings: Settings, *, root: Path = Path("/checkout")) -> list[Stage]:
    return plan.stages(
        settings=settings,
        provided=provided,
        root=root,
        environment={"PATH": os.environ["PATH"], "GLOBAL_PROXY": "http://proxy:8080"},
        python=PYTHON,
        listener=5,
        lock=6,
    )


def children(plan_: list[Stage]) -> dict[str, Spec]:
    return {spec.name: spec for stage in plan_ for spec in stage.children}


def test_the_store_first_and_the_edge_last(provided: plan.Provided) -> None:
    planned = stages(provided, Settings(redis_url=provided.store_url, port=8080))
    assert [[spec.name for spec in stage.children] for stage in planned] == [["store"], ["worker", "edge"]]
    assert [[condition.name for condition in stage.conditions] for stage in planned] == [["store"], ["edge"]]


def test_every_child_has_what_the_others_know(provided: plan.Provided) -> None:
    found = children(stages(provided, Settings(redis_url=provided.store_url, secret_key="s" * 32, port=8080)))
    for spec in found.values():
        assert spec.environment["REDIS_URL"] == "redis://:hush@127.0.0.1:7000/0"
        assert spec.environment["SECRET_KEY"] == "s" * 32
        assert spec.environment["GLOBAL_PROXY"] == "http://proxy:8080"
        assert spec.environment["PATH"].split(os.pathsep)[0] == "/venv/bin"


def test_only_the_edge_has_the_public_address(provided: plan.Provided) -> None:
    settings = Settings(redis_url=provided.store_url, host="0.0.0.0", port=8080, allow_anonymous=True)
    found = children(stages(provided, settings))
    assert (found["edge"].environment["HOST"], found["edge"].environment["PORT"]) == ("0.0.0.0", "8080")
    assert found["worker"].environment["HOST"] == "127.0.0.1"
    assert found["worker"].environment["PORT"] != "8080"
    assert found["edge"].inherited == (5,)


def test_the_store_is_told_its_password_where_nobody_can_read_it(provided: plan.Provided) -> None:
    spec = children(stages(provided, Settings(redis_url=provided.store_url)))["store"]
    told = spec.input.decode().splitlines()
    for line in ("bind 127.0.0.1", "requirepass hush", "appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction"):
        assert line in told
    assert not any("hush" in word for word in spec.command)
    assert spec.inherited == (6,), "the store holds the folder's lock as long as it lives"


def test_a_store_of_ones_own_is_waited_for_and_not_started(provided: plan.Provided) -> None:
    first, _ = stages(provided, Settings(redis_url="redis://elsewhere/0"))
    assert first.children == ()
    assert first.conditions[0].address == "redis://elsewhere/0"


def test_the_token_service_is_started_once_there_is_one(provided: plan.Provided, tmp_path: Path) -> None:
    (tmp_path / "pot-provider").mkdir()
    (tmp_path / "pot-provider" / "main.ts").touch()
    found = children(stages(provided, Settings(redis_url=provided.store_url), root=tmp_path))
    port = found["provider"].environment["PORT"]
    assert found["worker"].environment["POT_PROVIDER_URL"] == f"http://127.0.0.1:{port}"
    assert list(found) == ["store", "provider", "worker", "edge"]

    named = Settings(redis_url=provided.store_url, pot_provider_url="http://tokens")
    assert "provider" not in children(stages(provided, named, root=tmp_path))
