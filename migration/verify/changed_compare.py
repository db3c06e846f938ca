"""Compares the rows of certain keys on both sides: those that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from psycopg import sql

from core.rows import digest
from core.sessions.connections import Database
from core.sessions.placeholders import Verbatim
from core.sessions.queries import statements
from core.sessions.session import Connection
from migration.catalog.tables import Table, TableName
from migration.verify.changed_keys import Changed, Key
from migration.verify.model import Difference, Kind

statement = statements(__package__)


WHOLE_TABLE_BYTES = 8 << 20
"""A table of which it is not known what changed is compared whole inside the pause up to this size."""
_DIGEST = digest.Digest()


@dataclass(frozen=True)
class ComparedKeys:
    """The verdict on what changed."""

    keys: int
    differences: tuple[Difference, ...]
    not_compared: tuple[TableName, ...]
    """Tables too large to compare whole, of which it is not known by key what changed."""


Held = dict[Key, list[tuple[int, ...]]]
"""Rows by key: the hashes of each, more than one where the key is there twice."""


def compare_changed(
    source: Database,
    target: Database,
    sessions: tuple[Connection, Connection],
    tables: Sequence[Table],
    changed: Changed,
    *,
    whole_bytes: float = WHOLE_TABLE_BYTES,
) -> ComparedKeys:
    """Compare the rows that changed, in one transaction of each session.

    `sessions` are in autocommit mode (both sides at rest), or in transactions of snapshots of the same
    instant. Tables larger than `whole_bytes` are not compared whole. Raises the errors of
    `Database.translated`.
    """
    by_name = {table.name: table for table in tables}
    left_out = tuple(sorted(name for name in changed.whole if by_name[name].bytes > whole_bytes))
    wanted = [
        (by_name[name], None if name in changed.whole else changed.keys[name])
        for name in sorted(changed.keys.keys() | changed.whole)
        if name not in left_out
    ]
    # Both servers at once: inside a pause each round trip counts.
    with ThreadPoolExecutor(2, thread_name_prefix="compare") as both:
        there, here = both.map(_all_held, (source, target), sessions, (wanted, wanted))
    differences: list[Difference] = []
    for (table, keys), one, two in zip(wanted, there, here, strict=True):
        if keys is not None:
            differences += _differences(table, one, two)
        elif one != two:
            differences.append(Difference(table.name, "changed", {"table": "some row"}))
    return ComparedKeys(len(changed), tuple(differences), left_out)


def _all_held(
    database: Database, session: Connection, wanted: Sequence[tuple[Table, set[Key] | None]]
) -> list[Held]:
    """What one side holds of each table: the rows of these keys, or the sums of all its rows."""
    with database.translated("comparing what changed"), session.transaction():
        digest.prepare(session)
        return [
            {(): [_totals(database, session, table)]}
            if keys is None
            else _held(database, session, table, keys)
            for table, keys in wanted
        ]


def _held(database: Database, session: Connection, table: Table, keys: set[Key]) -> Held:
    """The rows of these keys on one side: key to hashes, more than one where the key is there twice."""
    hash1, hash2 = _DIGEST.pair_of("image")
    composed = statement("keys").format(
        key_values=digest.texts(table.key or (), of="held"),
        hash1=hash1,
        hash2=hash2,
        image=digest.image(_typed(table), of="held"),
        keyed=of_keys(table),
    )
    parameters = key_arrays(keys)
    held: Held = {}
    with database.translated(f"comparing the changed rows of {table.name}"):
        for values, one, two in session.execute(composed, parameters):
            held.setdefault(tuple(values), []).append((one, two))
    return held


def of_keys(table: Table) -> sql.Composed:
    """What to put behind FROM for the rows of certain keys, called `held`; takes `key_arrays`."""
    key = table.key or ()
    asked = [sql.Identifier("asked", column) for column in key]
    texts = sql.SQL("%s::pg_catalog.text[]")
    return statement("keyed").format(
        # The type is as the server printed it, quoted where it must be.
        typed=sql.SQL(", ").join(
            sql.SQL("{}::{}").format(one, Verbatim(kind))
            for one, kind in zip(asked, table.key_types, strict=True)
        ),
        arrays=sql.SQL(", ").join([texts] * len(key)),
        columns=sql.SQL(", ").join(sql.Identifier(column) for column in key),
        table=sql.SQL("ONLY ") + table.name.identifier(),
        same=sql.SQL(" AND ").join(
            sql.SQL("{} OPERATOR({}.{}) {}").format(
                sql.Identifier("held", column), sql.Identifier(schema), Verbatim(name), one
            )
            for column, (schema, name), one in zip(key, table.key_operators, asked, strict=True)
        ),
    )


def key_arrays(keys: Iterable[Key]) -> list[list[str]]:
    """The parameters of `of_keys`: an array of texts for each column of the key."""
    return [list(values) for values in zip(*sorted(keys), strict=True)]


def _totals(database: Database, session: Connection, table: Table) -> tuple[int, ...]:
    composed = _DIGEST.totals(digest.image(_typed(table)), sql.SQL("ONLY ") + table.name.identifier())
    with database.translated(f"comparing {table.name}"):
        row = session.execute(composed).fetchone()
    return tuple(int(value) for value in row or ())


def _differences(table: Table, there: Held, here: Held) -> list[Difference]:
    found = []
    for key in sorted(there.keys() | here.keys()):
        one, two = sorted(there.get(key, [])), sorted(here.get(key, []))
        if one != two:
            kind: Kind = "changed" if one and two else "missing" if one else "extra"
            found.append(Difference(table.name, kind, dict(zip(table.key or (), key, strict=True))))
    return found


def _typed(table: Table) -> Mapping[str, str] | Sequence[str]:
    return digest.typed(((column.name, column.type) for column in table.columns), table.bytes)
