"""Statements that cross services are found where the server notes them: pg_stat_statements and its logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from components.catalogue.read import read_catalogue
from components.contract import Contract, CrossingRule, Login
from core.sessions.connections import Database
from demo.workload.invariants import check_invariants
from demo.workload.run import Workload
from migration.catalog.read import read_catalog
from migration.finish.rename_check import rename_gates
from migration.gates.data import runtime_queries as gate
from migration.gates.model import Gate, GateLimits
from migration.gates.scene import Check, Scene
from migration.gates.session_state import session_state
from migration.plan.make import make_plan
from migration.traffic.logs import read_log
from migration.traffic.queries import CrossingQuery
from migration.traffic.read import read_all
from migration.traffic.session_state import session_uses
from tests.support.clusters import Cluster, Clusters
from tests.support.contracts import make_contract, make_service
from tests.support.demo_database import demo_contract, demo_database
from tests.support.places import REPOSITORY
from tests.support.queries_verb import run_queries
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.integration

NOTING = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "logging_collector": "on",
    "log_destination": "stderr,csvlog,jsonlog",
    "log_directory": "log",
    "log_filename": "noted.log",
    "log_statement": "all",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
APPLICATION = Login(name="runtime_app", password=SecretStr("runtime-app-of-the-tests"))
SHOP = """
    CREATE EXTENSION pg_stat_statements;
    CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, name text);
    CREATE TABLE pay_schema.pays (id int PRIMARY KEY, user_id int);
    CREATE TABLE pay_schema.users (id int);
    CREATE VIEW pay_schema.seen AS SELECT name FROM user_schema.users;
    CREATE FUNCTION user_schema.name_of(int) RETURNS text LANGUAGE sql AS
        'SELECT name FROM user_schema.users WHERE id = $1';
    GRANT USAGE ON SCHEMA user_schema, pay_schema TO runtime_app;
    GRANT ALL ON ALL TABLES IN SCHEMA user_schema, pay_schema TO runtime_app;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA user_schema TO runtime_app;
"""
DROPPED_VIEW = CrossingRule(match="view pay_schema.seen -> *", action="drop", reason="to be asked instead")


@pytest.fixture(scope="module")
def noting(clusters: Clusters) -> Iterator[Cluster]:
    """A server that notes every statement everywhere."""
    with clusters.private("source", DEFAULT_VERSIONS[0], NOTING) as cluster:
        with cluster.database().connect() as connection:
            connection.execute("CREATE ROLE runtime_app LOGIN PASSWORD 'runtime-app-of-the-tests'")
        yield cluster


@pytest.fixture
def shop(noting: Cluster) -> Iterator[Database]:
    database = noting.new_database()
    with database.connect() as connection:
        connection.execute(SHOP)
    yield database
    with database.connect() as connection:
        connection.execute("ALTER ROLE runtime_app RESET search_path")
    noting.drop_database(database)


def agreed(shop: Database, *rules: CrossingRule, user: tuple[CrossingRule, ...] = ()) -> Contract:
    own = {"user": user, "pay": (DROPPED_VIEW, *rules)}
    services = [make_service(name).model_copy(update={"crossing": one}) for name, one in own.items()]
    return make_contract(shop, services, APPLICATION)


def run(shop: Database, *statements: str) -> None:
    """As the application."""
    with Database("shop", "source", shop.endpoint, APPLICATION, plain=True).connect() as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(shop: Database, contract: Contract) -> dict[str, CrossingQuery]:
    with shop.connect() as connection:
        catalog = read_catalog(connection, application=APPLICATION.name)
    ran, judge = read_all(contract, catalog, shop)
    assert ran.advice == ""
    return {query.text: query for query in judge.judge(ran.statements)}


def test_a_join_and_a_write_across_services_are_found_with_role_and_count(shop: Database) -> None:
    join = "SELECT u.name FROM user_schema.users u JOIN pay_schema.pays p ON p.user_id = u.id"
    write = "INSERT INTO pay_schema.pays SELECT id, id FROM user_schema.users"
    run(shop, join, join, write, "SELECT * FROM pay_schema.pays", "SELECT name FROM user_schema.users")
    queries = found(shop, agreed(shop))
    assert set(queries) == {join, write}
    assert (queries[join].role, queries[join].calls, queries[join].kind) == ("runtime_app", 2, "joins")
    assert queries[join].services == ("pay", "user")
    assert (queries[write].kind, queries[write].writes) == ("writes across", ("pay",))


def test_unqualified_names_mean_what_the_roles_search_path_finds(shop: Database) -> None:
    with shop.connect() as connection:
        connection.execute("ALTER ROLE runtime_app SET search_path = user_schema")
    run(shop, "SELECT count(*) FROM users", "SELECT name FROM users, pay_schema.pays")
    queries = found(shop, agreed(shop))
    assert queries["SELECT name FROM users, pay_schema.pays"].names == (
        "table pay_schema.pays",
        "table user_schema.users",
    )
    assert len(queries) == 1


def test_a_role_of_one_service_that_reads_another_alone_crosses_too(shop: Database) -> None:
    with shop.connect() as connection:
        connection.execute("ALTER ROLE runtime_app SET search_path = user_schema")
    run(shop, "SELECT id FROM pay_schema.pays")
    assert found(shop, agreed(shop))["SELECT id FROM pay_schema.pays"].kind == "foreign"


def test_names_that_a_gateway_would_find_are_tried_service_by_service(shop: Database) -> None:
    """A gateway sets the path of each session; pg_stat_statements does not say which."""
    run(shop, "SET search_path = pay_schema", "SELECT p.id FROM pays p JOIN users ON true")
    assert found(shop, agreed(shop)) == {}


def test_a_call_of_another_services_function_crosses(shop: Database) -> None:
    run(shop, "SELECT user_schema.name_of(user_id) FROM pay_schema.pays")
    (query,) = found(shop, agreed(shop)).values()
    assert "function user_schema.name_of(integer)" in query.names


def test_a_statement_that_uses_what_is_dropped_would_fail(shop: Database) -> None:
    run(shop, "SELECT * FROM pay_schema.seen")
    (query,) = found(shop, agreed(shop)).values()
    assert (query.kind, query.dropped) == ("uses what is dropped", ("view pay_schema.seen",))


def test_what_the_plan_copies_does_not_cross(shop: Database) -> None:
    with shop.connect() as connection:
        connection.execute(
            "CREATE FUNCTION user_schema.twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';"
            "ALTER TABLE pay_schema.pays ALTER user_id SET DEFAULT user_schema.twice(1)"
        )
    statement = "SELECT user_schema.twice(id) FROM pay_schema.pays"
    run(shop, statement)
    copied = CrossingRule(match="default *", action="copy", reason="pure")
    assert set(found(shop, agreed(shop))) == {statement.replace("twice(id)", "twice(id)")}
    assert found(shop, agreed(shop, copied)) == {}


def test_what_is_kept_as_a_reference_can_be_read_and_not_written(shop: Database) -> None:
    read = "SELECT name FROM pay_schema.pays JOIN user_schema.users u ON u.id = user_id"
    write = "UPDATE user_schema.users SET name = $1 FROM pay_schema.pays"
    run(shop, read, write.replace("$1", "'x'"))
    kept = CrossingRule(match="view pay_schema.seen -> *", action="reference", reason="read all the time")
    contract = agreed(shop)
    pay = contract.services["pay"].model_copy(update={"crossing": (kept,)})
    contract = contract.model_copy(update={"services": {**contract.services, "pay": pay}})
    assert set(found(shop, agreed(shop))) == {read, write}
    assert set(found(shop, contract)) == {write}


def test_what_administrators_and_tools_run_is_not_the_services_doing(shop: Database) -> None:
    with shop.connect() as connection:
        connection.execute("SELECT * FROM user_schema.users, pay_schema.pays")
    locked = "LOCK TABLE user_schema.users, pay_schema.pays IN ACCESS SHARE MODE"
    run(shop, "BEGIN", locked, "COMMIT")
    assert found(shop, agreed(shop)) == {}


def test_a_rule_of_services_yaml_allows_a_statement_on_purpose(shop: Database) -> None:
    run(shop, "SELECT * FROM user_schema.users, pay_schema.pays")
    (asked,) = found(shop, agreed(shop)).values()
    (line,) = yaml.safe_load(asked.line.replace("...", "a report that is switched off on Friday"))
    contract = agreed(shop, CrossingRule.model_validate(line))
    (query,) = found(shop, contract).values()
    assert query.reason == "a report that is switched off on Friday"
    with shop.connect() as connection:
        plan = make_plan(contract, read_catalog(connection))
    assert not any("matches nothing" in problem.text for problem in plan.problems)


@pytest.mark.parametrize("name", ["noted.log", "noted.csv", "noted.json"])
def test_the_servers_log_tells_the_same_in_every_format(noting: Cluster, shop: Database, name: str) -> None:
    run(
        shop,
        "SELECT name FROM user_schema.users JOIN pay_schema.pays ON name = 'a secret of ours'",
        "SET lock_timeout = '7s'",
    )
    with shop.connect() as connection:
        catalog = read_catalog(connection, application=APPLICATION.name)
        connection.execute("SELECT 1")
    contract = agreed(shop)
    _, judge = read_all(contract, catalog, shop)
    log = noting.server.data / "log" / name
    statements = read_log(log, shop.endpoint.database, NOTING["log_line_prefix"], frozenset({"tester"}))
    (query,) = judge.judge(statements)
    assert (query.source, query.role, query.calls) == ("log", "runtime_app", 1)
    assert "$1" in query.text, "values do not leave the log"
    assert [str(use) for use in session_uses(statements)] == ["runtime_app: SET lock_timeout, 1 times"]


def the_gate(shop: Database, contract: Contract, service: str = "pay", which: Check = gate) -> Gate:
    with shop.connect() as there, shop.connect() as here:
        catalog = read_catalog(there, application=APPLICATION.name)
        scene = Scene(
            contract, contract.services[service], make_plan(contract, catalog, [service]), "cutover",
            GateLimits(), None, shop, shop, there, here,
        )  # fmt: skip
        (one,) = which.run(scene)
    return one


def test_what_statements_keep_in_their_session_is_found(shop: Database) -> None:
    run(
        shop,
        *["SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"] * 3,
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SELECT pg_advisory_lock(1), pg_advisory_unlock(1)",
        "SET LOCAL statement_timeout = '5s'",
    )
    found = the_gate(shop, agreed(shop), which=session_state)
    assert found.verdict == "warn"
    assert "runtime_app: SET SESSION CHARACTERISTICS, 4 times" in found.figure
    assert "runtime_app: advisory lock of a session, 1 times" in found.figure
    assert "statement_timeout" not in found.figure
    assert "BEGIN ISOLATION LEVEL" in found.advice
    contract = agreed(shop)
    by_session = contract.services["pay"].model_copy(update={"pooling": "session"})
    pooled = contract.model_copy(update={"services": {**contract.services, "pay": by_session}})
    assert the_gate(shop, pooled, which=session_state).verdict == "go"


def test_the_gate_is_closed_while_a_statement_crosses_and_can_be_skipped(shop: Database) -> None:
    assert the_gate(shop, agreed(shop)).verdict == "go"
    run(shop, "SELECT * FROM user_schema.users, pay_schema.pays")
    closed = the_gate(shop, agreed(shop))
    assert (closed.verdict, closed.overridable) == ("no-go", True)
    assert "1 times by runtime_app: SELECT * FROM user_schema.users, pay_schema.pays" in closed.figure
    with shop.connect() as connection:
        connection.execute("SELECT pg_stat_statements_reset()")
    assert the_gate(shop, agreed(shop)).verdict == "go"


def test_without_the_extension_the_gate_says_how_to_have_it(
    shop: Database, source_database: Database
) -> None:
    with shop.connect() as connection:
        connection.execute("DROP EXTENSION pg_stat_statements")
    not_created = the_gate(shop, agreed(shop))
    assert (not_created.verdict, "CREATE EXTENSION" in not_created.advice) == ("unknown", True)
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema")
    not_loaded = the_gate(source_database, agreed(source_database))
    assert not_loaded.verdict == "unknown"
    assert "shared_preload_libraries" in not_loaded.advice


def test_the_command_lists_them_and_its_exit_status_tells(shop: Database, tmp_path: Path) -> None:
    clean = run_queries(agreed(shop), tmp_path)
    assert (clean.returncode, clean.stderr) == (0, "")
    run(shop, "SELECT * FROM user_schema.users, pay_schema.pays")
    listed = run_queries(agreed(shop), tmp_path)
    assert listed.returncode == 27
    assert "SELECT * FROM user_schema.users, pay_schema.pays" in listed.stdout
    assert len(listed.stderr.splitlines()) == 1, "one line that says what to do"
    (query,) = json.loads(run_queries(agreed(shop), tmp_path, "--json", "pay").stdout)["queries"]
    assert (query["services"], query["calls"], query["role"]) == (["pay", "user"], 1, "runtime_app")
    run(shop, "LISTEN news")
    (use,) = json.loads(run_queries(agreed(shop), tmp_path, "--json").stdout)["sessions"]
    assert (use["kind"], use["role"], use["calls"]) == ("LISTEN", "runtime_app", 1)


def demo_decisions() -> Mapping[str, Mapping[str, Any]]:
    """What the project's own services.yaml decides, as fields of a service."""
    catalogue = read_catalogue(REPOSITORY / "services.yaml")
    return {
        name: {"crossing": tuple(entry.crossing), "row_security": entry.row_security}
        for name, entry in catalogue.services.items()
    }


def test_statements_naming_a_schema_to_be_renamed_close_a_gate(shop: Database) -> None:
    """Here one database is all: the shared one, and the service's own with its role."""
    service = make_service("user", shop.endpoint, shop.login, service_login=APPLICATION)
    service = service.model_copy(update={"own_schema": "accounts"})
    contract = make_contract(shop, [service])

    def gate(name: str) -> Gate:
        return next(gate for gate in rename_gates(contract, service) if gate.name == name)

    run(shop, "SET search_path = user_schema", "SELECT name FROM users")
    with shop.connect() as connection:
        connection.execute("SELECT count(*) FROM user_schema.users")
    assert gate("rename-statements").verdict == "go", "what others run is not the service's doing"
    run(shop, "SELECT name FROM user_schema.users WHERE id = 1")
    closed = gate("rename-statements")
    assert (closed.verdict, closed.overridable) == ("no-go", True)
    assert "'SELECT name FROM user_schema.users WHERE id = $1'" in closed.figure
    assert gate("rename-texts").figure.startswith("function user_schema.name_of(integer) (user_schema.users)")
    with shop.connect() as connection:
        connection.execute("CREATE PUBLICATION somebodys FOR TABLE user_schema.users")
    assert gate("rename-bound").figure.startswith("publication somebodys")
    assert gate("rename-unseen").verdict == "go"


def test_the_demos_workload_crosses_nowhere_and_its_plan_has_no_no_go(
    noting: Cluster, tmp_path: Path
) -> None:
    with demo_database(noting) as shared:
        contract = demo_contract(shared)
        services = {
            name: service.model_copy(update=demo_decisions()[name])
            for name, service in contract.services.items()
        }
        contract = contract.model_copy(update={"services": services})
        with shared.connect() as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute("SELECT pg_stat_statements_reset()")
        workload = Workload(contract, tmp_path, rate=40, workers=4, seed=1)
        workload.run(4)
        assert check_invariants(contract, workload.journal) == []
        with shared.connect() as connection:
            catalog = read_catalog(connection, application=contract.source.application.name)
        ran, judge = read_all(contract, catalog, shared)
        assert len(ran.statements) > 20
        assert [query.text for query in judge.judge(ran.statements)] == []
        assert [problem.text for problem in make_plan(contract, catalog).no_go] == []
