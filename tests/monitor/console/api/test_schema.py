"""What the OpenAPI document promises is held against the running API: schemathesis makes up calls, good and bad, from it."""

from __future__ import annotations

import asyncio
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from monitor.console.api import LIMITS, written
from tests.monitor.console.api.conftest import Give

load_all_checks()
HELD_TO: list[Any] = [
    CHECKS.get_one(name)
    for name in ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
]
EACH = 2  # calls of each kind to each operation: hypothesis begins with the simple ones, and CI's time is scarce


async def test_nothing_that_can_be_sent_breaks_the_document(give: Give) -> None:
    """No 5xx, no status and no content that the document does not name, whatever is sent."""
    program = await give("admin")
    program.office.app[LIMITS].burst = 1_000_000
    headers = {"Authorization": f"Bearer {program.token}"}
    await asyncio.to_thread(sweep, program.office.address, headers)


def sweep(address: str, headers: dict[str, str]) -> None:
    """Call every operation with what its schema allows, and with what it does not."""
    operations: Any = schemathesis.openapi.from_dict(written()).get_all_operations()
    for found in operations:
        operation = found.ok()
        for mode in GenerationMode:

            def call(case: Case[Any]) -> None:
                response = case.call(base_url=address, headers=headers)
                case.validate_response(response, checks=HELD_TO, headers=headers)

            strategy: Any = operation.as_strategy(generation_mode=mode)
            steady = settings(
                max_examples=EACH,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            steady(given(case=strategy)(call))()
