"""Large objects of a service: those that its columns refer to, copied under the same identifiers.

They are neither in tables nor replicated, and belong to no schema: a large object is a service's if one
of its `oid` or `lo` columns holds its identifier. https://www.postgresql.org/docs/current/largeobjects.html
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from core.errors import Interrupted, VerificationFailed
from core.progress.interface import Progress
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import LargeObjectColumn
from migration.copy import statements

query = queries(__package__)

PIECE_BYTES = 256 * 1024
OBJECTS_AT_ONCE = 64
"""So many pieces are in memory at once: 16 MiB."""


@dataclass(frozen=True)
class CopiedLargeObjects:
    """What was copied and compared."""

    oids: tuple[int, ...]
    bytes: int
    seconds: float


def referenced_large_objects(connection: Connection, columns: Sequence[LargeObjectColumn]) -> tuple[int, ...]:
    """Identifiers of the existing large objects that these columns refer to, ascending.

    What is seen is the connection's transaction's. Raises psycopg errors.
    """
    if not columns:
        return ()
    held = sql.SQL(" UNION ").join(
        sql.SQL("SELECT ({oids})::pg_catalog.oid AS oid FROM ONLY {table}").format(
            oids=column.oids(), table=column.table.identifier()
        )
        for column in columns
    )
    existing = sql.SQL(
        "SELECT m.oid::bigint FROM pg_catalog.pg_largeobject_metadata m"
        " JOIN ({held}) h ON h.oid = m.oid ORDER BY 1"
    ).format(held=held)
    return tuple(int(oid) for (oid,) in connection.execute(existing).fetchall())


def copy_large_objects(
    source: Database,
    target: Database,
    columns: Sequence[LargeObjectColumn],
    snapshot: str,
    *,
    owner: str,
    users: Sequence[str] = (),
    progress: Progress,
    stop: threading.Event,
) -> CopiedLargeObjects:
    """Copy what `columns` refer to in an exported snapshot, under the same identifiers, and compare it.

    On the target they belong to the role `owner` (the target's role must be able to act as it), and
    `users` may read and write them. Objects of these identifiers that are there already are replaced, so
    this can be repeated.

    Raises VerificationFailed when what was written reads back differently, Interrupted soon after `stop`
    is set, and what connections raise.
    """
    started = time.monotonic()
    doing = "copying large objects"
    total = 0
    with source.connect() as there, target.connect() as here:
        with source.translated(doing):
            there.execute(statements.source_settings(there.info.server_version))
            there.execute(statements.import_snapshot(snapshot))
            oids = referenced_large_objects(there, columns)
        progress.phase("large objects", len(oids), "steps")
        with target.translated(doing):
            here.execute(statements.target_settings(here.info.server_version, replica=False))
            here.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        for first in range(0, len(oids), OBJECTS_AT_ONCE):
            if stop.is_set():
                raise Interrupted("stopped while copying large objects; the same command goes on")
            some = list(oids[first : first + OBJECTS_AT_ONCE])
            total += _copy_some(_Ends(source, there, target, here), some, users)
            for oid in some:
                progress.done(str(oid), 0, 0, 0.0)
    return CopiedLargeObjects(oids, total, time.monotonic() - started)


@dataclass(frozen=True)
class _Ends:
    source: Database
    there: Connection
    target: Database
    here: Connection


def _copy_some(ends: _Ends, oids: list[int], users: Sequence[str]) -> int:
    """Copy these objects in one transaction, piece by piece; return their bytes."""
    total, start, left = 0, 0, oids
    with ends.target.translated("copying large objects"), ends.here.transaction():
        ends.here.execute(query("large_objects_remove"), {"oids": oids})
        ends.here.execute(query("large_objects_create"), {"oids": oids})
        while left:
            asked = {"oids": left, "start": start, "size": PIECE_BYTES}
            with ends.source.translated("reading large objects"):
                pieces: dict[int, bytes] = dict(
                    ends.there.execute(query("large_objects_read"), asked).fetchall()
                )
            ends.here.execute(
                query("large_objects_write"),
                {"oids": list(pieces), "pieces": list(pieces.values()), "start": start},
            )
            hashes = ends.here.execute(query("large_objects_hash"), asked).fetchall()
            _compare(pieces, dict(hashes), ends.target, start)
            total += sum(map(len, pieces.values()))
            left = [oid for oid, data in pieces.items() if len(data) == PIECE_BYTES]
            start += PIECE_BYTES
        for user in users:
            ends.here.execute(_grant(oids, user))
    return total


def _compare(pieces: dict[int, bytes], written: dict[int, bytes], target: Database, start: int) -> None:
    for oid, data in pieces.items():
        if written.get(oid) != hashlib.sha256(data).digest():
            raise VerificationFailed(
                f"large object {oid} reads back differently from {target.label} ({target.where}) behind byte"
                f" {start}; check that server's disk, then run it again"
            )


def _grant(oids: list[int], user: str) -> sql.Composed:
    return sql.SQL("GRANT SELECT, UPDATE ON LARGE OBJECT {oids} TO {user}").format(
        oids=sql.SQL(", ").join(map(sql.Literal, oids)), user=sql.Identifier(user)
    )
