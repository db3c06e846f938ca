"""What came from the shared server, recovered up to an LSN: before it all, after it nothing.

A transaction whose commit begins before the LSN at which the move's slot begins is in the files; every other
one is sent by the slot. So recovery ends before the first record at that LSN (not inclusive).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from components.replication_roles import flow_name, server_wide
from core.errors import FilesFailed
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.catalog.tables import TableName
from migration.physical.control import CLEAN, Control, read_control
from migration.physical.heaps import Heap, read_heaps
from migration.physical.private_server import PrivateServer
from servers import osuser

RECOVERY_SECONDS = 24 * 3600.0

_SHARED_MEMORY, _PREPARED = "256MB", "1000"


def slot_name(service: str, database: str) -> str:
    """The physical slot that keeps the WAL from the backup's begin to its recovery."""
    return server_wide(f"{flow_name(service, 'forward')}_files", database)


def make_slot(connection: Connection, name: str) -> None:
    """Make it anew. Raises what psycopg does."""
    drop_slot(connection, name)
    connection.execute("SELECT pg_catalog.pg_create_physical_replication_slot(%s, true)", [name])


def drop_slot(connection: Connection, name: str) -> None:
    """Let its WAL go; who still reads it is ended."""
    there = " FROM pg_catalog.pg_replication_slots WHERE slot_name = %s AND slot_type = 'physical'"
    connection.execute(
        b"SELECT pg_catalog.pg_terminate_backend(active_pid, 5000)" + there.encode() + b" AND active", [name]
    )
    connection.execute(b"SELECT pg_catalog.pg_drop_replication_slot(slot_name)" + there.encode(), [name])


def retained(connection: Connection, name: str) -> int:
    """Bytes of WAL that it keeps."""
    row = connection.execute(
        "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::bigint"
        " FROM pg_catalog.pg_replication_slots WHERE slot_name = %s",
        [name],
    ).fetchone()
    return 0 if row is None else int(row[0] or 0)


def recover(server: PrivateServer, source: Database, lsn: str, slot: str, stop: threading.Event) -> None:
    """Bring what was backed up to the LSN and let it become a server of its own, which runs then.

    There has to be a record at the LSN or after it. Raises FilesFailed, Interrupted, StepTimeout.
    """
    places = server.places
    password = places.folder / "source.pgpass"
    text = source.login.password.get_secret_value().replace("\\", "\\\\").replace(":", "\\:")
    osuser.write_private(password, f"*:*:*:*:{text}\n")
    parameters = conninfo_to_dict(source.conninfo()) | {"passfile": str(password)}
    parameters = {k: v for k, v in parameters.items() if k not in {"password", "dbname"}}
    osuser.write_private(places.clone / "standby.signal", "")
    server.start(
        {
            "hot_standby": "off",
            "shared_buffers": _SHARED_MEMORY,
            # Those that are prepared there are so here, too, until it is thrown away.
            "max_prepared_transactions": _PREPARED,
            "primary_conninfo": make_conninfo(**{k: str(v) for k, v in parameters.items()}),
            "primary_slot_name": slot,
            "recovery_target_lsn": lsn,
            "recovery_target_inclusive": "off",
            "recovery_target_action": "promote",
            # WAL of files that were left out is replayed into nothing.
            "ignore_invalid_pages": "on",
        },
        stop,
        RECOVERY_SECONDS,
    )
    password.unlink(missing_ok=True)


def close(server: PrivateServer, names: Iterable[TableName]) -> tuple[dict[TableName, Heap], Control]:
    """Read what is in it, and stop it, all of it written. Raises FilesFailed."""
    with server.session() as connection:
        heaps = read_heaps(connection, names)
    server.stop()
    control = read_control(server.places.binaries, server.data)
    if control.state != CLEAN:
        raise FilesFailed(f"{server.data} is {control.state}, not {CLEAN}; `start` it again")
    return heaps, control
