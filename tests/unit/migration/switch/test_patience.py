"""A switch is given up before the most impatient application gives up."""

from __future__ import annotations

import pytest

from migration.switch.before_pause import within_patience
from migration.switch.carry_out import Limits
from tests.support.contracts import make_service

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("timeout", [0.25, 1.0, 5.0, 30.0, 600.0])
@pytest.mark.parametrize("asked", [Limits(), Limits(pause=60.0, inside=30.0)])
def test_pause_and_switch_together_end_before_a_client_does(timeout: float, asked: Limits) -> None:
    service = make_service("user").model_copy(update={"connection_timeout": timeout})
    limits = within_patience(asked, service)
    assert limits.pause + limits.inside < timeout
    assert limits.pause <= asked.pause
    assert limits.inside <= asked.inside


def test_patient_applications_leave_the_limits_as_they_are() -> None:
    assert within_patience(Limits(), make_service("user")) == Limits()
