"""Generated owners, grants, policies, readers: with the plan's advice both roles get the same answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from core.sessions.connections import Database
from tests.integration.migration.examine.test_rights_row_security import (
    APPLICATION,
    DROP_GRANTS,
    ROLES,
    decide,
    execute,
    follow,
    move_rows,
    otherwise,
)
from tests.support.clusters import Clusters
from tests.support.generated_moves import thorough
from tests.support.moving import split
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.integration

EXAMPLES = 12 if os.environ.get("WAQITI_ALL_FAULTS") else 2
SERVICES = tuple(f"s{number}" for number in range(8))
"""So many generated schemas move at once: a shared database and its dump cost more than a schema."""
OWNERS = ("app_of_rights", "group_of_rights", "other_of_rights", "postgres")
STATEMENTS = (
    "SELECT * FROM t ORDER BY id", "SELECT * FROM u ORDER BY id", "INSERT INTO t VALUES (7, 'z')",
    "INSERT INTO t VALUES (8, 'a') RETURNING *", "UPDATE t SET who = 'a'", "DELETE FROM t",
    "UPDATE u SET who = 'b'", "SELECT * FROM t JOIN u USING (id)", "SELECT * FROM v", "SELECT f()",
    "UPDATE v SET who = 'q'", "SELECT g()", "TRUNCATE t", "SELECT who FROM t",
    "INSERT INTO t VALUES (1, 'c') ON CONFLICT (id) DO UPDATE SET who = 'c'",
)  # fmt: skip

OWNER_LACKED = tuple(
    f"{one}: 42501" for one in STATEMENTS if "f()" in one or " v" in one or "UPDATE v" in one
)
"""A view's or function's owner lacks a right in the shared database: nobody can use it there."""

expressions = st.sampled_from(
    ["true", "false", "who = 'a'", "id < 3", "who IN (SELECT w.who FROM {other} w)"]
)
policies = st.fixed_dictionaries(
    {
        "as": st.sampled_from(["PERMISSIVE", "PERMISSIVE", "RESTRICTIVE"]),
        "for": st.sampled_from(["ALL", "ALL", "SELECT", "UPDATE", "DELETE"]),
        "to": st.sampled_from(["PUBLIC", "app_of_rights", "group_of_rights", "distant_of_rights, postgres"]),
        "using": expressions,
    }
)
tables = st.fixed_dictionaries(
    {
        "owner": st.sampled_from(OWNERS),
        "granted": st.sampled_from(["ALL", "SELECT, INSERT, UPDATE, DELETE", "SELECT", "SELECT (who)"]),
        "secured": st.sampled_from(["ENABLE", "ENABLE", "DISABLE"]),
        "forced": st.sampled_from(["NO FORCE", "NO FORCE", "FORCE"]),
        "policies": st.lists(policies, max_size=2),
    }
)
schemas = st.fixed_dictionaries(
    {
        "t": tables,
        "u": tables,
        "view": st.fixed_dictionaries(
            {
                "owner": st.sampled_from(OWNERS),
                "with": st.sampled_from(["", "WITH (security_invoker)", "WITH (security_barrier)"]),
            }
        ),
        "function": st.fixed_dictionaries(
            {
                "owner": st.sampled_from(OWNERS),
                "security": st.sampled_from(["INVOKER", "DEFINER"]),
            }
        ),
    }
)


TABLE = "CREATE TABLE {0} (id int PRIMARY KEY, who text); INSERT INTO {0} VALUES (1, 'a'), (2, 'b'), (3, 'b')"
READERS = """
    CREATE VIEW v {with} AS SELECT * FROM t WHERE id < 3; GRANT ALL ON v TO app_of_rights;
    CREATE FUNCTION g() RETURNS bigint LANGUAGE sql SET search_path = {schema} AS 'SELECT count(*) FROM u';
    CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql SECURITY {security} SET search_path = {schema}
        AS 'BEGIN RETURN (SELECT count(*) FROM v) + g(); END';
    ALTER VIEW v OWNER TO {view_owner}; ALTER FUNCTION f OWNER TO {function_owner}
"""


def script(name: str, drawn: dict[str, Any]) -> str:
    """The DDL of one drawn schema."""
    schema = f"{name}_schema"
    lines = [f"CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO PUBLIC; SET search_path = {schema}"]
    lines += [TABLE.format(table) for table in ("t", "u")]
    for table, other in (("t", "u"), ("u", "t")):
        is_ = drawn[table]
        for number, one in enumerate(is_["policies"]):
            using = one["using"].replace("{other}", other)
            lines.append(
                f"CREATE POLICY p{number} ON {table} AS {one['as']} FOR {one['for']} TO {one['to']}"
                f" USING ({using})"
            )
        lines += [
            f"ALTER TABLE {table} {is_['secured']} ROW LEVEL SECURITY, {is_['forced']} ROW LEVEL SECURITY",
            f"ALTER TABLE {table} OWNER TO {is_['owner']}",
            f"GRANT {is_['granted']} ON {table} TO app_of_rights, other_of_rights",
        ]
    view, function = drawn["view"], drawn["function"]
    lines.append(
        READERS.format_map(
            {
                "with": view["with"],
                "security": function["security"],
                "schema": schema,
                "view_owner": view["owner"],
                "function_owner": function["owner"],
            }
        )
    )
    return "; ".join(lines)


@pytest.fixture(scope="module")
def roles(clusters: Clusters) -> Iterator[None]:
    with clusters.get("source", DEFAULT_VERSIONS[0]).database().connect() as connection:
        for role in ROLES:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        connection.execute("GRANT group_of_rights TO app_of_rights")
        yield
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.SQL(", ").join(map(sql.Identifier, ROLES))))


@given(drawn=st.lists(schemas, min_size=len(SERVICES), max_size=len(SERVICES)))
@thorough(EXAMPLES)
def test_both_roles_get_the_same_answers_once_the_advice_is_followed(
    roles: None, clusters: Clusters, drawn: list[dict[str, Any]]
) -> None:
    here, there = clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])
    database: Database = here.new_database()
    try:
        for name, schema in zip(SERVICES, drawn, strict=True):
            execute(database, script(name, schema).replace("postgres", database.login.name))
        with (
            tempfile.TemporaryDirectory() as folder,
            split(
                database, there, dict.fromkeys(SERVICES, (DROP_GRANTS,)), Path(folder), APPLICATION
            ) as made,
        ):
            decide(made, dict.fromkeys(SERVICES))
            refused = {problem.service for problem in follow(made).no_go}
            move_rows(made, [name for name in SERVICES if name not in refused])
            wrong = [
                f"{name} ({made.contract.services[name].row_security}): {line}\n{script(name, schema)}"
                for name, schema in zip(SERVICES, drawn, strict=True)
                if name not in refused and made.contract.services[name].row_security != "bind"
                for line in otherwise(made, name, STATEMENTS)
                if not line.startswith(OWNER_LACKED)
            ]
        assert wrong == [], "\n".join(wrong)
    finally:
        here.drop_database(database)
