"""What is said of a replica's lag, and of the WAL that is kept for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalog.tables import TableName
from migration.references.lag import Reading
from migration.references.model import Link, Stale

pytestmark = pytest.mark.unit

LINK = Link("payment", "user", "shared", ((TableName("user_schema", "users"), ("id", "email")),))
FOLLOWING = Reading(LINK, "following", 1_200_000, 0.34, 5 << 20, "")


def test_the_lag_is_said_in_bytes_and_in_seconds() -> None:
    assert FOLLOWING.behind() == "1.2 MB, 0.3 s behind"
    assert replace(FOLLOWING, seconds=None).behind() == "1.2 MB behind"
    assert replace(FOLLOWING, bytes=None, seconds=90.0).behind() == "?, 90.0 s behind"


def test_what_is_over_the_limit_is_a_problem_though_it_follows() -> None:
    assert FOLLOWING.problems(5 << 20) == []
    (problem,) = FOLLOWING.problems(4 << 20)
    assert "keeps 5 MiB of WAL, over the limit of 4 MiB" in problem
    assert "references --drop-over-limit" in problem


@given(st.none() | st.integers(0, 1 << 62), st.integers(0, 1 << 62))
def test_a_replica_is_over_its_limit_only_when_its_slot_keeps_more(retained: int | None, limit: int) -> None:
    over = replace(FOLLOWING, retained_bytes=retained).is_over(limit)
    assert over == (retained is not None and retained > limit)


def test_a_stale_one_says_since_when_as_json() -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    stale = Reading(replace(LINK, stale=Stale(since, "why")), "stale", None, 12.34567, None, "stale")
    assert stale.as_json() == {
        "service": "user",
        "followed_in": "shared",
        "tables": ["user_schema.users"],
        "columns": {"user_schema.users": ["id", "email"]},
        "state": "stale",
        "bytes": None,
        "seconds": 12.346,
        "retained_bytes": None,
        "stale_since": "2026-01-02T03:04:05+00:00",
        "problem": "stale",
    }
