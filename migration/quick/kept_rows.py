"""The rows that differ, both sides' of each, kept in a file before any of them is overwritten."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import sql

from core.names import TableName
from core.rows import digest
from core.sessions.connections import Database
from core.sessions.queries import statements
from core.sessions.session import Connection
from migration.catalog.tables import Table
from migration.quick.context import QuickMove
from migration.switch.repair_rows import row_hash
from migration.verify.changed_compare import key_arrays, of_keys
from migration.verify.model import Difference

statement = statements(__package__)

Held = dict[tuple[str, ...], list[Any]]


def keep_rows(move: QuickMove, differences: Sequence[Difference]) -> Path:
    """Write a line of JSON for each row that differs: table, key, and what either side has.

    The file holds data of the service: nobody but its owner reads it. Raises what connecting raises.
    """
    move.kept_in.mkdir(parents=True, exist_ok=True)
    path = move.kept_in / f"{move.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.jsonl"
    by_table: dict[TableName, list[Difference]] = defaultdict(list)
    for difference in differences:
        by_table[difference.table].append(difference)
    tables = {table.name: table for table in move.tables}
    with (
        move.source.connect() as shared,
        move.target.connect() as own,
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file,
    ):
        for name, some in sorted(by_table.items()):
            held = [
                _rows(database, session, tables[name], some)
                for database, session in ((move.source, shared), (move.target, own))
            ]
            for line in _lines(name, some, *held):
                file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def _lines(
    name: TableName, differences: Sequence[Difference], shared: Held, own: Held
) -> Iterator[Mapping[str, Any]]:
    for difference in differences:
        key = _key(difference)
        yield {
            "table": str(name),
            "kind": difference.kind,
            "key": difference.key,
            "shared": shared.get(key, []),
            "own": own.get(key, []),
        }


def _rows(database: Database, session: Connection, table: Table, differences: Sequence[Difference]) -> Held:
    found: Held = {}
    keys = {_key(difference) for difference in differences}
    parameters: Any
    if table.key is None:
        hashed = digest.Digest().single(digest.image([column.name for column in table.columns], of="held"))
        composed = statement("rows_of_hashes").format(
            hash=hashed, table=sql.SQL("ONLY ") + table.name.identifier()
        )
        parameters = {"hashes": [int(key[0]) for key in keys]}
    else:
        composed = statement("rows_of_keys").format(
            key_values=digest.texts(table.key, of="held"), keyed=of_keys(table)
        )
        parameters = key_arrays(keys)
    with database.translated(f"keeping rows of {table.name}"), session.transaction():
        digest.prepare(session)
        for key, whole in session.execute(composed, parameters):
            found.setdefault(tuple(key), []).append(whole)
    return found


def _key(difference: Difference) -> tuple[str, ...]:
    if "row" in difference.key and len(difference.key) == 1:
        return (str(row_hash(difference)),)
    return tuple(str(value) for value in difference.key.values())
