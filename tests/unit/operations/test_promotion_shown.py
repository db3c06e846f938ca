"""What was shown is compared with what would be done, and with what was done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from operations.preview.steps import Change, Preview, Step
from operations.promotion.shown import done_in, shown

pytestmark = pytest.mark.unit

URN = "urn:pulumi:upper::waqiti::pulumi-python:dynamic/local:Instance::user-instance"
STEP = Step("update", URN, "local:Instance", "user-instance", "user", (Change("port", 1, 2),))


def _preview(*steps: Step) -> Preview:
    return Preview(steps, 10)


def test_the_same_steps_have_the_same_digest_in_any_order() -> None:
    other = replace(STEP, urn=f"{URN}-two")
    assert shown(_preview(STEP, other)).digest == shown(_preview(other, STEP)).digest
    assert shown(_preview(STEP)).otherwise(shown(_preview(STEP))) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(STEP, changes=(Change("port", 1, 3),)),
        replace(STEP, operation="replace"),
        replace(STEP, urn=f"{URN}-two"),
        replace(STEP, changes=()),
    ],
)
def test_another_value_operation_or_resource_is_not_what_was_shown(other: Step) -> None:
    agreed = shown(_preview(STEP))
    assert shown(_preview(other)).digest != agreed.digest
    assert agreed.otherwise(shown(_preview(other))) != []


def test_what_was_done_beyond_it_is_named() -> None:
    def event(operation: str, urn: str) -> str:
        return json.dumps({"resOutputsEvent": {"metadata": {"op": operation, "urn": urn}}})

    log = "\n".join([event("update", URN), event("same", f"{URN}-x"), event("create", f"{URN}-new"), "{}"])
    assert shown(_preview(STEP)).not_shown(done_in(log)) == ["create user-instance-new"]
    assert shown(_preview(STEP)).not_shown([]) == []
