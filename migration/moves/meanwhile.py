"""What came while `start` copied: tables and partitions that the schema's dump had not, or otherwise.

Their rows stop an apply worker, so that they are made ahead of the subscription; once the service's own
database follows closely, they are given their rows. docs/decisions/0152-what-comes-meanwhile.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from psycopg import sql

from migration.carry.missing import make_missing, move_partitions
from migration.carry.take_over import tables_of, take_over
from migration.catalog.tables import TableName
from migration.examine.read_plan import read_plan
from migration.fidelity.compare import compare_schemas
from migration.guards.changes import WATCHING, read_watch, schema_changes, watch
from migration.plan.model import Plan
from migration.replicate.flow import Flow
from migration.steps.context import OnlineMove

COPIED = "copy from the slot's snapshot"
MADE = "make what came meanwhile"


def new_tables(move: OnlineMove, snapshot: str) -> list[list[str]]:
    """Tables of the schema at a snapshot that the dump before it did not have: their rows up to then are
    neither copied nor replicated."""
    known = {table.name for table in move.own.relations}
    asked = (
        "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1, 2"
    )
    with (
        move.source.connect(autocommit=False) as connection,
        move.source.translated("looking for tables that are new"),
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        rows = connection.execute(asked, [move.service.schema_name]).fetchall()
    return [[schema, name] for schema, name in rows if TableName(schema, name) not in known]


def make_what_came(move: OnlineMove) -> Mapping[str, Any]:
    """Ahead of the subscription, once changes are carried over: make it, without its rows."""
    with move.forward() as flow:
        made = make_new(move, flow)
        moved = move_partitions(flow, move.service.schema_name)
    return {"made": [[table.schema, table.name] for table in made], "moved": list(moved)}


def make_new(move: OnlineMove, flow: Flow) -> tuple[TableName, ...]:
    """Make tables that only the shared database has, as long as nobody else does. Raises SchemaChanged."""
    return make_missing(flow, move.service.schema_name, tables_of(_with(move), _reading(move)))


def fill_what_came(move: OnlineMove) -> Mapping[str, Any]:
    """Once it follows closely: the rows, and a watch that knows what has been taken along."""
    began = read_watch(move.journal.steps(move.move))
    made, early = _named(move, MADE, "made"), _named(move, COPIED, "new_tables")
    with move.source.connect() as connection, move.source.translated("looking for changes of its schema"):
        changes = schema_changes(connection, began) if began is not None else []
        if not (made or changes):
            return {}
        now = watch(connection, move.name, move.service.schema_name)
    with move.forward() as flow:
        schema, again = move.service.schema_name, made & early
        plan, _ = take_over(_with(move), flow, _reading(move), schema, again)
    differences = compare_schemas(move.source, move.target, plan, move.name, move.contract)
    if differences:
        first = f": {changes[0]}" if changes else ""
        move.progress.note(
            f"{move.name}: its schema was changed while it was copied{first}; its own database is without"
            f" that, so that no cutover will be allowed: `abort {move.name}`, then `start {move.name}`"
        )
        return {"differences": len(differences)}
    figures = {"schema": now.schema, "after": now.after, "fingerprint": now.fingerprint}
    move.journal.end(move.journal.begin(move.move, WATCHING, figures), "done")
    return {"tables": [str(table) for table in made]}


def _named(move: OnlineMove, step: str, figure: str) -> set[TableName]:
    return {
        TableName(*name)
        for record in move.journal.steps(move.move)
        if record.step == step and record.outcome == "done"
        for name in record.figures.get(figure, ())
    }


def _with(move: OnlineMove) -> Callable[[Plan], OnlineMove]:
    return lambda plan: replace(move, plan=plan)


def _reading(move: OnlineMove) -> Callable[[], Plan]:
    return lambda: read_plan(move.contract, [move.service])
