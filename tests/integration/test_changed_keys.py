"""The rows that changed since a verification are known by key, and only they are compared."""

from __future__ import annotations

import threading
import time

import pytest

from migration.changed_keys import ChangedKeys, compare_changed
from migration.connections import Database
from migration.errors import WrongState
from migration.model import TableName
from tests.support.replicas import Load, replicated
from tests.support.versions import every_version_pair

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

ACCOUNTS = TableName("bank", "accounts")
TOKENS = TableName("bank", "tokens")
LOG = TableName("bank", "log")
EVENTS_IN = TableName("bank", "events_in")


@every_version_pair
def test_every_way_to_change_a_row_names_its_key(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables), ChangedKeys(flow, tables) as keys:
        keys.begin()
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
        changed = keys.collect()
        assert changed.keys[ACCOUNTS] == {("7",), ("8",), ("300",), ("9",), ("301",)}
        assert len(changed.keys[TOKENS]) == 1
        assert changed.keys[EVENTS_IN] == {("1", "in")}
        assert changed.whole >= {LOG}
        flow.prove(seconds=10)
        with source_database.connect() as there, target_database.connect() as here:
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
            assert compared.differences == ()
            here.execute("UPDATE bank.accounts SET note = 'y' WHERE id = 7")
            here.execute("INSERT INTO bank.accounts VALUES (8, 0, 'back')")
            here.execute("DELETE FROM bank.accounts WHERE id = 301")
            here.execute("DELETE FROM bank.log")
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
        assert [(d.table, d.kind, *d.key.values()) for d in compared.differences] == [
            (ACCOUNTS, "missing", "301"),
            (ACCOUNTS, "changed", "7"),
            (ACCOUNTS, "extra", "8"),
            (LOG, "changed", "some row"),
        ]


def test_the_read_inside_the_pause_is_quick_under_load(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables), ChangedKeys(flow, tables) as keys:
        keys.begin()
        with Load(source_database, pause=0.001).running():
            threading.Event().wait(3)
            keys.collect(last_before_pause=True)
        flow.prove(seconds=10)
        begun = time.monotonic()
        changed = keys.collect()
        with source_database.connect() as there, target_database.connect() as here:
            opened = time.monotonic()
            compared = compare_changed(source_database, target_database, (there, here), tables, changed)
        took = time.monotonic() - opened
        assert compared.differences == ()
        assert opened - begun < 1
        assert took < 1, f"{compared.keys} keys"


def test_keys_read_by_a_process_that_died_are_known_to_be_lost(
    source_database: Database, target_database: Database
) -> None:
    with replicated(source_database, target_database) as (flow, tables):
        with ChangedKeys(flow, tables) as keys:
            assert keys.pending_lost()
            with pytest.raises(WrongState, match="run `verify` first"):
                keys.collect()
            keys.begin()
            assert not keys.pending_lost()
            with source_database.connect() as connection:
                connection.execute("UPDATE bank.accounts SET note = 'x' WHERE id = 7")
            keys.collect()
        with ChangedKeys(flow, tables) as keys:
            assert keys.pending_lost()
            keys.begin()
            with source_database.connect() as connection:
                connection.execute("UPDATE bank.accounts SET note = 'x' WHERE id = 7")
            keys.collect()
            keys.settled()
        with ChangedKeys(flow, tables) as keys:
            assert not keys.pending_lost()
            keys.drop()
            keys.drop()
