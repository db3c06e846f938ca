"""What a service's role sees after the move: what the common role saw, or what services.yaml says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from pydantic import SecretStr

from components.contract import CrossingRule, Login, RowSecurityMode
from core.errors import RightsUndecided
from core.sessions.connections import Database
from migration.plan.make import Plan
from tests.support.answers import answers, differences
from tests.support.clusters import Cluster
from tests.support.moving import Split, split
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

APPLICATION = Login(name="app_of_rights", password=SecretStr("unused"))
ROLES = ("app_of_rights", "group_of_rights", "distant_of_rights", "other_of_rights")
DROP_GRANTS = CrossingRule(match="grant to * -> *", action="drop", reason="of the shared database")
NOT_QUITE = tuple(
    f"{name}: {statement}"
    for name in ("mixed", "above")
    for statement in ("SET row_security", "SELECT row_security", "COPY t FROM")
)
"""What tells that a policy which shows all rows is a policy all the same."""
_LINE = re.compile(r"services: (\w+): rowSecurity: (\w+)")
_STATEMENT = re.compile(r"run `(ALTER [^`]+)` in the shared database first")

STATEMENTS = (
    "SELECT * FROM t ORDER BY id",
    "SELECT count(*) FROM t WHERE who = 'b'",
    "INSERT INTO t VALUES (7, 'z')",
    "INSERT INTO t VALUES (8, 'a') RETURNING id",
    "UPDATE t SET who = 'a' WHERE id = 2",
    "DELETE FROM t",
    "INSERT INTO t VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET who = 'c'",
    "SELECT * FROM v",
    "SELECT * FROM w",
    "UPDATE v SET who = 'x'",
    "SELECT of_definer()",
    "SELECT of_invoker()",
    "SELECT * FROM m",
    "SELECT * FROM t FOR UPDATE",
    "SET row_security = off; SELECT * FROM t",
    "COPY t TO STDOUT",
    "COPY t FROM STDIN",
    "SELECT row_security_active('t')",
    "MERGE INTO t USING (VALUES (2)) s (id) ON t.id = s.id WHEN MATCHED THEN DELETE",
    "SELECT * FROM forced",
)
SCHEMA = """
    CREATE SCHEMA {0}; SET search_path = {0}; GRANT USAGE ON SCHEMA {0} TO app_of_rights;
    CREATE TABLE t (id int PRIMARY KEY, who text);
    INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'b');
    CREATE VIEW v AS SELECT * FROM t WHERE id < 3; CREATE VIEW w WITH (security_invoker) AS SELECT * FROM t;
    CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t;
    CREATE FUNCTION of_definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        SET search_path = {0} AS 'SELECT count(*) FROM t';
    CREATE FUNCTION of_invoker() RETURNS bigint LANGUAGE plpgsql
        SET search_path = {0} AS 'BEGIN RETURN (SELECT count(*) FROM t); END';
    ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    GRANT SELECT, INSERT, UPDATE, DELETE ON t TO app_of_rights; GRANT SELECT ON w, m TO app_of_rights;
    GRANT SELECT, UPDATE ON v TO app_of_rights;
"""
COMMON_OWNS = """
    ALTER TABLE t OWNER TO app_of_rights; ALTER VIEW v OWNER TO app_of_rights;
    ALTER VIEW w OWNER TO app_of_rights;
    ALTER MATERIALIZED VIEW m OWNER TO app_of_rights; ALTER FUNCTION of_definer OWNER TO app_of_rights;
"""
FEW = "CREATE POLICY few ON t USING (who = 'a');"
FEW_OF_COMMON = "CREATE POLICY few ON t TO app_of_rights USING (who = 'a');"
FORCE = "ALTER TABLE t FORCE ROW LEVEL SECURITY;"
FORCED = """
    CREATE TABLE forced (id int); ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    ALTER TABLE forced OWNER TO app_of_rights; CREATE POLICY f ON forced USING (id > 1);
    INSERT INTO forced VALUES (1), (2);
"""
SCENARIOS: dict[str, tuple[str, RowSecurityMode | None]] = {
    "owned": (COMMON_OWNS + FEW, "bypass"),
    "strict": (COMMON_OWNS + "CREATE POLICY few ON t AS RESTRICTIVE USING (who = 'a')", "bypass"),
    "policyless": (COMMON_OWNS, "bypass"),
    "grouped": ("ALTER TABLE t OWNER TO group_of_rights", "bypass"),
    "mixed": (COMMON_OWNS + FEW + FORCED, "keep"),
    "forced": (COMMON_OWNS + FORCE + FEW + "DROP MATERIALIZED VIEW m", None),
    "granted": (FEW, None),
    "member": ("CREATE POLICY few ON t TO group_of_rights USING (who = 'a')", None),
    "others": ("CREATE POLICY few ON t TO distant_of_rights, other_of_rights USING (true)", None),
    "above": (FORCE + FEW_OF_COMMON, "keep"),
    "viewed": (
        COMMON_OWNS
        + "ALTER TABLE t OWNER TO other_of_rights; GRANT ALL ON t TO app_of_rights; DROP MATERIALIZED VIEW m;"
        + FEW_OF_COMMON,
        None,
    ),
}
"""By service: what is done to its schema, and what its `rowSecurity` becomes by what the plan prints."""


@pytest.fixture
def source(source_database: Database) -> Iterator[Database]:
    with source_database.connect() as connection:
        for role in ROLES:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        connection.execute("GRANT group_of_rights TO app_of_rights")
    yield source_database
    with source_database.connect() as connection:
        names = sql.SQL(", ").join(map(sql.Identifier, ROLES))
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(names))
        connection.execute(sql.SQL("DROP ROLE {}").format(names))


def execute(database: Database, statements: str) -> None:
    with database.connect() as connection:
        connection.execute(statements.encode())


def decide(made: Split, modes: Mapping[str, Any]) -> None:
    """Write `rowSecurity` into services.yaml and `pulumi up`."""
    services = dict(made.contract.services)
    for name, mode in modes.items():
        services[name] = services[name].model_copy(update={"row_security": mode})
        role = sql.Identifier(services[name].service.name)
        word = sql.SQL("BYPASSRLS" if mode == "bypass" else "NOBYPASSRLS")
        with made.superusers[name].connect() as connection:
            connection.execute(sql.SQL("ALTER ROLE {} {}").format(role, word))
    made.contract = made.contract.model_copy(update={"services": services})


def follow(made: Split, rounds: int = 6) -> Plan:
    """What the plan prints, done as it is printed, until there is no such advice."""
    for _ in range(rounds):
        plan = made.plan()
        lines = {match[1]: match[2] for p in plan.no_go if (match := _LINE.fullmatch(p.line))}
        advice = [match[1] for p in plan.no_go if (match := _STATEMENT.search(p.text))]
        if not lines and not advice:
            break
        decide(made, lines)
        for statement in dict.fromkeys(advice):
            execute(made.source, statement)
    return plan


def move_rows(made: Split, names: Sequence[str] = ("user",)) -> None:
    """The schemas, and the rows of their tables."""
    plan, dump = made.plan(), made.dump(names[0])
    for name in names:
        assert [str(one) for one in made.move_with(plan, dump, name)] == [], name
        with made.source.connect() as here, made.superusers[name].connect() as there:
            for table in plan.services[name].tables:
                rows = here.execute(sql.SQL("SELECT * FROM {}").format(table.name.identifier())).fetchall()
                marks = sql.SQL(", ").join([sql.Placeholder()] * len(table.columns))
                there.cursor().executemany(
                    sql.SQL("INSERT INTO {} VALUES ({})").format(table.name.identifier(), marks), rows
                )
            for view in plan.services[name].materialized_views:
                there.execute("SET row_security = on")
                there.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(view.identifier()))


def otherwise(made: Split, name: str, statements: tuple[str, ...] = STATEMENTS) -> list[str]:
    """The statements that the service's role gets another answer to than the common one did."""
    path = (f"{name}_schema", "public")
    here = answers(made.source, statements, role=APPLICATION.name, path=path)
    there = answers(
        made.superusers[name], statements, role=made.contract.services[name].service.name, path=path
    )
    return differences(statements, here, there)


@every_version_pair
def test_the_services_role_sees_what_the_common_role_saw(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    for name, (script, _) in SCENARIOS.items():
        execute(source, SCHEMA.format(f"{name}_schema") + script)
    rules = dict.fromkeys(SCENARIOS, (DROP_GRANTS,))
    with split(source, target_cluster, rules, tmp_path, APPLICATION) as made:
        decide(made, dict.fromkeys(SCENARIOS))
        plan = follow(made)
        assert [problem.text for problem in plan.no_go] == []
        services = made.contract.services
        assert {n: services[n].row_security for n in SCENARIOS} == {n: m for n, (_, m) in SCENARIOS.items()}
        move_rows(made, list(SCENARIOS))
        wrong = [f"{n}: {line}" for n in SCENARIOS for line in otherwise(made, n)]
    assert [line for line in wrong if not line.startswith(NOT_QUITE)] == []


@pytest.mark.parametrize("attribute", ["BYPASSRLS", "SUPERUSER"])
def test_a_common_role_above_policies_is_stood_for_by_one(
    source: Database, target_cluster: Cluster, tmp_path: Path, attribute: str
) -> None:
    execute(source, SCHEMA.format("user_schema") + FEW + f"ALTER ROLE app_of_rights {attribute}")
    with split(source, target_cluster, {"user": ()}, tmp_path, APPLICATION) as made:
        decide(made, {"user": None})
        assert [problem.text for problem in follow(made).no_go] == []
        assert made.contract.services["user"].row_security == "bypass"
        move_rows(made)
        assert otherwise(made, "user") == []


def test_what_is_not_decided_is_refused_with_the_tables_names(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    execute(source, SCHEMA.format("user_schema") + COMMON_OWNS)
    with split(source, target_cluster, {"user": ()}, tmp_path, APPLICATION) as made:
        decide(made, {"user": None})
        printed = r"user_schema\.t .*under user in services.yaml: rowSecurity: bypass"
        with pytest.raises(RightsUndecided, match=printed):
            made.plan().check()
        decide(made, {"user": "bind"})
        made.plan().check()


def test_policies_bind_where_services_yaml_says_so(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    execute(source, SCHEMA.format("user_schema") + COMMON_OWNS + "CREATE POLICY few ON t USING (who = 'a')")
    with split(source, target_cluster, {"user": ()}, tmp_path, APPLICATION) as made:
        decide(made, {"user": "bind"})
        move_rows(made)
        wrong = otherwise(made, "user")
        assert any(line.startswith("SELECT * FROM t ORDER BY id: 3 rows") for line in wrong)
        assert not any(line.startswith("SELECT of_definer") for line in wrong)


def test_a_bypass_that_the_instance_has_not_is_asked_of_pulumi_up(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    execute(source, SCHEMA.format("user_schema") + COMMON_OWNS)
    with split(source, target_cluster, {"user": ()}, tmp_path, APPLICATION) as made:
        decide(made, {"user": "bypass"})
        role = made.contract.services["user"].service.name
        with made.superusers["user"].connect() as connection:
            connection.execute(sql.SQL("ALTER ROLE {} NOBYPASSRLS").format(sql.Identifier(role)))
        (problem,) = made.plan().no_go
        assert "pulumi up" in problem.text


def test_policies_that_read_their_own_table_are_no_way_to_keep(
    source: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    circle = "CREATE POLICY own ON t USING (EXISTS (SELECT FROM t x WHERE x.who = 'a'))"
    execute(source, SCHEMA.format("user_schema") + COMMON_OWNS + circle)
    with split(source, target_cluster, {"user": ()}, tmp_path, APPLICATION) as made:
        for mode in ("keep", "bind"):
            decide(made, {"user": mode})
            assert "infinite recursion" in made.plan().no_go[0].text
        follow(made)
        move_rows(made)
        assert otherwise(made, "user") == []
