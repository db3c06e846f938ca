"""Creating a schema on a service's own database: whose it is, what it may, what a crash leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from components.contract import Login
from core.errors import CopyFailed, Interrupted, SchemaChanged, SchemaOnTarget, TargetNotEmpty
from core.sessions.connections import Database
from migration.fidelity.compare import compare_schemas
from migration.schema.create import build_indexes, create_schema
from migration.schema.target import drop_schema_on_target
from tests.support.clusters import Cluster
from tests.support.moving import PASSWORD, Split, split

pytestmark = pytest.mark.integration

SHARED = """
    CREATE SCHEMA user_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, mail text, note text);
    CREATE TABLE user_schema.logins (user_id int REFERENCES user_schema.users, at timestamptz);
    CREATE INDEX by_mail ON user_schema.users (mail);
"""
APPLICATION = Login(name="app_of_a_test", password=SecretStr("unused"))

Make = Callable[..., Split]


@pytest.fixture
def make(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Make]:
    opened = []

    def build(script: str = "", application: Login | None = None) -> Split:
        with source_database.connect() as connection:
            connection.execute((SHARED + script).encode())
        context = split(source_database, target_cluster, {"user": ()}, tmp_path, application)
        opened.append(context)
        return context.__enter__()

    yield build
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def application(source_database: Database) -> Iterator[Login]:
    with source_database.connect() as connection:
        connection.execute("CREATE ROLE app_of_a_test; CREATE ROLE auditor_of_a_test")
    yield APPLICATION
    with source_database.connect() as connection:
        connection.execute("DROP OWNED BY app_of_a_test, auditor_of_a_test CASCADE")
        connection.execute("DROP ROLE app_of_a_test, auditor_of_a_test")


def relations(database: Database, schema: str = "user_schema") -> set[str]:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind <> 't'",
            [schema],
        )
        return {row[0] for row in rows}


def service_session(made: Split) -> psycopg.Connection[tuple[object, ...]]:
    login = Login(name=made.contract.services["user"].service.name, password=PASSWORD)
    return Database("service", "target", made.superusers["user"].endpoint, login, plain=True).connect()


def test_everything_belongs_to_the_owner_role(make: Make) -> None:
    made = make(
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1; CREATE TYPE public.e AS ENUM ('a')"
    )
    made.move("user")
    with made.superusers["user"].connect() as connection:
        owners = connection.execute(
            "SELECT DISTINCT pg_get_userbyid(o) FROM ("
            " SELECT relowner FROM pg_class WHERE relnamespace = 'user_schema'::regnamespace"
            " UNION SELECT proowner FROM pg_proc WHERE oid = 'public.f'::regproc"
            " UNION SELECT typowner FROM pg_type WHERE oid = 'public.e'::regtype) x (o)"
        ).fetchall()
    assert owners == [(made.contract.services["user"].owner,)]


def test_the_service_may_do_what_the_application_could(make: Make, application: Login) -> None:
    made = make(
        "GRANT USAGE ON SCHEMA user_schema TO app_of_a_test; GRANT SELECT, INSERT ON user_schema.users TO"
        " app_of_a_test; GRANT UPDATE (note) ON user_schema.users TO app_of_a_test;"
        " CREATE TABLE user_schema.secret (x int);"
        " CREATE FUNCTION user_schema.closed() RETURNS int LANGUAGE sql RETURN 1;"
        " REVOKE ALL ON FUNCTION user_schema.closed() FROM PUBLIC;"
        " CREATE FUNCTION user_schema.open() RETURNS int LANGUAGE sql RETURN 2",
        application,
    )
    made.move("user")
    with service_session(made) as session:
        session.execute("INSERT INTO user_schema.users VALUES (1, 'a', 'b')")
        session.execute("UPDATE user_schema.users SET note = 'c'")
        assert session.execute("SELECT user_schema.open()").fetchone() == (2,)
        for refused in (
            "UPDATE user_schema.users SET mail = 'x'",
            "DELETE FROM user_schema.users",
            "SELECT * FROM user_schema.secret",
            "SELECT user_schema.closed()",
            "CREATE TABLE user_schema.mine (x int)",
            "DROP TABLE user_schema.users",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(refused)


def test_policies_for_the_application_hold_for_the_service(make: Make, application: Login) -> None:
    made = make(
        "GRANT SELECT ON user_schema.users TO app_of_a_test;"
        "ALTER TABLE user_schema.users ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY few ON user_schema.users FOR SELECT TO app_of_a_test, auditor_of_a_test"
        " USING (id < 2);"
        "CREATE POLICY all_ ON user_schema.users TO auditor_of_a_test USING (true)",
        application,
    )
    assert made.move("user") == (), "a policy for nobody on the target is no difference"
    with made.superusers["user"].connect() as connection:
        connection.execute("INSERT INTO user_schema.users VALUES (1), (2), (3)")
    with service_session(made) as session:
        assert session.execute("SELECT id FROM user_schema.users").fetchall() == [(1,)]


def test_what_a_user_has_in_the_schema_is_never_touched(make: Make) -> None:
    made = make()
    with made.superusers["user"].connect() as connection:
        connection.execute("CREATE TABLE user_schema.precious AS SELECT 1 AS x")
    with pytest.raises(SchemaOnTarget, match=r"user_schema\.precious"):
        made.move("user")
    assert relations(made.superusers["user"]) == {"precious"}


def test_a_database_with_something_else_in_it_is_refused(make: Make) -> None:
    made = make()
    with made.superusers["user"].connect() as connection:
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.precious (x int)")
    with pytest.raises(TargetNotEmpty, match=r"other\.precious"):
        made.move("user")


def test_dropping_takes_only_what_was_made(make: Make) -> None:
    made = make("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1")
    made.move("user")
    with made.superusers["user"].connect() as connection:
        connection.execute("CREATE TABLE user_schema.precious AS SELECT 1 AS x")
    drop_schema_on_target(made.targets["user"], "user")
    assert relations(made.superusers["user"]) == {"precious"}
    assert drop_schema_on_target(made.targets["user"], "user") == 0, "the second time there is nothing left"


def test_dropping_stops_at_what_a_user_built_on_top(make: Make) -> None:
    made = make()
    made.move("user")
    before = relations(made.superusers["user"])
    with made.superusers["user"].connect() as connection:
        connection.execute("CREATE SCHEMA mine; CREATE VIEW mine.v AS SELECT id FROM user_schema.users")
    with pytest.raises(SchemaOnTarget, match=r"mine\.v"):
        drop_schema_on_target(made.targets["user"], "user")
    assert relations(made.superusers["user"]) == before


def test_creating_again_starts_over(make: Make) -> None:
    made = make()
    made.move("user")
    assert made.move("user") == ()


def test_rows_that_violate_a_key_are_named_and_the_build_goes_on_later(make: Make) -> None:
    made = make()
    plan, dump, target = made.plan(), made.dump("user"), made.targets["user"]
    create_schema(made.contract, plan, "user", dump, target)
    with made.superusers["user"].connect() as connection:
        connection.execute("INSERT INTO user_schema.users VALUES (1, 'a'), (1, 'b')")
        with pytest.raises(CopyFailed, match="users_pkey"):
            build_indexes(made.contract, plan, "user", dump, target)
        connection.execute("DELETE FROM user_schema.users WHERE mail = 'b'")
        build_indexes(made.contract, plan, "user", dump, target)
        build_indexes(made.contract, plan, "user", dump, target)
    assert compare_schemas(made.source, target, plan, "user", made.contract) == ()


def test_a_foreign_key_that_rows_violate_is_named(make: Make) -> None:
    made = make()
    plan, dump, target = made.plan(), made.dump("user"), made.targets["user"]
    create_schema(made.contract, plan, "user", dump, target)
    with made.superusers["user"].connect() as connection:
        connection.execute("INSERT INTO user_schema.logins VALUES (7, now())")
    with pytest.raises(CopyFailed, match="logins_user_id_fkey"):
        build_indexes(made.contract, plan, "user", dump, target)


def test_an_interrupted_build_ends_at_once_and_goes_on_later(make: Make) -> None:
    made = make(
        "CREATE FUNCTION user_schema.slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN PERFORM pg_sleep(20); RETURN 1; END';"
        "CREATE INDEX slow ON user_schema.users (user_schema.slow(id))"
    )
    plan, dump, target = made.plan(), made.dump("user"), made.targets["user"]
    create_schema(made.contract, plan, "user", dump, target)
    with made.superusers["user"].connect() as connection:
        connection.execute("INSERT INTO user_schema.users VALUES (1)")
        stop = threading.Event()
        threading.Timer(1.0, stop.set).start()
        with pytest.raises(Interrupted):
            build_indexes(made.contract, plan, "user", dump, target, stop=stop)
        connection.execute("DELETE FROM user_schema.users")
    build_indexes(made.contract, plan, "user", dump, target)
    assert compare_schemas(made.source, target, plan, "user", made.contract) == ()


class Tired:
    """A throttle that lets its worker rest for a long time ahead of every task but the first."""

    def __init__(self) -> None:
        self.asked = 0

    def rest(self, moved: int) -> float:
        self.asked += 1
        return 20.0 if self.asked > 1 else 0.0

    def why(self) -> str | None:
        return None


def test_a_build_that_is_held_back_ends_at_once_and_goes_on_later(make: Make) -> None:
    made = make()
    plan, dump, target = made.plan(), made.dump("user"), made.targets["user"]
    create_schema(made.contract, plan, "user", dump, target)
    stop, tired = threading.Event(), Tired()
    threading.Timer(1.0, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        build_indexes(made.contract, plan, "user", dump, target, workers=1, stop=stop, throttle=tired)
    assert time.monotonic() - begun < 15
    assert tired.asked == 2, "it rested ahead of the second statement"
    build_indexes(made.contract, plan, "user", dump, target)
    assert compare_schemas(made.source, target, plan, "user", made.contract) == ()


def test_a_schema_that_changes_between_plan_and_dump_is_noticed(make: Make) -> None:
    made = make()
    plan = made.plan()
    with made.source.connect() as connection:
        connection.execute("DROP TABLE user_schema.logins")
    with pytest.raises(SchemaChanged, match=r"user_schema\.logins"):
        create_schema(made.contract, plan, "user", made.dump("user"), made.targets["user"])


def test_a_difference_in_the_schema_is_found_and_named(make: Make) -> None:
    made = make("COMMENT ON COLUMN user_schema.users.mail IS 'where to write to'")
    made.move("user")
    with made.superusers["user"].connect() as connection:
        connection.execute(
            "ALTER TABLE user_schema.users ALTER mail SET NOT NULL; DROP INDEX user_schema.by_mail;"
            "COMMENT ON COLUMN user_schema.users.mail IS NULL; CREATE VIEW user_schema.more AS SELECT 1 AS a"
        )
    found = compare_schemas(made.source, made.targets["user"], made.plan(), "user", made.contract)
    assert {f"{d.kind} {d.identity}" for d in found} == {
        "column user_schema.users.mail",
        "index user_schema.by_mail",
        "view user_schema.more",
        "column user_schema.more.a",
        "comment table column user_schema.users.mail",
    }


def test_no_password_is_in_the_arguments_of_pg_dump(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    import subprocess

    start = subprocess.Popen

    def watch(command, **options):  # type: ignore[no-untyped-def]
        seen.extend(map(str, command))
        return start(command, **options)

    made = make()
    monkeypatch.setattr(subprocess, "Popen", watch)
    made.dump("user")
    assert seen
    assert not any(made.source.login.password.get_secret_value() in word for word in seen)


def test_what_this_program_put_on_the_source_does_not_move(make: Make) -> None:
    made = make(
        "CREATE SCHEMA waqiti_migration; CREATE TABLE waqiti_migration.flag (x int);"
        "CREATE FUNCTION waqiti_migration.guard() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER guard BEFORE INSERT ON user_schema.users EXECUTE FUNCTION waqiti_migration.guard();"
        "CREATE PUBLICATION waqiti_user_forward FOR TABLE user_schema.users;"
        "CREATE PUBLICATION somebodys FOR TABLE user_schema.users"
    )
    plan = made.plan()
    assert [e.identity for e in plan.services["user"].edges] == ["publication somebodys -> user_schema"]
    assert plan.unclaimed == ("publication somebodys",)
    assert made.move_with(plan, made.dump("user"), "user") == ()
    with made.superusers["user"].connect() as connection:
        triggers = connection.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone()
    assert triggers == (0,)
