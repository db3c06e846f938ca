"""On a service's own instance the migration is no superuser; all it does there works with what it has."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import psycopg
import pytest
from pydantic import SecretStr

from components.contract import Login
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.guards.ownership import Ownership
from migration.replicate.flow import Flow
from migration.verify.compare import compare
from migration.verify.snapshots import consistent_snapshots
from tests.support.replicas import ROWS, TABLES, Load, copy_rows, reachable
from tests.support.tables import tables_of
from tests.support.versions import every_version_pair

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


@pytest.fixture
def as_migration(target_database: Database) -> Iterator[Database]:
    """The target as the role that the stack makes for the migration: a member of the owner."""
    database = target_database.endpoint.database
    owner, migration = f"{database}_owner", f"{database}_migration"
    password = "migration-password-of-nothing"
    with target_database.connect() as connection:
        connection.execute(f"CREATE ROLE {owner}")
        connection.execute(
            f"CREATE ROLE {migration} LOGIN REPLICATION BYPASSRLS PASSWORD '{password}'"
            f" IN ROLE {owner}, pg_create_subscription, pg_monitor, pg_read_all_data, pg_signal_backend"
        )
        connection.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
    yield dataclasses.replace(target_database, login=Login(name=migration, password=SecretStr(password)))
    with target_database.connect() as connection:
        for role in (migration, owner):
            connection.execute(f"REASSIGN OWNED BY {role} TO tester; DROP OWNED BY {role} CASCADE")
            connection.execute(f"DROP ROLE {role}")


@every_version_pair
def test_a_whole_move_works_without_a_superuser_on_the_target(
    source_database: Database, target_database: Database, as_migration: Database
) -> None:
    owner = f"{target_database.endpoint.database}_owner"
    with source_database.connect() as there, as_migration.connect() as here:
        there.execute(TABLES)
        there.execute(ROWS)
        here.execute(f"SET ROLE {owner}")
        here.execute(TABLES)
        here.execute("ALTER TABLE bank.accounts ENABLE ROW LEVEL SECURITY")
        here.execute("ALTER TABLE bank.accounts FORCE ROW LEVEL SECURITY")
    tables = tables_of(source_database, "bank")
    source = reachable(source_database, as_migration)
    with (
        Flow("bank", "forward", source, as_migration) as forward,
        Flow("bank", "back", reachable(as_migration, source_database), source_database) as back,
        Ownership(source_database, "bank", "bank") as there_guard,
        Ownership(as_migration, "bank", "bank") as here_guard,
    ):
        forward.publish(tables)
        with forward.exported_slot() as (snapshot, _):
            copy_rows(source_database, as_migration, tables, snapshot)
        here_guard.install(open=False)
        there_guard.install(open=True)
        forward.subscribe(tables, enabled=True)
        back.publish(tables)
        back.subscribe(tables, enabled=False)
        back.make_slot()
        load = Load(source_database)
        with load.running():
            threading.Event().wait(0.5)
            names = [table.name for table in tables if table.holds_rows]
            with consistent_snapshots(forward, names) as taken:
                verification = compare(
                    source_database,
                    as_migration,
                    tables,
                    source_snapshot=taken.publisher,
                    target_snapshot=taken.subscriber,
                    workers=2,
                    progress=Silent(),
                    stop=threading.Event(),
                )
            verification.require()
        assert load.failures == []
        there_guard.close(seconds=5)
        forward.prove(seconds=10)
        forward.stop()
        back.make_slot()
        back.start()
        back.prove(seconds=10)
        here_guard.open()
        with as_migration.connect() as connection:
            connection.execute("INSERT INTO bank.accounts VALUES (5000, 1, 'new side')")
        with source_database.connect() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("INSERT INTO bank.accounts VALUES (5001, 1, 'old side')")
        back.prove(seconds=10)
        with source_database.connect() as connection:
            came = connection.execute("SELECT note FROM bank.accounts WHERE id = 5000").fetchone()
        assert came == ("new side",)
        back.drop()
        forward.drop()
        here_guard.remove()
        there_guard.remove()
