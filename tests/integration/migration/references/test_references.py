"""What `reference` keeps: the columns that a plan asks for, in a table that never looks empty."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from components.contract import Contract, CrossingRule
from core.errors import VerificationFailed
from core.sessions.connections import Database
from migration.catalog.tables import TableName
from migration.plan.make import plan_to_json
from migration.references.link import follow, unfollow
from migration.references.model import Link
from tests.support.clusters import Cluster
from tests.support.contracts import make_contract, make_service
from tests.support.moving import Split, split

pytestmark = pytest.mark.integration

SHARED = """
CREATE SCHEMA user_schema; CREATE SCHEMA pay_schema;
CREATE TABLE user_schema.users
    (id int PRIMARY KEY, handle text NOT NULL UNIQUE, name text, born date, secret text);
CREATE TABLE pay_schema.pays
    (id int PRIMARY KEY, handle text REFERENCES user_schema.users (handle), user_id int);
CREATE VIEW pay_schema.ages AS
    SELECT p.id, u.born FROM pay_schema.pays p JOIN user_schema.users u ON u.id = p.user_id;
CREATE VIEW pay_schema.wide AS
    SELECT p.id, u AS whole FROM pay_schema.pays p JOIN user_schema.users u USING (id);
CREATE FUNCTION pay_schema.f() RETURNS bigint LANGUAGE sql
    AS 'SELECT count(u.name) FROM user_schema.users u';
CREATE FUNCTION pay_schema.checked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM user_schema.users u WHERE u.handle = NEW.handle) THEN RAISE 'nobody'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER checked BEFORE INSERT ON pay_schema.pays FOR EACH ROW EXECUTE FUNCTION pay_schema.checked();
CREATE POLICY known ON pay_schema.pays
    USING (EXISTS (SELECT FROM user_schema.users u WHERE u.id = user_id AND u.born IS NOT NULL));
"""


def rule(match: str, action: str = "reference") -> CrossingRule:
    return CrossingRule.model_validate({"match": match, "action": action, "reason": "of a test"})


def columns(made: Split) -> dict[str, list[str]]:
    """The columns of each replica that the plan for `pay` has."""
    replicas = plan_to_json(made.plan(["pay"]))["services"]["pay"]["replicas"]
    return {replica["table"]: replica["columns"] for replica in replicas}


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("foreign key", ["id", "handle"]),
        ("view pay_schema.ages", ["id", "born"]),
        ("function pay_schema.f", ["id", "name"]),
        ("function pay_schema.checked", ["id", "handle"]),
        ("policy pay_schema.pays.known", ["id", "born"]),
        ("view pay_schema.wide", ["id", "handle", "name", "born", "secret"]),
    ],
)
def test_only_the_columns_that_are_needed_are_kept(
    source_database: Database, target_cluster: Cluster, tmp_path: Path, kind: str, kept: list[str]
) -> None:
    with source_database.connect() as connection:
        connection.execute(SHARED.encode())
    rules = [rule(f"{kind}* -> user_schema.users"), rule("*", "drop")]
    with split(source_database, target_cluster, {"user": [], "pay": rules}, tmp_path) as made:
        assert not made.plan(["pay"]).no_go
        assert columns(made) == {"user_schema.users": kept}


def test_a_function_that_writes_cannot_be_a_reference_and_is_told_why(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute(SHARED.encode())
        connection.execute(
            "CREATE FUNCTION pay_schema.w() RETURNS void LANGUAGE sql"
            " AS 'UPDATE user_schema.users SET name = NULL'"
        )
    rules = [rule("function pay_schema.w*"), rule("*", "drop")]
    with split(source_database, target_cluster, {"user": [], "pay": rules}, tmp_path) as made:
        (problem,) = made.plan(["pay"]).no_go
        assert "cannot be a `reference`: it writes there (UPDATE)" in problem.text


@pytest.fixture
def linked(
    source_database: Database, target_database: Database, target_cluster: Cluster
) -> tuple[Contract, Database, Database]:
    """A contract, the shared database with users, and pay's own with an empty replica of them."""
    owner = target_database.login.name
    services = [
        make_service(name, target_database.endpoint, target_database.login, owner=owner)
        for name in ("user", "pay")
    ]
    table = "CREATE SCHEMA user_schema; CREATE TABLE user_schema.users (id int PRIMARY KEY, name text);"
    for database in (source_database, target_database):
        with database.connect() as connection:
            connection.execute(table.encode())
    with source_database.connect() as connection:
        connection.execute("INSERT INTO user_schema.users SELECT n, 'old' FROM generate_series(1, 5000) AS n")
    with target_database.connect() as connection:
        connection.execute(
            "CREATE FUNCTION user_schema.f() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RAISE EXCEPTION ''no''; END';"
            "CREATE TRIGGER waqiti_read_only BEFORE INSERT OR DELETE ON user_schema.users"
            " FOR EACH STATEMENT EXECUTE FUNCTION user_schema.f()"
        )
    return make_contract(source_database, services), source_database, target_database


def test_filling_again_never_shows_an_empty_or_a_mixed_table(
    linked: tuple[Contract, Database, Database],
) -> None:
    contract, shared, own = linked
    link = Link("pay", "user", "shared", ((TableName("user_schema", "users"), ("id", "name")),))
    assert follow(contract, link) == 5000
    seen: set[tuple[int, ...]] = set()
    ended = threading.Event()

    def read() -> None:
        with own.connect(application_name="reader") as connection:
            while not ended.is_set():
                row = connection.execute("SELECT count(*), count(DISTINCT name) FROM user_schema.users")
                seen.add(tuple(row.fetchone() or ()))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            with shared.connect() as connection:
                # Written while nothing follows, in between, and afterwards: all of it arrives, once.
                connection.execute("UPDATE user_schema.users SET name = name || '+'")
            assert follow(contract, link) == 5000
    finally:
        ended.set()
        reader.join()
    assert seen == {(5000, 1)}
    with own.connect() as connection:
        assert connection.execute("SELECT DISTINCT name FROM user_schema.users").fetchall() == [("old+++",)]
    unfollow(contract, link)


def test_what_is_filled_is_compared_before_anybody_reads_it(
    linked: tuple[Contract, Database, Database],
) -> None:
    contract, shared, own = linked
    link = Link("pay", "user", "shared", ((TableName("user_schema", "users"), ("id", "name")),))
    follow(contract, link)
    with own.connect() as connection:
        connection.execute(
            "CREATE FUNCTION user_schema.g() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN NEW.name := ''another''; RETURN NEW; END';"
            "CREATE TRIGGER another BEFORE INSERT ON user_schema.users"
            " FOR EACH ROW WHEN (NEW.id = 4711) EXECUTE FUNCTION user_schema.g()"
        )
    with shared.connect() as connection:
        connection.execute("DELETE FROM user_schema.users WHERE id < 10")
    with pytest.raises(VerificationFailed, match="would not be what it is copied from"):
        follow(contract, link)
    with own.connect() as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT name) FROM user_schema.users").fetchone()
    assert row is not None
    assert row[1] == 1, "nothing that is wrong is kept"
    unfollow(contract, link)
