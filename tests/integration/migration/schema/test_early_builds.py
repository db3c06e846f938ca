"""Indexes of large tables are built beside the copy of the others, and never twice or too early."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from core.errors import CopyFailed, Interrupted
from core.sessions.connections import Database
from migration.catalog.tables import TableName
from migration.copy.task import CopiedTable
from migration.copy.throttle import Unthrottled
from migration.fidelity.compare import compare_schemas
from migration.plan.model import Plan
from migration.schema.create import build_indexes, create_schema
from migration.schema.dump import SchemaDump
from migration.schema.early import Early, early_builds
from tests.support.clusters import Cluster
from tests.support.moving import Split, split

pytestmark = pytest.mark.integration

SHARED = """
    CREATE SCHEMA user_schema;
    CREATE TABLE user_schema.users (id int PRIMARY KEY, mail text);
    CREATE TABLE user_schema.logins (id int PRIMARY KEY, user_id int REFERENCES user_schema.users);
    CREATE INDEX by_mail ON user_schema.users (mail);
    CREATE INDEX by_user ON user_schema.logins (user_id);
    CREATE FUNCTION user_schema.known(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        'BEGIN RETURN EXISTS (SELECT FROM user_schema.logins WHERE user_id = $1); END';
    CREATE INDEX known ON user_schema.users (user_schema.known(id));
"""
USERS = "INSERT INTO user_schema.users SELECT n, 'm' || n FROM generate_series(1, 5000) AS n"
LOGINS = "INSERT INTO user_schema.logins SELECT n, n FROM generate_series(1, 5000) AS n"


class Scene:
    """A service whose schema is on its target, without rows and indexes."""

    def __init__(self, made: Split) -> None:
        self.made = made
        self.plan: Plan = made.plan()
        self.dump: SchemaDump = made.dump("user")
        self.target: Database = made.targets["user"]
        create_schema(made.contract, self.plan, "user", self.dump, self.target)

    def early(self) -> AbstractContextManager[Early]:
        return early_builds(
            self.made.contract,
            self.plan,
            "user",
            lambda: self.dump,
            self.target,
            workers=2,
            stop=threading.Event(),
            throttle=Unthrottled(),
            large=0,
        )

    def run(self, statement: str) -> None:
        with self.made.superusers["user"].connect() as connection:
            connection.execute(statement.encode())

    def indexes(self) -> set[str]:
        with self.made.superusers["user"].connect() as connection:
            names = "SELECT indexname FROM pg_indexes WHERE schemaname = 'user_schema'"
            return {name for (name,) in connection.execute(names)}

    def until(self, indexes: set[str]) -> None:
        deadline = time.monotonic() + 60
        while self.indexes() != indexes:
            assert time.monotonic() < deadline, self.indexes()
            time.sleep(0.05)

    def builders(self) -> int:
        with self.made.superusers["user"].connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'INDEX|PRIMARY KEY' AND state = 'active'"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
        return row[0] if row else 0


@pytest.fixture
def scene(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> Iterator[Scene]:
    with source_database.connect() as connection:
        connection.execute(SHARED.encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path, None) as made:
        yield Scene(made)


def copied(table: str) -> CopiedTable:
    return CopiedTable("user", TableName("user_schema", table), 5000, 1, 0.1)


def test_a_tables_indexes_are_built_once_its_rows_are_there(scene: Scene) -> None:
    with scene.early() as early:
        assert early.tables == 2
        scene.run(USERS)
        early.copied(copied("users"))
        scene.until({"users_pkey", "by_mail"})
        scene.run(LOGINS)
        early.copied(copied("logins"))
    # What asks for another table's rows waits until all are there.
    assert scene.indexes() == {"users_pkey", "by_mail", "logins_pkey", "by_user"}
    build_indexes(scene.made.contract, scene.plan, "user", scene.dump, scene.target)
    assert compare_schemas(scene.made.source, scene.target, scene.plan, "user", scene.made.contract) == ()


def test_a_build_that_fails_ends_the_copy_beside_it(scene: Scene) -> None:
    def copy() -> None:
        with scene.early() as early:
            scene.run(USERS)
            scene.run("INSERT INTO user_schema.users SELECT 1, 'twice'")
            early.copied(copied("users"))
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                early.copied(copied("logins"))
                time.sleep(0.05)

    with pytest.raises(CopyFailed, match="users"):
        copy()


def test_a_copy_that_fails_ends_the_builds_beside_it(scene: Scene) -> None:
    def copy() -> None:
        with scene.early() as early:
            early.copied(copied("users"))
            raise ValueError("meant")

    with pytest.raises(ValueError, match="meant"):
        copy()
    assert scene.builders() == 0
    # What was noted as built is left out, and nothing else.
    build_indexes(scene.made.contract, scene.plan, "user", scene.dump, scene.target)
    assert compare_schemas(scene.made.source, scene.target, scene.plan, "user", scene.made.contract) == ()


def test_an_interruption_ends_it_while_builds_wait_for_their_turn(scene: Scene) -> None:
    def copy() -> None:
        with (
            scene.early() as early,
            early.turns.one(9, lambda: False),
            early.turns.one(9, lambda: False),
        ):
            early.copied(copied("users"))
            time.sleep(0.3)
            raise Interrupted("as the copy does")

    with pytest.raises(Interrupted):
        copy()
    assert scene.builders() == 0
