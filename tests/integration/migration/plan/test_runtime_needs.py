"""What only applications name is found in their statements before anything moves; what is printed helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.contract import CrossingRule
from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.catalog.read import read_catalog
from migration.examine.applications import with_applications
from migration.plan.facts import read_target
from migration.plan.make import make_plan
from migration.plan.model import Plan
from migration.traffic.needs import needs
from migration.traffic.queries import Crossings, RanStatement
from tests.support.clusters import Cluster
from tests.support.moving import Split, split

traffic_query = queries("migration.traffic")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize("versions", [(17, 17)], indirect=True, ids=["17-to-17"]),
]

SCRIPT = """
CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema; CREATE SCHEMA util;
CREATE EXTENSION pgcrypto SCHEMA public; CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION citext SCHEMA pay_schema; CREATE EXTENSION ltree SCHEMA public;
CREATE TABLE user_schema.users (id int PRIMARY KEY, path public.ltree);
CREATE TABLE pay_schema.pays (id int PRIMARY KEY);
CREATE FUNCTION util.pad(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN lpad($1, 9);
CREATE FUNCTION util.fmt(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT util.pad($1::text)';
CREATE TABLE util.rates (id int PRIMARY KEY);
"""


@pytest.fixture
def made(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Split]:
    with source_database.connect() as connection:
        connection.execute(SCRIPT)
    with split(source_database, target_cluster, {"user": (), "pay": ()}, tmp_path) as opened:
        yield opened


def planned(made: Split, *statements: str) -> Plan:
    """The plan of `user`, where these statements have run."""
    with made.source.connect() as connection:
        catalog = read_catalog(connection)
        builtin = {name for (name,) in connection.execute(traffic_query("builtin"))}
    ran = [RanStatement(text, "app", 3) for text in statements]
    found = needs(Crossings(made.contract, make_plan(made.contract, catalog)), ran, builtin)
    targets = {"user": read_target(made.targets["user"])}
    plan = make_plan(made.contract, catalog, ["user"], targets)
    return with_applications(plan, [made.contract.services["user"]], found, targets)


NAMED = {
    "SELECT digest(id::text, $1) FROM user_schema.users": ("function digest", "pgcrypto"),
    "SELECT $1::hstore FROM user_schema.users": ("type hstore", "hstore"),
    "SELECT id::pay_schema.citext FROM user_schema.users": ("type citext", "citext"),
    "SELECT public.crypt($1, $2) FROM user_schema.users": ("function crypt", "pgcrypto"),
}


def test_an_extension_that_only_statements_need_is_refused_with_the_line(made: Split) -> None:
    for statement, (named, extension) in NAMED.items():
        (problem,) = planned(made, statement).no_go
        assert problem.text.startswith(f"{named} of the extension {extension} is named by statements only")
        assert "(3 calls, the first by app: SELECT " in problem.text
        assert problem.line == f"services: user: extensions: [{extension}]"
    with made.superusers["user"].connect() as connection:
        connection.execute("CREATE EXTENSION pgcrypto SCHEMA public; CREATE EXTENSION hstore SCHEMA public")
        connection.execute("CREATE EXTENSION citext SCHEMA public")
    assert planned(made, *NAMED).no_go == ()


def test_what_the_objects_bring_or_postgresql_has_itself_is_nobodys_need(made: Split) -> None:
    statements = (
        "SELECT subpath(path, 0, 1), path::ltree FROM user_schema.users",
        "SELECT replace($1, $2, $3), gen_random_uuid() FROM user_schema.users",
        "SELECT digest FROM (SELECT 1 AS digest) AS hstore",
        "CREATE INDEX ON user_schema.users (digest(id::text, 'md5'))",
        "SELECT digest($1, $2) FROM pay_schema.pays",
    )
    plan = planned(made, *statements)
    assert plan.no_go == ()
    assert not [problem for problem in plan.all_problems if problem.kind == "extension"]


def test_a_statement_of_nobody_can_tell_whom_is_a_note_to_each(made: Split) -> None:
    plan = planned(made, "SELECT digest($1, $2)")
    assert plan.no_go == ()
    (problem,) = [problem for problem in plan.all_problems if problem.kind == "extension"]
    assert "of nobody can tell which service" in problem.text
    assert problem.line == "services: user: extensions: [pgcrypto]"


def test_objects_of_nobodys_schema_go_along_by_the_printed_rules(made: Split) -> None:
    statements = (
        "SELECT util.fmt(id) FROM user_schema.users",
        "SELECT u.id FROM user_schema.users u JOIN util.rates r ON r.id = u.id",
    )
    plan = planned(made, *statements)
    assert {problem.text.partition(" is named")[0] for problem in plan.no_go} == {
        "function util.fmt(integer)",
        "table util.rates",
    }
    rules = []
    for problem in plan.no_go:
        (rule,) = yaml.safe_load(problem.line.removeprefix("services: user: crossing: "))
        rules.append(CrossingRule.model_validate(rule))
    user = made.contract.services["user"].model_copy(update={"crossing": tuple(rules)})
    made.contract = made.contract.model_copy(update={"services": {**made.contract.services, "user": user}})
    plan = planned(made, *statements)
    assert plan.no_go == ()
    ignored = tuple(rule.model_copy(update={"action": "ignore"}) for rule in rules)
    kept = made.contract
    left = kept.services["user"].model_copy(update={"crossing": ignored})
    made.contract = kept.model_copy(update={"services": {**kept.services, "user": left}})
    assert planned(made, *statements).no_go == ()
    made.contract = kept
    moving = {str(plan.catalog.objects[key]) for key in plan.services["user"].objects}
    assert {"function util.fmt(integer)", "function util.pad(text)", "table util.rates"} <= moving
    assert not [p for p in plan.all_problems if "matches nothing" in p.text]
    assert made.move("user") == ()
    with made.superusers["user"].connect() as connection:
        assert connection.execute("SELECT util.fmt(7)").fetchone() == ("        7",)
