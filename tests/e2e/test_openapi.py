"""Each function does what its OpenAPI document says, whatever it is sent: no 5xx, and every answer conforms."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi import checks

from tests.e2e.conftest import environment
from tests.stack import FUNCTIONS, Part, Stack, running_stack
from tests.valkey import Valkey
from tests.youtube import YouTube

KEY: Final = "the access key of ours"
NOT_TOLD_BY_A_SCHEMA: Final = [checks.positive_data_acceptance]
"""Which texts are URLs of videos is more than a schema can say: the others get 422 unsupported_url."""


@pytest.fixture(scope="module", params=[None, KEY], ids=["open", "locked"])
def installation(
    request: pytest.FixtureRequest, _youtube: YouTube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, str | None]]:
    """One that needs a key, or none, and believes whatever client address it is told."""
    key: str | None = request.param
    store = Valkey(tmp_path_factory.mktemp("store"))
    store.start()
    own = {"TRUSTED_PROXIES": "127.0.0.0/8"} | ({"ACCESS_KEY": key} if key else {})
    with running_stack(store, tmp_path_factory.mktemp("stack"), environment(_youtube) | own) as stack:
        stack.start("worker", *FUNCTIONS)
        yield stack, key
    store.stop()


def documented(base: str, part: Part) -> list[Any]:
    """The operations of a function's own document."""
    document: Any = schemathesis.openapi.from_url(f"{base}/v1/{part}/openapi.json")
    return [result.ok() for result in document.get_all_operations()]


def exercised(operation: Any, base: str, *, key: str | None) -> Counter[int]:
    """How often each status was answered, all of them as documented."""
    seen: Counter[int] = Counter()
    addresses = count()

    @given(case=operation.as_strategy())
    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def conforms(case: Any) -> None:
        number = next(addresses)  # another client each time: what is checked is not how they are limited
        headers = {"X-Forwarded-For": f"10.0.{number >> 8}.{number & 255}"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        answer = case.call_and_validate(base_url=base, headers=headers, timeout=30, excluded_checks=NOT_TOLD_BY_A_SCHEMA)
        seen[answer.status_code] += 1

    conforms()
    return seen


@pytest.mark.parametrize("part", FUNCTIONS)
def test_the_document_is_true(installation: tuple[Stack, str | None], part: Part) -> None:
    stack, key = installation
    base = stack.part(part).base
    for operation in documented(base, part):
        seen = exercised(operation, base, key=key)
        security = operation.definition.raw["security"]
        assert {"key": []} in security or not (key and security), "the key opens whatever is closed"
        assert not set(seen) & ({401, 429} if security else {429}), (operation.path, seen)


@pytest.mark.parametrize("installation", [KEY], ids=["locked"], indirect=True)
@pytest.mark.parametrize("part", FUNCTIONS)
def test_the_document_is_true_for_whoever_has_no_key(installation: tuple[Stack, str | None], part: Part) -> None:
    base = installation[0].part(part).base
    for operation in documented(base, part):
        if operation.definition.raw["security"]:
            assert set(exercised(operation, base, key=None)) <= {401, 403, 415, 422}
