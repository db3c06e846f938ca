"""The rows that changed since a verification are known by key, and only they are compared."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import WrongState
from core.sessions.connections import Database
from migration.catalog.tables import Table, TableName
from migration.replicate.flow import Flow
from migration.verify.changed_compare import compare_changed
from migration.verify.changed_keys import ChangedKeys
from migration.verify.changed_rows import Instant
from tests.support.replicas import Load, replicated
from tests.support.versions import every_version_pair

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ACCOUNTS = TableName("bank", "accounts")
TOKENS = TableName("bank", "tokens")
LOG = TableName("bank", "log")
EVENTS_IN = TableName("bank", "events_in")


@contextmanager
def tracked(source: Database, target: Database) -> Iterator[tuple[Flow, list[Table], ChangedKeys]]:
    """A flow whose changes are tracked on both sides, from an instant at which they are equal."""
    with replicated(source, target) as (flow, tables), Flow("bank", "back", target, source) as back:
        back.publish(tables)
        with ChangedKeys(flow, tables) as keys:
            keys.begin()
            with source.connect() as there, target.connect() as here:
                row, other = (
                    side.execute("SELECT pg_current_snapshot()::text").fetchone() for side in (there, here)
                )
            assert row
            assert other
            keys.rows.until(Instant.parse(row[0]), Instant.parse(other[0]))
            keys.rows.settled()
            yield flow, tables, keys
            keys.drop()


@every_version_pair
def test_every_way_to_change_a_row_names_its_key(
    source_database: Database, target_database: Database
) -> None:
    with tracked(source_database, target_database) as (flow, tables, keys):
        with source_database.connect() as connection:
            connection.execute("UPDATE bank.accounts SET note = 'x' WHERE id = 7")
            connection.execute("DELETE FROM bank.accounts WHERE id = 8")
            connection.execute("INSERT INTO bank.accounts VALUES (300, 1, NULL)")
            connection.execute("UPDATE bank.accounts SET id = 301 WHERE id = 9")
            connection.execute("UPDATE bank.tokens SET v = v + 1 WHERE token = 't1'")
            connection.execute("INSERT INTO bank.log VALUES (now(), 'no key')")
            connection.execute("INSERT INTO bank.events VALUES (1, 'in')")
            connection.execute("CREATE TABLE bank.unpublished (id int PRIMARY KEY)")
            connection.execute("INSERT INTO bank.unpublished VALUES (1)")
        keys.read(keys.publisher)
        changed = keys.take()
        assert changed.keys[ACCOUNTS] == {("7",), ("8",), ("300",), ("9",), ("301",)}
        assert len(changed.keys[TOKENS]) == 1
        assert changed.keys[EVENTS_IN] == {("1", "in")}
        assert changed.whole == set()
        flow.prove(seconds=10)
        keys.read(keys.subscriber)
        keys.rows.until(None, None)
        assert keys.rows.differences() == []
        assert len(keys.rows) == 2, "of each side, the row that came into the table without a key"
        assert keys.take() == changed, "the side that follows tells of the same rows"
        with source_database.connect() as there, target_database.connect() as here:
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
            assert compared.differences == ()
            here.execute("UPDATE bank.accounts SET note = 'y' WHERE id = 7")
            here.execute("INSERT INTO bank.accounts VALUES (8, 0, 'back')")
            here.execute("DELETE FROM bank.accounts WHERE id = 301")
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
        assert [(d.table, d.kind, *d.key.values()) for d in compared.differences] == [
            (ACCOUNTS, "missing", "301"),
            (ACCOUNTS, "changed", "7"),
            (ACCOUNTS, "extra", "8"),
        ]


def test_the_read_inside_the_pause_is_quick_under_load(
    source_database: Database, target_database: Database
) -> None:
    with tracked(source_database, target_database) as (flow, tables, keys):
        with Load(source_database, pause=0.001).running():
            threading.Event().wait(3)
            keys.collect()
            for stream in keys.streams:
                stream.note_restart_point()
        flow.prove(seconds=10)
        begun = time.monotonic()
        keys.collect()
        changed = keys.take()
        with source_database.connect() as there, target_database.connect() as here:
            opened = time.monotonic()
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
        took = time.monotonic() - opened
        keys.rows.until(None, None)
        assert (*compared.differences, *keys.rows.differences()) == ()
        assert opened - begun < 1
        assert took < 1, f"{compared.keys} keys"


def test_what_nobody_watches_is_not_taken_for_unchanged(
    source_database: Database, target_database: Database
) -> None:
    with tracked(source_database, target_database) as (_, _, keys):
        keys.drop()
        with pytest.raises(WrongState, match="is gone, so what changed since the verification is not known"):
            keys.collect()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE bank.log SET line = 'y' WHERE ctid = '(0,1)'", "bank.log (rows=1): changed"),
        ("DELETE FROM bank.log WHERE ctid = '(0,1)'", "bank.log (rows=1): missing"),
        ("INSERT INTO bank.log VALUES (now(), 'y')", "bank.log (rows=1): extra"),
        ("TRUNCATE bank.log", "bank.log (truncated=on the target only): changed"),
        ("TRUNCATE bank.accounts", "bank.accounts (truncated=on the target only): changed"),
    ],
)
def test_a_side_that_was_written_to_by_itself_is_found_without_reading_it(
    source_database: Database, target_database: Database, statement: str, said: str
) -> None:
    with tracked(source_database, target_database) as (flow, _, keys):
        with source_database.connect() as connection:
            connection.execute("INSERT INTO bank.log VALUES (now(), 'x')")
        flow.prove(seconds=10)
        with target_database.connect() as connection:
            connection.execute(statement.encode())
        keys.collect()
        keys.rows.until(None, None)
        assert [str(difference) for difference in keys.rows.differences()] == [said]


def test_a_truncated_table_is_followed_whatever_its_size(
    source_database: Database, target_database: Database
) -> None:
    with tracked(source_database, target_database) as (flow, _, keys):
        with source_database.connect() as connection:
            connection.execute("INSERT INTO bank.log VALUES (now(), 'before')")
            connection.execute("TRUNCATE bank.log, bank.accounts")
            connection.execute("INSERT INTO bank.log VALUES (now(), 'after')")
            connection.execute("INSERT INTO bank.accounts VALUES (1, 1, 'after')")
        flow.prove(seconds=10)
        keys.collect()
        keys.rows.until(None, None)
        assert keys.rows.differences() == []
        assert keys.take().keys == {ACCOUNTS: {("1",)}}
