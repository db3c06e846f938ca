"""Extensions that the move makes on a service's own database, and takes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.schema.target import drop_schema_on_target
from tests.support.clusters import Cluster
from tests.support.moving import Split, split

plan_query = queries("migration.plan")

pytestmark = pytest.mark.integration

_17_TO_17 = pytest.mark.parametrize("versions", [(17, 17)], indirect=True, ids=["17-to-17"])

LEFT = """
SELECT extname FROM pg_extension WHERE extname NOT IN ('plpgsql')
UNION ALL
SELECT nspname FROM pg_namespace WHERE oid >= 16384 AND nspname NOT IN ('user_schema', 'waqiti_migration')
ORDER BY 1
"""
"""Extensions and schemas beside those of the stack."""


def left(made: Split) -> list[str]:
    with made.superusers["user"].connect() as connection:
        return [row[0] for row in connection.execute(LEFT)]


@pytest.mark.parametrize("schema", ["pay_schema", "util", "public"])
@_17_TO_17
def test_an_extension_of_another_schema_is_made_taken_back_and_made_again(
    schema: str, source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema; CREATE SCHEMA util")
        connection.execute(
            f"CREATE EXTENSION citext SCHEMA {schema}; CREATE EXTENSION hstore SCHEMA {schema};"
            f"CREATE TABLE user_schema.t (mail {schema}.citext PRIMARY KEY, more {schema}.hstore);"
            f"CREATE TABLE pay_schema.u (mail {schema}.citext)".encode()
        )
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as made:
        assert made.plan(["user"]).no_go == ()
        for _ in range(2):
            assert made.move("user") == ()
            assert {"citext", "hstore"} < {*left(made), "+"}
            assert drop_schema_on_target(made.targets["user"], "user") > 0
            assert left(made) == []


@_17_TO_17
def test_an_extension_brings_those_that_it_needs(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(
            "CREATE SCHEMA user_schema; CREATE EXTENSION earthdistance SCHEMA public CASCADE;"
            "CREATE TABLE user_schema.t (id int PRIMARY KEY, at public.earth)"
        )
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        plan = made.plan()
        assert [extension.name for extension in plan.services["user"].extensions] == ["cube", "earthdistance"]
        (problem,) = plan.no_go
        assert "only a superuser can create it" in problem.text
        assert problem.line == "services: user: extensions: [earthdistance]"
        with made.superusers["user"].connect() as connection:
            connection.execute("CREATE EXTENSION earthdistance SCHEMA public CASCADE")
        assert made.move("user") == ()


@_17_TO_17
def test_an_extension_that_somebody_has_come_to_need_stays(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(
            "CREATE SCHEMA user_schema; CREATE SCHEMA util; CREATE EXTENSION citext SCHEMA util"
        )
        connection.execute("CREATE TABLE user_schema.t (mail util.citext PRIMARY KEY)")
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        assert made.move("user") == ()
        with made.superusers["user"].connect() as connection:
            connection.execute(
                "CREATE TABLE public.theirs (mail util.citext); INSERT INTO theirs VALUES ('a')"
            )
        drop_schema_on_target(made.targets["user"], "user")
        assert left(made) == ["citext", "util"]
        with made.superusers["user"].connect() as connection:
            assert connection.execute("SELECT mail FROM public.theirs").fetchall() == [("a",)]


@_17_TO_17
def test_extensions_that_bring_types_and_wrappers_leave_the_database_empty(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(
            "CREATE SCHEMA user_schema; CREATE EXTENSION dblink SCHEMA public;"
            "CREATE EXTENSION tablefunc SCHEMA public;"
            "CREATE TABLE user_schema.t (id int PRIMARY KEY, b public.tablefunc_crosstab_2);"
            "CREATE FUNCTION user_schema.f() RETURNS SETOF record LANGUAGE sql AS"
            " 'SELECT * FROM public.dblink(''x'', ''y'') AS t (a int)'"
        )
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        (problem,) = made.plan().no_go
        assert "dblink is needed in user's database, by function user_schema.f() (dblink)" in problem.text
        assert problem.line == "services: user: extensions: [dblink]"
        with made.superusers["user"].connect() as connection:
            connection.execute(
                "CREATE EXTENSION dblink SCHEMA public; CREATE EXTENSION tablefunc SCHEMA public"
            )
            found = connection.execute(plan_query("target"), {"schema_name": "user_schema"})
            assert found.fetchall() == [], "what the extensions bring is not the database's own"
        assert made.move("user") == ()
        assert drop_schema_on_target(made.targets["user"], "user") > 0
        assert made.move("user") == ()
