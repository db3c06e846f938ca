"""Foreign keys between services, dropped before a switch and put back on the way back."""

from __future__ import annotations

import pytest

from core.errors import StepTimeout
from core.sessions.connections import Database
from core.sessions.locks import Patience
from migration.consistency.keys import crossing_keys, drop_crossing_keys, restore_crossing_keys
from tests.support.versions import every_version_pair

pytestmark = [pytest.mark.integration, every_version_pair]

SCHEMAS = ("users", "payments", "audit")
SETUP = """
CREATE SCHEMA users; CREATE SCHEMA payments; CREATE SCHEMA audit; CREATE SCHEMA waqiti_migration;
CREATE TABLE users.users (id int PRIMARY KEY, friend int REFERENCES users.users);
CREATE TABLE payments.payments (
    id int PRIMARY KEY, "Payer" int, CONSTRAINT "the payer" FOREIGN KEY ("Payer") REFERENCES users.users
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE audit.events (id int, who int REFERENCES users.users, at date, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE audit.events_old PARTITION OF audit.events FOR VALUES FROM ('2000-01-01') TO ('2030-01-01');
INSERT INTO users.users VALUES (1, NULL), (2, 1);
INSERT INTO payments.payments VALUES (10, 1), (11, 2);
INSERT INTO audit.events VALUES (20, 1, '2025-05-05');
"""


@pytest.fixture
def source(source_database: Database) -> Database:
    with source_database.connect() as connection:
        connection.execute(SETUP)
    return source_database


def _definitions(source: Database) -> list[tuple[str, bool]]:
    with source.connect() as connection:
        rows = connection.execute(
            "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), convalidated"
            " FROM pg_constraint WHERE contype = 'f' ORDER BY 1"
        ).fetchall()
    return [(text, valid) for text, valid in rows]


def test_keys_are_found_from_both_ends_and_once_for_a_partitioned_table(source: Database) -> None:
    with source.connect() as connection:
        found = [str(key) for key in crossing_keys(connection, "users", SCHEMAS)]
        assert found == ["audit.events.events_who_fkey", 'payments.payments."the payer"']
        assert [str(key) for key in crossing_keys(connection, "payments", SCHEMAS)] == found[1:]


def test_dropping_leaves_the_keys_inside_a_service_and_can_be_run_twice(source: Database) -> None:
    assert len(drop_crossing_keys(source, "users", SCHEMAS)) == 2
    assert drop_crossing_keys(source, "users", SCHEMAS) == []
    assert [text for text, _ in _definitions(source)] == [
        "users.users users_friend_fkey FOREIGN KEY (friend) REFERENCES users.users(id)"
    ]


def test_the_way_back_restores_every_key_valid_and_as_it_was(source: Database) -> None:
    before = _definitions(source)
    drop_crossing_keys(source, "users", SCHEMAS)
    restored, orphans = restore_crossing_keys(source, SCHEMAS)
    assert len(restored) == 2
    assert orphans == []
    assert _definitions(source) == before
    assert restore_crossing_keys(source, SCHEMAS) == ([], []), "a second run finds nothing to do"


def test_a_key_is_put_back_only_with_both_of_its_services(source: Database) -> None:
    drop_crossing_keys(source, "users", SCHEMAS)
    restored, _ = restore_crossing_keys(source, ["users", "payments"])
    assert [str(key) for key in restored] == ['payments.payments."the payer"']


def test_orphans_are_named_and_mended_by_a_second_run(source: Database) -> None:
    drop_crossing_keys(source, "users", SCHEMAS)
    with source.connect() as connection:
        connection.execute("DELETE FROM users.users WHERE id = 2")
    restored, orphans = restore_crossing_keys(source, SCHEMAS)
    assert [str(key) for key in restored] == ["audit.events.events_who_fkey"]
    assert [str(orphan.key) for orphan in orphans] == ['payments.payments."the payer"']
    with source.connect() as connection:
        connection.execute("DELETE FROM payments.payments WHERE id = 11")
    again, none = restore_crossing_keys(source, SCHEMAS)
    assert [str(key) for key in again] == ['payments.payments."the payer"']
    assert none == []


def test_a_long_transaction_makes_the_dropping_of_keys_give_up(
    source: Database,
) -> None:
    before = _definitions(source)
    with source.connect(autocommit=False) as reader:
        reader.execute("SELECT count(*) FROM audit.events")
        with pytest.raises(StepTimeout, match="other sessions"):
            drop_crossing_keys(source, "audit", SCHEMAS, Patience(seconds=0.3))
    assert _definitions(source) == before
