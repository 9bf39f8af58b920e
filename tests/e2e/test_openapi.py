"""Each function does what its OpenAPI document says, whatever it is sent: no 5xx, and every answer conforms."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi import checks

from tests.stack import Part, Stack

PARTS: tuple[Part, ...] = ("analyze", "status", "stream")
ENDLESS = "/v1/status/events"
"""A stream of events has tests of its own."""

NOT_TOLD_BY_A_SCHEMA = [checks.positive_data_acceptance]
"""Which texts are URLs of videos is more than a schema can say: the others get 422 unsupported_url."""


@pytest.mark.parametrize("part", PARTS)
def test_the_document_is_true(stack: Stack, part: Part) -> None:
    base = stack.part(part).base
    document: Any = schemathesis.openapi.from_url(f"{base}/v1/{part}/openapi.json")
    operations = [result.ok() for result in document.get_all_operations()]
    assert operations
    for operation in operations:
        if operation.path == ENDLESS:
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        def conforms(case: Any) -> None:
            case.call_and_validate(base_url=base, timeout=30, excluded_checks=NOT_TOLD_BY_A_SCHEMA)

        conforms()
