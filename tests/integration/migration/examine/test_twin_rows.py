"""The plan tells of rows that replication cannot tell apart, with the statement that gives them a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sessions.connections import Database
from migration.examine.twin_rows import with_twin_rows
from tests.support.clusters import Cluster
from tests.support.moving import split

pytestmark = pytest.mark.integration

_TABLES = """
CREATE SCHEMA pay_schema; SET search_path = pay_schema;
CREATE TABLE n (a numeric, f float8); INSERT INTO n VALUES (1.0, 0), (1.00, 0), (2, 0), (2, '-0'), (3, 0);
CREATE TABLE same (a numeric(9, 2), t text); INSERT INTO same VALUES (1.0, 'x'), (1.00, 'x');
CREATE TABLE keyed (id int PRIMARY KEY, a numeric); INSERT INTO keyed VALUES (1, 1.0), (2, 1.00);
"""


def test_twin_rows_are_noted_and_the_statement_helps(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(_TABLES.encode())
    with split(source_database, target_cluster, {"pay": ()}, tmp_path) as made:
        (problem,) = (
            p for p in with_twin_rows(made.plan(), source_database).all_problems if "equal" in p.text
        )
        assert problem.severity == "note"
        assert "table pay_schema.n has no key, and 2 groups of rows" in problem.text
        _, _, statement = problem.text.partition("in the shared database ")
        with source_database.connect() as connection:
            connection.execute(statement.encode())
        again = with_twin_rows(made.plan(), source_database)
    assert [p.text for p in again.all_problems if "equal" in p.text] == []
