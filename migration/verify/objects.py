"""Compares what is not in tables: the values of sequences, the contents of large objects."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import Sequence as SequenceModel
from migration.catalog.tables import SequenceName

query = queries(__package__)

PIECE_BYTES = 1 << 20
"""How much of a large object is hashed at once."""

OBJECTS_AT_ONCE = 500


def compare_sequences(
    source: Database, target: Database, sequences: Sequence[SequenceModel]
) -> tuple[str, ...]:
    """What is wrong with the target's sequences, one line each; nothing when they can take over.

    A sequence may be ahead (its cache was skipped), never behind: then it would give a number twice.
    Sequences are not transactional, so this says something only while the source is closed to writes.
    """
    with source.connect() as there, target.connect() as here:
        problems = []
        for sequence in sequences:
            with source.translated(f"reading the sequence {sequence.name}"):
                theirs = _next_value(there, sequence.name, sequence.increment)
            with target.translated(f"reading the sequence {sequence.name}"):
                ours = _next_value(here, sequence.name, sequence.increment)
            if ours is None:
                problems.append(f"sequence {sequence.name} is missing on the target")
            elif theirs is None:
                problems.append(f"sequence {sequence.name} is missing on the source")
            elif (ours - theirs) * sequence.increment < 0:
                problems.append(
                    f"sequence {sequence.name} would give {ours} on the target, the source's next is {theirs}"
                )
    return tuple(problems)


def compare_large_objects(
    source: Database,
    target: Database,
    oids: Sequence[int],
    *,
    source_snapshot: str | None,
    target_snapshot: str | None,
) -> tuple[str, ...]:
    """Which of these large objects are missing or differ, one line each.

    Large objects are not replicated: this is right for snapshots between which nobody wrote to them.
    """
    problems = []
    with source.connect() as there, target.connect() as here:
        for database, connection, snapshot in (
            (source, there, source_snapshot),
            (target, here, target_snapshot),
        ):
            with database.translated("taking its snapshot for the large objects"):
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                if snapshot is not None:
                    taken = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot))
                    connection.execute(taken)
        for first in range(0, len(oids), OBJECTS_AT_ONCE):
            some = list(oids[first : first + OBJECTS_AT_ONCE])
            with source.translated("reading large objects"):
                theirs = large_object_contents(there, some)
            with target.translated("reading large objects"):
                ours = large_object_contents(here, some)
            for oid in some:
                if theirs.get(oid) != ours.get(oid):
                    state = "is missing on the target" if oid not in ours else "differs"
                    problems.append(
                        f"large object {oid} {state if oid in theirs else 'is on the target only'}"
                    )
    return tuple(problems)


def _next_value(connection: Connection, name: SequenceName, increment: int) -> int | None:
    exists = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'S'",
        [name.schema, name.name],
    ).fetchone()
    if exists is None:
        return None
    row = connection.execute(
        sql.SQL("SELECT last_value, is_called FROM {}").format(name.identifier())
    ).fetchone()
    if row is None:
        return None
    last: int = row[0]
    return last + increment if row[1] else last


def large_object_contents(connection: Connection, oids: list[int]) -> dict[int, tuple[int, ...]]:
    """Per object the MD5 of each of its pieces; objects that do not exist are left out."""
    hashes: dict[int, tuple[int, ...]] = {}
    start, left = 0, oids
    while left:
        rows = connection.execute(
            query("large_objects"), {"oids": left, "start": start, "size": PIECE_BYTES}
        ).fetchall()
        for oid, _, digest in rows:
            hashes[oid] = (*hashes.get(oid, ()), int(digest, 16))
        left = [oid for oid, length, _ in rows if length == PIECE_BYTES]
        start += PIECE_BYTES
    return hashes
