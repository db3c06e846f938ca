"""Kinds of object that do not move: the plan names each, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sessions.connections import Database
from tests.support.clusters import Cluster
from tests.support.moving import split

pytestmark = pytest.mark.integration

_PARTS = (Path(__file__).parent / "object_kinds_left.sql").read_text(encoding="utf-8").split("-- kind: ")[1:]
_HEADS = [part.partition("\n") for part in _PARTS]
KINDS = {head.partition(" -> ")[0]: (head.partition(" -> ")[2], script) for head, _, script in _HEADS}


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_move_is_named_with_the_reason(
    kind: str, source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    reason, script = KINDS[kind]
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
        connection.execute(script.encode())
    try:
        with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
            plan = made.plan()
        named = [*(problem.text for problem in plan.all_problems), *plan.unclaimed]
        assert any(reason in text for text in named), named
    finally:
        with source_database.connect() as connection:
            connection.execute("DROP SUBSCRIPTION IF EXISTS ours")


def test_relations_of_a_tablespace_move_to_the_default_and_are_named(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute("CREATE TABLESPACE space_of_a_test LOCATION ''")
    try:
        with source_database.connect() as connection:
            connection.execute(
                "CREATE SCHEMA user_schema; SET search_path = user_schema;"
                " CREATE TABLE t (a int PRIMARY KEY USING INDEX TABLESPACE space_of_a_test)"
                " TABLESPACE space_of_a_test; CREATE INDEX i ON t (a) TABLESPACE space_of_a_test;"
                " CREATE MATERIALIZED VIEW m TABLESPACE space_of_a_test AS SELECT a FROM t;"
                " CREATE TABLE p (a int) PARTITION BY LIST (a) TABLESPACE space_of_a_test;"
                " CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)"
            )
        with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
            notes = [problem.text for problem in made.plan().all_problems]
            assert [str(difference) for difference in made.move("user")] == []
        assert any("tablespace space_of_a_test of 6 relations in user_schema" in text for text in notes)
    finally:
        with source_database.connect() as connection:
            connection.execute("DROP SCHEMA IF EXISTS user_schema CASCADE")
            connection.execute("DROP TABLESPACE space_of_a_test")
