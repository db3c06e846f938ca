"""Gates: values in the service's own database that the shared one's older version does not take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import psycopg
from psycopg import sql

from components.contract import Contract, Service
from components.replication_roles import flow_name
from core.sessions.stack import source_database, target_database
from migration.examine.newer_values import NewerColumn, newer_columns, takes_more
from migration.gates.model import Gate, GateLimits, GateReport
from migration.gates.scene import Check, Scene, check
from migration.plan.model import Plan
from migration.replicate.stalls import why_stalled
from migration.replicate.stopped import next_transaction

_SECONDS = 5.0
"""How long a table is looked through."""


@check("newer-values", "rollback")
def newer_values(scene: Scene) -> Iterator[Gate]:
    """Nothing was written that the shared database cannot read: replication would have stopped there."""
    older, newer = (session.info.server_version // 10_000 for session in (scene.there, scene.here))
    columns = newer_columns(scene.here, _own_tables(scene), older, newer)
    if not columns:
        return
    keys = {table.name: table.key or () for table in scene.own.relations}
    untold: list[str] = []
    for column in columns:
        try:
            found = _find(scene, column, keys.get(column.table, ()))
        except psycopg.errors.QueryCanceled:
            untold.append(str(column))
            continue
        if found is not None:
            count, row = found
            yield Gate(
                "newer-values",
                "no-go",
                f"{column} holds {column.kind.what}, which PostgreSQL {older} does not take: {count:,} rows,"
                f" {row or 'one without a key'}",
                f"none that {older} does not take",
                _advice(scene, column, row),
            )
            return
    yield Gate(
        "newer-values",
        "unknown" if untold else "go",
        f"not looked through within {_SECONDS:g} s: {', '.join(untold[:3])}" if untold else "none",
        f"none that PostgreSQL {older} does not take",
    )


def _own_tables(scene: Scene) -> Sequence[int]:
    schemas = [table.name.schema for table in scene.own.relations]
    names = [table.name.name for table in scene.own.relations]
    rows = scene.here.execute(
        "SELECT c.oid::int8 FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " JOIN ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) AS t (schema, name)"
        " ON (t.schema, t.name) = (n.nspname, c.relname)",
        (schemas, names),
    ).fetchall()
    return [row[0] for row in rows]


def _find(scene: Scene, column: NewerColumn, key: Sequence[str]) -> tuple[int, str] | None:
    """How many rows hold such a value, and one of them as the condition that finds it."""
    one = [
        sql.SQL("pg_catalog.format('%I = %L', {}, {})").format(sql.Literal(k), sql.Identifier(k)) for k in key
    ]
    named = (
        sql.SQL("pg_catalog.concat_ws(' AND ', {})").format(sql.SQL(", ").join(one)) if one else sql.SQL("''")
    )
    finding = sql.SQL("SELECT count(*) OVER (), {} FROM {} WHERE NOT {} LIMIT 1").format(
        named, column.table.identifier(), column.takes()
    )
    with scene.target.translated("looking for values that cannot go back"), scene.here.transaction():
        scene.here.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(round(_SECONDS * 1000)))
        row = scene.here.execute(finding).fetchone()
    return None if row is None else (row[0], row[1])


def _advice(scene: Scene, column: NewerColumn, row: str) -> str:
    change = (
        sql.SQL("UPDATE {} SET {} = ...")
        .format(column.table.identifier(), sql.Identifier(column.name))
        .as_string(None)
    )
    where = f" WHERE {row}" if row else ""
    return (
        f"{_leave_out(scene)}give them another value through its endpoint (`{change}{where}`), then"
        f" `verify {scene.name} --repair`, which brings what was left out"
    )


def _leave_out(scene: Scene) -> str:
    """Where replication has stopped: the statement that leaves that transaction out."""
    name = flow_name(scene.name, "back")
    if why_stalled(scene.there, name) is None:
        return ""
    lsn = next_transaction(scene.here, scene.there, name)
    if lsn is None:
        return "replication has stopped there, and the shared server's log has the position to SKIP; then "
    skip = sql.SQL("ALTER SUBSCRIPTION {} SKIP (lsn = {})").format(sql.Identifier(name), sql.Literal(lsn))
    return (
        f"replication has stopped there: `{skip.as_string(None)}` in the shared database as a superuser"
        " leaves that transaction out (ask again, until it stops no more); then "
    )


def require_values_go_back(contract: Contract, service: Service, read: Callable[[], Plan]) -> None:
    """Before a rollback: raise GateClosed where the shared database would not take a value.

    `read` gives the plan, which is asked for where versions differ. What connecting raises is raised, too.
    """
    source, target = source_database(contract), target_database(service)
    with (
        source.connect(application_name="waqiti-migration-gates") as there,
        target.connect(application_name="waqiti-migration-gates") as here,
    ):
        if takes_more(*(session.info.server_version // 10_000 for session in (there, here))):
            limits = GateLimits()
            scene = Scene(contract, service, read(), "rollback", limits, None, source, target, there, here)
            GateReport(service.name, "rollback", tuple(newer_values.run(scene))).require()


VALUES: tuple[Check, ...] = (newer_values,)
