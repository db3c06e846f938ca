"""What only PostgreSQL 18 has, each kind moved from 18 to 18 and compared; an older target is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import VersionUnsupported
from core.sessions.connections import Database
from tests.support.clusters import Cluster
from tests.support.moving import split

pytestmark = pytest.mark.integration

KINDS = {
    "virtual generated columns": "CREATE TABLE t (a int PRIMARY KEY,"
    " b int GENERATED ALWAYS AS (a * 2) VIRTUAL, c int GENERATED ALWAYS AS (a + 1) STORED)",
    "keys without overlaps": "CREATE EXTENSION btree_gist SCHEMA public; CREATE TABLE t (id int, valid"
    " daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS))",
    "temporal foreign keys": "CREATE EXTENSION btree_gist SCHEMA public; CREATE TABLE t (id int, valid"
    " daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS)); CREATE TABLE u (t int, valid daterange, FOREIGN"
    " KEY (t, PERIOD valid) REFERENCES t (id, PERIOD valid))",
    "not-null constraints with names, not valid, not inherited": "CREATE TABLE t (a int CONSTRAINT given"
    " NOT NULL, b int, c int CONSTRAINT mine NOT NULL NO INHERIT); ALTER TABLE t ADD CONSTRAINT later NOT"
    " NULL b NOT VALID; COMMENT ON CONSTRAINT given ON t IS 'never'",
    "constraints that are not enforced": "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (a int CHECK"
    " (a > 0) NOT ENFORCED, p int REFERENCES p NOT ENFORCED)",
    "foreign keys of partitioned tables that are not valid": "CREATE TABLE p (id int PRIMARY KEY); CREATE"
    " TABLE t (p int) PARTITION BY LIST (p); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); ALTER TABLE t"
    " ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES p NOT VALID",
    "OLD and NEW in RETURNING": "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql"
    " BEGIN ATOMIC UPDATE t SET a = 2 RETURNING old.a + new.a; END",
}


@pytest.mark.parametrize("versions", [(18, 18)], indirect=True, ids=["18-to-18"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_postgresql_18_arrives_as_it_was(
    kind: str, source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
        connection.execute(KINDS[kind].encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        assert [str(difference) for difference in made.move("user")] == []


@pytest.mark.parametrize("versions", [(18, 17)], indirect=True, ids=["18-to-17"])
def test_a_target_older_than_the_source_is_refused(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; CREATE TABLE user_schema.t (a int)")
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        plan = made.plan()
        with pytest.raises(VersionUnsupported, match="older than the shared one's 18"):
            plan.check()
