"""What a statement keeps in its session, found by PostgreSQL's parser."""

from __future__ import annotations

import pytest

from migration.traffic.queries import RanStatement
from migration.traffic.session_state import ADVICE, kept_by, session_uses

pytestmark = pytest.mark.unit

KEPT = {
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE": (
        "SET SESSION CHARACTERISTICS",
        "",
    ),
    "SET statement_timeout = '5s'": ("SET", "statement_timeout"),
    "SET search_path = a, b": ("SET", "search_path"),
    "SET ROLE somebody": ("SET", "role"),
    "SELECT set_config($1, $2, $3)": ("set_config", ""),
    "SELECT pg_catalog.set_config('search_path', 'x', false)": ("set_config", "search_path"),
    "LISTEN channel": ("LISTEN", ""),
    "SELECT pg_try_advisory_lock($1)": ("advisory lock of a session", ""),
    "CREATE TEMP TABLE t (id int)": ("temporary table", "t"),
    "CREATE TEMP TABLE t AS SELECT 1": ("temporary table", "t"),
    "SELECT 1 INTO TEMP t": ("temporary table", "t"),
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1": ("cursor WITH HOLD", ""),
    "PREPARE p AS SELECT 1": ("PREPARE", ""),
    "LOAD 'x'": ("LOAD", ""),
}
HARMLESS = (
    "SET LOCAL statement_timeout = '5s'", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "BEGIN ISOLATION LEVEL SERIALIZABLE", "RESET ALL", "SET TIME ZONE 'UTC'", "SET DateStyle = 'ISO'",
    "SELECT set_config('search_path', $1, true)", "SELECT pg_advisory_xact_lock($1)",
    "CREATE TEMP TABLE t (id int) ON COMMIT DROP", "DECLARE c CURSOR FOR SELECT 1", "not a statement (",
)  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), KEPT.items())
def test_what_outlives_a_transaction_is_found(statement: str, found: tuple[str, str]) -> None:
    assert kept_by(statement) == {found}
    assert ADVICE[found[0]]


@pytest.mark.parametrize("statement", HARMLESS)
def test_what_ends_with_its_transaction_is_not(statement: str) -> None:
    assert kept_by(statement) == set()


def test_calls_are_counted_by_role_and_kind_the_most_frequent_first() -> None:
    ran = [
        RanStatement("SET statement_timeout = 1", "app", 2),
        RanStatement("SET statement_timeout = 2", "app", 3),
        RanStatement("LISTEN a", "other", 9),
    ]
    assert list(map(str, session_uses(ran))) == [
        "other: LISTEN, 9 times",
        "app: SET statement_timeout, 5 times",
    ]
