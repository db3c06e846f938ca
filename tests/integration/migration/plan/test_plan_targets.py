"""What a service's own database lacks, or has otherwise, is found in the plan, before anything moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import TargetLacks, VersionUnsupported
from core.sessions.connections import Database
from migration.catalog.read import read_catalog
from migration.plan.facts import read_target
from migration.plan.make import Plan, TargetFacts, make_plan
from tests.support.clusters import Cluster, Clusters
from tests.support.contracts import make_contract, make_service
from tests.support.moving import Split, split
from tests.support.versions import DEFAULT_VERSIONS, every_version_pair

pytestmark = pytest.mark.integration

Make = Callable[[str], Split]


@pytest.fixture
def make(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    opened = []

    def build(script: str) -> Split:
        with source_database.connect() as connection:
            connection.execute(("CREATE SCHEMA pay_schema;" + script).encode())
        context = split(source_database, target_cluster, {"pay": ()}, tmp_path)
        opened.append(context)
        return context.__enter__()

    yield build
    for context in opened:
        context.__exit__(None, None, None)


def planned(made: Split, **otherwise: Any) -> Plan:
    """The plan, as if the target were otherwise in some respect."""
    facts: TargetFacts = read_target(made.targets["pay"])
    with made.source.connect() as connection:
        return make_plan(
            made.contract, read_catalog(connection), targets={"pay": replace(facts, **otherwise)}
        )


def no_go(plan: Plan) -> str:
    (problem,) = plan.no_go
    return problem.text


def notes(plan: Plan) -> str:
    return "\n".join(problem.text for problem in plan.all_problems if problem.severity == "note")


def test_a_target_that_is_like_the_source_has_no_problem(make: Make) -> None:
    made = make('CREATE TABLE pay_schema.t (a text COLLATE "C", b text)')
    assert planned(made).no_go == ()


def test_a_target_that_is_older_is_refused(clusters: Clusters) -> None:
    newer, older = clusters.get("source", DEFAULT_VERSIONS[1]), clusters.get("target", DEFAULT_VERSIONS[0])
    source, target = newer.new_database(), older.new_database()
    try:
        with source.connect() as connection:
            connection.execute("CREATE SCHEMA pay_schema")
            catalog = read_catalog(connection)
        contract = make_contract(source, [make_service("pay")])
        plan = make_plan(contract, catalog, targets={"pay": read_target(target)})
        assert f"older than the shared one's {newer.version}" in no_go(plan)
        with pytest.raises(VersionUnsupported, match="version"):
            plan.check()
    finally:
        newer.drop_database(source)
        older.drop_database(target)


USES_CITEXT = "CREATE EXTENSION citext SCHEMA public; CREATE TABLE pay_schema.t (a public.citext)"


USES_UUIDS = """
CREATE EXTENSION "uuid-ossp" SCHEMA public;
CREATE TABLE pay_schema.t (id uuid DEFAULT public.uuid_generate_v4(), "Of" uuid DEFAULT public.uuid_nil());
CREATE TABLE pay_schema."U" (id uuid DEFAULT public.uuid_generate_v1mc());
"""


def test_an_extension_whose_files_are_missing_is_named_with_who_uses_it(make: Make) -> None:
    plan = planned(make(USES_CITEXT), available={}, versions={})
    assert "is needed, by table pay_schema.t (citext), and pay's server does not have its" in no_go(plan)
    assert plan.no_go[0].line == "", "`pulumi up` would fail by it"
    with pytest.raises(TargetLacks):
        plan.check()


def test_statements_that_do_without_uuid_ossp_are_printed_and_work(make: Make) -> None:
    made = make(USES_UUIDS)
    text = no_go(planned(made, available={}, versions={}))
    assert "default pay_schema.t.id (uuid_generate_v4)" in text
    assert "ALTER TABLE pay_schema.t ALTER COLUMN id SET DEFAULT gen_random_uuid();" in text
    with made.source.connect() as connection:
        connection.execute(text[text.index("ALTER TABLE") : text.rindex(";") + 1].encode())
        connection.execute('ALTER TABLE pay_schema.t ALTER "Of" DROP DEFAULT')
        connection.execute('DROP EXTENSION "uuid-ossp"')
    assert planned(made, available={}, versions={}).no_go == ()


@every_version_pair
def test_uuid_ossp_moves_with_what_needs_it(make: Make) -> None:
    made = make(USES_UUIDS)
    assert planned(made).no_go == ()
    assert made.move("pay") == ()


def test_an_extension_that_is_older_on_the_target_is_refused(make: Make) -> None:
    made = make(USES_CITEXT)
    assert planned(made).no_go == ()
    older = no_go(planned(made, versions={"citext": "1.0"}))
    assert "citext is at 1." in older
    assert "has 1.0" in older


def test_an_extension_in_another_schema_is_refused(make: Make) -> None:
    assert "is in schema other" in no_go(planned(make(USES_CITEXT), installed={"citext": "other"}))


def test_an_extension_that_only_a_superuser_can_make_is_refused(make: Make) -> None:
    facts = {"available": {"citext": False}, "installed": {"plpgsql": "pg_catalog", "hstore": "public"}}
    plan = planned(make(USES_CITEXT), **facts)
    assert "only a superuser can create it" in no_go(plan)
    assert plan.no_go[0].line == "services: pay: extensions: [citext, hstore]", "with what is there"


def test_an_encoding_that_is_not_the_shared_ones_is_refused(make: Make) -> None:
    made = make("CREATE TABLE pay_schema.t (a text)")
    assert "encoding UTF8 in the shared database, LATIN1" in no_go(planned(made, encoding="LATIN1"))


def test_a_collation_that_the_targets_machine_lacks_is_refused(make: Make) -> None:
    made = make('CREATE TABLE pay_schema.t (a text COLLATE "POSIX")')
    assert planned(made).no_go == ()
    lacking = no_go(planned(made, collations=frozenset({"C", "default"})))
    assert "pay_schema.t.a has the collation POSIX" in lacking


@pytest.mark.parametrize(
    "user",
    [
        "CREATE INDEX ix ON pay_schema.t (pay_schema.rate(a))",
        "CREATE MATERIALIZED VIEW pay_schema.m AS SELECT pay_schema.rate(1)",
    ],
)
def test_a_function_that_needs_a_search_path_where_17_has_none_is_a_no_go(make: Make, user: str) -> None:
    body = "$$ BEGIN RETURN (SELECT max(r) FROM rates); END $$"
    made = make(
        "CREATE TABLE pay_schema.t (a int); CREATE TABLE pay_schema.rates (r int);"
        f"CREATE FUNCTION pay_schema.rate(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS {body};"
        f"SET search_path = pay_schema; {user}"
    )
    said = no_go(planned(made, version_number=170000))
    assert "pay_schema.rate(integer), which names rates without a schema" in said
    assert planned(made, version_number=160000).no_go == ()
    with made.source.connect() as connection:
        connection.execute(said[said.index("ALTER FUNCTION") :].encode())
    assert planned(made, version_number=170000).no_go == ()


def test_a_server_without_room_for_the_locks_of_a_dump_is_refused(make: Make) -> None:
    made = make("CREATE TABLE pay_schema.t (a int); CREATE TABLE pay_schema.u (a int)")
    catalog = made.plan().catalog
    assert catalog.server.lock_slots > 1000
    full = replace(catalog, server=replace(catalog.server, lock_slots=1))
    assert "max_locks_per_transaction" in no_go(make_plan(made.contract, full))
