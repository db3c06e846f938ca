"""The transaction that an older server does not take is found without its log, and can be left out."""

from __future__ import annotations

import time

import pytest
from psycopg import sql

from migration.replicate.stalls import why_stalled
from migration.replicate.stopped import next_transaction
from tests.support.clusters import Clusters

pytestmark = pytest.mark.integration

WRITES = ("1 day", "infinity", "2 days", "-infinity", "3 days")


def test_what_is_refused_is_left_out_one_by_one(clusters: Clusters) -> None:
    newer, older = clusters.get("target", 17), clusters.get("source", 15)
    there, here = newer.new_database(), older.new_database()
    try:
        with there.connect() as publisher, here.connect() as subscriber:
            for session in (publisher, subscriber):
                session.execute("CREATE TABLE t (id int PRIMARY KEY, i interval)")
            publisher.execute("CREATE PUBLICATION flow FOR TABLE t")
            subscriber.execute(
                sql.SQL(
                    "CREATE SUBSCRIPTION flow CONNECTION {} PUBLICATION flow WITH (copy_data = false)"
                ).format(sql.Literal(there.conninfo()))
            )
            for number, value in enumerate(WRITES, 1):
                publisher.execute("INSERT INTO t VALUES (%s, %s)", (number, value))
            left_out: set[str] = set()
            deadline = time.monotonic() + 120
            while subscriber.execute("SELECT 1 FROM t WHERE id = 5").fetchone() is None:
                assert time.monotonic() < deadline, left_out
                time.sleep(0.2)
                if why_stalled(subscriber, "flow") is None:
                    continue
                position = next_transaction(publisher, subscriber, "flow")
                if position is not None:
                    left_out.add(position)
                    subscriber.execute(
                        sql.SQL("ALTER SUBSCRIPTION flow SKIP (lsn = {})").format(sql.Literal(position))
                    )
            assert subscriber.execute("SELECT id FROM t ORDER BY id").fetchall() == [(1,), (3,), (5,)]
            assert len(left_out) >= 2
    finally:
        older.drop_database(here)
        newer.drop_database(there)
