"""A service that is being replicated, from nothing: the same tables on both sides, copied from a slot."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from core.sessions.connections import Database
from migration.catalog.tables import Table
from migration.replicate.flow import Flow
from tests.support.tables import tables_of

SCHEMA = "bank"
ACCOUNTS = 200

TABLES = """
CREATE SCHEMA bank;
CREATE TABLE bank.accounts (id int PRIMARY KEY, balance numeric NOT NULL, note text);
CREATE TABLE bank.postings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int NOT NULL, amount numeric NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE bank.events (id bigint, kind text NOT NULL, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE bank.events_in PARTITION OF bank.events FOR VALUES IN ('in');
CREATE TABLE bank.events_rest PARTITION OF bank.events DEFAULT;
CREATE TABLE bank.tokens (token text NOT NULL, v int);
CREATE UNIQUE INDEX tokens_token ON bank.tokens (token);
CREATE TABLE bank.log (at timestamptz, line text);
"""

ROWS = """
INSERT INTO bank.accounts SELECT g, 0, 'account ' || g FROM generate_series(1, 200) g;
INSERT INTO bank.tokens SELECT 't' || g, g FROM generate_series(1, 50) g;
"""


def reachable(publisher: Database, subscriber: Database) -> Database:
    """The publisher as the subscriber's server can reach it: a build without TLS cannot ask for it."""
    if subscriber.endpoint.sslmode != "disable":
        return publisher
    endpoint = publisher.endpoint.model_copy(update={"sslmode": "disable", "sslrootcert": None})
    return replace(publisher, endpoint=endpoint)


def make_tables(source: Database, target: Database) -> list[Table]:
    """The tables on both sides, rows on the source only; described as the source has them."""
    with source.connect() as there, target.connect() as here:
        there.execute(TABLES)
        there.execute(ROWS)
        here.execute(TABLES)
    return tables_of(source, SCHEMA)


def copy_rows(source: Database, target: Database, tables: list[Table], snapshot: str) -> None:
    """All rows as of the exported snapshot."""
    with source.connect() as there, target.connect() as here:
        there.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        there.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
        for table in tables:
            if not table.holds_rows:
                continue
            name = table.name.identifier()
            with (
                there.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(name)) as reading,
                here.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as writing,
            ):
                for piece in reading:
                    writing.write(piece)


@contextmanager
def replicated(source: Database, target: Database) -> Iterator[tuple[Flow, list[Table]]]:
    """The forward flow of a service `bank`, subscribed and running."""
    tables = make_tables(source, target)
    with Flow("bank", "forward", reachable(source, target), target) as flow:
        flow.publish(tables)
        with flow.exported_slot() as (snapshot, _):
            copy_rows(source, target, tables, snapshot)
        flow.subscribe(tables, enabled=True)
        flow.prove(seconds=30)
        yield flow, tables


@dataclass
class Load:
    """Clients that move money in a database until told to stop; each statement's time is kept."""

    database: Database
    clients: int = 4
    pause: float = 0.004
    """Seconds between transactions of a client."""
    seed: int = 0
    waits_ms: list[float] = field(default_factory=list)
    committed: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Clients at work inside."""
        threads = [threading.Thread(target=self._client, args=[n]) for n in range(self.clients)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _client(self, number: int) -> None:
        chance = random.Random(f"{self.seed} {number}")
        with self.database.connect(autocommit=False, application_name="load") as connection:
            while not self._stop.is_set():
                begun = time.monotonic()
                try:
                    self._transaction(connection, chance)
                except psycopg.Error as error:
                    connection.rollback()
                    with self._lock:
                        self.failures.append(f"{error.sqlstate}: {error}")
                else:
                    with self._lock:
                        self.committed += 1
                        self.waits_ms.append((time.monotonic() - begun) * 1000)
                time.sleep(self.pause)

    def _transaction(self, connection: psycopg.Connection[Any], chance: random.Random) -> None:
        one, two = sorted(chance.sample(range(1, ACCOUNTS + 1), 2))
        amount = chance.randint(-100, 100)
        execute: Callable[..., Any] = connection.execute
        execute("UPDATE bank.accounts SET balance = balance + %s WHERE id = %s", [amount, one])
        execute("UPDATE bank.accounts SET balance = balance - %s WHERE id = %s", [amount, two])
        execute(
            "INSERT INTO bank.postings (account, amount) VALUES (%s, %s), (%s, %s)",
            [one, amount, two, -amount],
        )
        execute("INSERT INTO bank.log VALUES (clock_timestamp(), %s)", [f"{one} to {two}"])
        execute("UPDATE bank.tokens SET v = v + 1 WHERE token = %s", [f"t{chance.randint(1, 50)}"])
        execute(
            "INSERT INTO bank.events VALUES (%s, %s)", [chance.getrandbits(60), chance.choice(["in", "out"])]
        )
        if chance.random() < 0.2:
            execute("DELETE FROM bank.postings WHERE id IN (SELECT min(id) FROM bank.postings)")
        connection.commit()
