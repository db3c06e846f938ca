"""Where an apply worker stopped is read from its server's log."""

from __future__ import annotations

import pytest

from migration.replicate.stalls import stopped_at

pytestmark = pytest.mark.unit

ORIGIN = "CONTEXT:  processing remote data for replication origin"
LOG = f"""
ERROR:  invalid input syntax for type interval: "infinity"
{ORIGIN} "pg_16501" during message type "INSERT" for replication target relation "s.t", finished at 0/1B2C3D8
{ORIGIN} "pg_9" during message type "INSERT"
"""


@pytest.mark.parametrize(("subscription", "position"), [(16501, "0/1B2C3D8"), (9, None), (1, None)])
def test_the_newest_position_of_a_subscription_is_found(subscription: int, position: str | None) -> None:
    assert stopped_at(LOG, subscription) == position
