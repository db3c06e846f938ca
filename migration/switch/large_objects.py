"""Large objects written since they were copied: replication does not carry them, so a switch does.

Once ahead of the pause, so that little is left, and once inside it, when nobody writes through the
gateway any more: all are compared by hashes of their pieces, and those that differ are written again.
They keep their identifiers, and where they exist also owner and privileges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.tables import LargeObjectColumn
from migration.copy.large_objects import OBJECTS_AT_ONCE, PIECE_BYTES, referenced_large_objects
from migration.verify.objects import large_object_contents

copy_query = queries("migration.copy")
query = queries(__package__)


@dataclass(frozen=True)
class LargeObjectSide:
    """One side of a switch, with a session in autocommit mode."""

    database: Database
    session: Connection


@dataclass(frozen=True)
class Carried:
    """What was compared, and what was written again."""

    compared: int
    written: int
    removed: int


def carry_large_objects(
    old: LargeObjectSide,
    new: LargeObjectSide,
    columns: Sequence[LargeObjectColumn],
    *,
    act_as: str | None,
    owner: str,
    users: Sequence[str] = (),
) -> Carried:
    """Make the new side's large objects those of the old side; only what differs is written.

    `act_as`: the role to be on the new side (None: the session's own). Objects that are new there belong
    to `owner`, and `users` may read and write them. Raises what sessions raise.
    """
    if not columns:
        return Carried(0, 0, 0)
    with old.database.translated("reading its large objects"):
        oids = referenced_large_objects(old.session, columns)
        theirs = large_object_contents(old.session, list(oids))
    with new.database.translated("reading its large objects"):
        known = {*oids, *referenced_large_objects(new.session, columns)}
        ours = large_object_contents(new.session, sorted(known))
    extra = sorted(ours.keys() - theirs.keys())
    differing = sorted(oid for oid, content in theirs.items() if ours.get(oid) != content)
    for first in range(0, len(differing), OBJECTS_AT_ONCE):
        some = differing[first : first + OBJECTS_AT_ONCE]
        with new.database.translated("writing large objects"), new.session.transaction():
            missing = [oid for oid in some if oid not in ours]
            _become(new.session, act_as)
            new.session.execute(copy_query("large_objects_create"), {"oids": missing})
            for oid in missing:
                _give(new.session, oid, owner if act_as is None else None, users)
            present = [oid for oid in some if oid in ours]
            new.session.execute(query("large_objects_empty"), {"oids": present})
            _write(old, new, some)
    if extra:
        with new.database.translated("removing large objects"), new.session.transaction():
            _become(new.session, act_as)
            new.session.execute(copy_query("large_objects_remove"), {"oids": extra})
    return Carried(len(known), len(differing), len(extra))


def _become(session: Connection, role: str | None) -> None:
    if role is not None:
        session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))


def _give(session: Connection, oid: int, owner: str | None, users: Sequence[str]) -> None:
    number = sql.Literal(oid)
    if owner is not None:
        session.execute(sql.SQL("ALTER LARGE OBJECT {} OWNER TO {}").format(number, sql.Identifier(owner)))
    for user in users:
        session.execute(
            sql.SQL("GRANT SELECT, UPDATE ON LARGE OBJECT {} TO {}").format(number, sql.Identifier(user))
        )


def _write(old: LargeObjectSide, new: LargeObjectSide, oids: list[int]) -> None:
    start, left = 0, oids
    while left:
        asked = {"oids": left, "start": start, "size": PIECE_BYTES}
        with old.database.translated("reading large objects"):
            pieces: dict[int, bytes] = dict(
                old.session.execute(copy_query("large_objects_read"), asked).fetchall()
            )
        new.session.execute(
            copy_query("large_objects_write"),
            {"oids": list(pieces), "pieces": list(pieces.values()), "start": start},
        )
        left = [oid for oid, data in pieces.items() if len(data) == PIECE_BYTES]
        start += PIECE_BYTES
