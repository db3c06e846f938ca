"""What makes the alarms of a whole business fire: its own query, references, logins, replicas."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from core.names import TableName
from core.references.check import check_reference
from core.references.keys import CrossingKey
from core.references.model import Consistency, Reference
from migration.commands.consistency import tell
from migration.journal.mirror import Mirror
from operations.monitoring.figures.logins import keep_rotated
from tests.support.archives import until
from tests.support.clusters import Cluster
from tests.support.watched import SERVICE, Watched


@contextmanager
def business_falls(watched: Watched) -> Iterator[None]:
    """Orders come, and nobody pays."""
    watched.kept.execute("INSERT INTO orders SELECT false FROM generate_series(1, 400)")
    yield
    watched.kept.execute("DELETE FROM orders WHERE NOT paid")


@contextmanager
def orphaned(watched: Watched, publisher: Cluster) -> Iterator[None]:
    """A row of the service's refers to one of another's that was deleted; a check finds it."""
    key = CrossingKey(
        TableName("public", "visits"), "visits_person_fkey",
        "FOREIGN KEY (person) REFERENCES public.people(id)", "public",
    )  # fmt: skip
    reference = Reference(key, SERVICE, "people", ("own", "own"), enforced=False)
    mirror = Mirror(watched.contract)

    def checked() -> None:
        ends = (watched.kept.database, publisher.database())
        tell(mirror, Consistency([check_reference(reference, ends, limit=10, look_again=0.05)], []))

    with publisher.database().connect() as there:
        there.execute("CREATE TABLE people AS SELECT i AS id FROM generate_series(1, 10) i")
        there.execute("ALTER TABLE people ADD PRIMARY KEY (id)")
        watched.kept.execute("CREATE TABLE visits AS SELECT i AS person FROM generate_series(1, 10) i")
        there.execute("DELETE FROM people WHERE id = 7")
        checked()
        yield
        watched.kept.execute("DELETE FROM visits WHERE person = 7")
        checked()
        there.execute("DROP TABLE people")


@contextmanager
def logins_old(watched: Watched) -> Iterator[None]:
    """The last rotation was a hundred days ago; then there is one."""
    keep_rotated(watched.contract, SERVICE, time.time() - 100 * 86_400)
    yield
    keep_rotated(watched.contract, SERVICE, time.time())


@contextmanager
def replica_silent(watched: Watched, publisher: Cluster) -> Iterator[None]:
    """The other side of a subscription says nothing more."""
    with publisher.database().connect() as connection:
        pids = [
            int(row[0])
            for row in connection.execute(
                "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'watched' AND active"
            ).fetchall()
        ]
    assert pids, "nobody follows"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def follow(watched: Watched, publisher: Cluster) -> Callable[[], None]:
    """Have the instance subscribe to `publisher`; returns what ends that."""
    with publisher.database().connect() as connection:
        connection.execute("CREATE PUBLICATION watched")
        connection.execute("SELECT pg_create_logical_replication_slot('watched', 'pgoutput')")
    login, end = publisher.database().login, publisher.database().endpoint
    words = (
        f"host={end.address} port={end.port} dbname={end.database} user={login.name} sslmode=prefer"
        f" password={login.password.get_secret_value()}"
    )
    watched.kept.execute(
        f"CREATE SUBSCRIPTION follows CONNECTION '{words}' PUBLICATION watched"
        " WITH (create_slot = false, slot_name = 'watched', copy_data = false)"
    )

    def active() -> bool:
        with publisher.database().connect() as connection:
            row = connection.execute(
                "SELECT active FROM pg_replication_slots WHERE slot_name = 'watched'"
            ).fetchone()
        return bool(row and row[0])

    until(active, "the subscription does not begin")

    def end_it() -> None:
        watched.kept.execute("DROP SUBSCRIPTION follows")
        with publisher.database().connect() as connection:
            connection.execute("DROP PUBLICATION watched")

    return end_it
