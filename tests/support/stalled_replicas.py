"""Payment's replica of users, brought to a stop in several ways, and looked at."""

from __future__ import annotations

import time

from migration.references.lag import Reading, read_readings
from migration.replicate.slots import slot_here
from tests.support.moves import World

LINK = "waqiti_reads_payment_of_user"
"""Publication and subscription of it; the slot has the database's name in its own, too."""


def reading(made: World) -> Reading:
    """The replica as it is now."""
    with made.source.connect() as connection:
        (found,) = read_readings(made.contract, connection)
    return found


def until(made: World, state: str) -> Reading:
    """The replica, once it is there and in a state."""
    deadline = time.monotonic() + 120
    while True:
        with made.source.connect() as connection:
            found = read_readings(made.contract, connection)
        if [one.state for one in found] == [state]:
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def write_wal(made: World, megabytes: int) -> None:
    """Let the shared server write WAL."""
    with made.source.connect() as connection:
        connection.execute(
            "SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000)) FROM generate_series(1, %s)",
            [megabytes],
        )


def disable(made: World) -> None:
    """As somebody may by hand: nobody reads the slot any more."""
    with made.target("payment").connect() as connection:
        connection.execute(f"ALTER SUBSCRIPTION {LINK} DISABLE".encode())
    until(made, "unread")


def drop_slot(made: World) -> None:
    """As somebody may by hand, in the shared database."""
    disable(made)
    with made.source.connect() as connection:
        connection.execute("SELECT pg_drop_replication_slot(%s)", [slot_here(connection, LINK)])
