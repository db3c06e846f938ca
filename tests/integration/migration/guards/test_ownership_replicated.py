"""Replicated changes pass closed guards, both ways, TRUNCATE too; a person in replica mode does not."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from core.sessions.connections import Database
from migration.guards.ownership import Ownership
from migration.replicate.flow import Flow
from tests.support.replicas import reachable, replicated

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

WRITES = (
    "INSERT INTO bank.log VALUES (now(), 'kept')",
    "INSERT INTO bank.events VALUES (1, 'in'), (2, 'out')",
    "UPDATE bank.accounts SET balance = 7 WHERE id = 1",
    "UPDATE bank.tokens SET token = 'moved' WHERE token = 't1'",
    "DELETE FROM bank.accounts WHERE id = 2",
    "TRUNCATE bank.postings",
    "TRUNCATE bank.events",
    "INSERT INTO bank.events VALUES (3, 'in')",
)
LOOK = (
    "SELECT (SELECT count(*) FROM bank.log), (SELECT array_agg(id) FROM bank.events),"
    " (SELECT sum(balance) FROM bank.accounts), (SELECT count(*) FROM bank.accounts),"
    " (SELECT count(*) FROM bank.tokens WHERE token = 'moved'), (SELECT count(*) FROM bank.postings)"
)


def write_and_compare(flow: Flow, expected: tuple[Any, ...]) -> None:
    """Write where the flow publishes, see it where it subscribes, and try the same there by hand."""
    with flow.publisher.connect() as there, flow.subscriber.connect() as here:
        for statement in WRITES:
            there.execute(statement.encode())
        flow.prove(seconds=20)
        assert here.execute(LOOK).fetchone() == there.execute(LOOK).fetchone() == expected
        for mode in ("origin", "replica"):
            here.execute(f"SET session_replication_role = {mode}".encode())
            for statement in WRITES:
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    here.execute(statement.encode())


@pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
def test_what_is_replicated_passes_a_closed_side_and_nothing_else_does(
    source_database: Database, target_database: Database
) -> None:
    with (
        replicated(source_database, target_database) as (forward, tables),
        Flow("bank", "back", reachable(target_database, source_database), source_database) as back,
        Ownership(source_database, "bank", "bank") as source,
        Ownership(target_database, "bank", "bank") as target,
    ):
        back.publish(tables)
        back.subscribe(tables, enabled=False)
        source.install(open=True)
        target.install(open=False)
        write_and_compare(forward, (1, [3], 7, 199, 1, 0))
        source.close(seconds=5)
        forward.stop()
        back.make_slot()
        back.start()
        target.open()
        with target_database.connect() as connection:
            connection.execute("UPDATE bank.tokens SET token = 't1' WHERE token = 'moved'")
        write_and_compare(back, (2, [3], 7, 199, 1, 0))
