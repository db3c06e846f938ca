"""What carried changes leave to be done outside of apply workers: rows of new tables, keys, the way back.

A subscription skips rows of a table that it does not know, and learns of new ones only by a command that no
transaction may hold. So a new table's rows are copied while its writers are held, and followed from that
very instant on. Everything here looks at what there is, and can be cut off and run again at any point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from core.errors import Interrupted, SchemaChanged, StepTimeout
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.carry.missing import make_missing
from migration.catalog.tables import Table, TableName
from migration.plan.model import Plan
from migration.replicate.flow import Direction, Flow
from migration.replicate.publication import settle_identities
from migration.schema.grants import grant_statements
from migration.steps.context import OnlineMove
from migration.steps.shifting_checks import take_off_checks

query = queries(__package__)


ARRIVE_SECONDS = 60.0
HOLD_SECONDS = 30.0


@dataclass(frozen=True)
class TakenOver:
    """What was done, for the person and the journal."""

    changes: int
    """The number of the newest change that both sides have; 0: none was ever carried."""
    tables: tuple[str, ...]
    """New ones, whose rows are followed from now on."""
    keys: tuple[str, ...]
    """Foreign keys that were validated on the side that follows."""


def take_over(
    make: Callable[[Plan], OnlineMove],
    flow: Flow,
    read: Callable[[], Plan],
    schema: str,
    again: Collection[TableName] = (),
) -> tuple[Plan, TakenOver]:
    """Bring the side that follows up to all schema changes that were carried over; returns the plan then.

    `read` reads the plan from the catalogues, `make` makes the move that works by it; the rows of tables
    `again` are copied although they are followed, being new and without guards. Raises StepTimeout where a
    change does not arrive, and what copying and connecting raise.
    """
    if not (flow.changes.is_there(flow.at_publisher) and flow.changes.is_there(flow.at_subscriber)):
        plan = read()
        take_off_checks(make(plan), flow.subscriber)
        return plan, TakenOver(0, (), ())
    make_missing(flow, schema, tables_of(make, read) if flow.direction == "forward" else None)
    if flow.changes.last(flow.at_publisher) > flow.changes.last(flow.at_subscriber):
        # A check that was carried may be what keeps the rest from arriving.
        take_off_checks(make(read()), flow.subscriber)
    # Before the catalogues are read: a table may be dropped while they are.
    _arrive(flow)
    move = make(read())
    take_off_checks(move, flow.subscriber)
    tables = _take_tables(move, flow, again)
    _guard_tables(move, flow)
    if flow.direction == "forward":
        _grant(move, flow)
    _take_back_flow(move, flow.direction)
    keys = _validate_keys(flow, move.service.schema_name)
    return move.plan, TakenOver(flow.changes.last(flow.at_subscriber), tables, keys)


def tables_of(make: Callable[[Plan], OnlineMove], read: Callable[[], Plan]) -> Callable[[], set[TableName]]:
    """Gives the names of the service's tables, as the shared database has them when it is asked."""
    return lambda: {table.name for table in make(read()).own.relations}


def require_no_more(flow: Flow, taken: TakenOver) -> None:
    """With writers held on the side that served: raise SchemaChanged when a change has come since.

    It is carried over, too; but rows of a new table are not, and nothing of it was verified.
    """
    if not flow.changes.is_there(flow.at_publisher):
        return
    last = flow.changes.last(flow.at_publisher)
    if last > taken.changes:
        raise SchemaChanged(
            f"a schema migration of {flow.service} ended right before the switch, {last - taken.changes} "
            "changes came too late to be verified; nothing was switched: run it again"
        )


def _arrive(flow: Flow) -> None:
    """Wait until the side that follows has applied the newest change."""
    if flow.changes.last(flow.at_publisher) <= flow.changes.last(flow.at_subscriber):
        return
    try:
        flow.prove(ARRIVE_SECONDS)
    except StepTimeout as error:
        raise StepTimeout(
            f"schema changes of {flow.service} have not arrived on {flow.subscriber.label}: {error}; "
            "its server's log says which statement fails and why: mend that there, and it goes on by itself"
        ) from error


def _held(table: Table) -> bool:
    return table.holds_rows and not table.unlogged and table.kind != "foreign"


def _followed(flow: Flow) -> set[TableName]:
    rows = flow.at_subscriber.execute(query("followed"), {"subscription": flow.name}).fetchall()
    return {TableName(*row) for row in rows}


def _take_tables(move: OnlineMove, flow: Flow, again: Collection[TableName]) -> tuple[str, ...]:
    with flow.subscriber.translated("reading which tables are followed"):
        followed = _followed(flow)
    new = [
        table
        for table in move.own.relations
        if _held(table) and (table.name not in followed or table.name in again)
    ]
    if not new:
        return ()
    flow.publish(move.own.relations)
    with flow.subscriber.translated("settling replica identities"):
        settle_identities(flow.at_subscriber, move.name, move.own.relations)
    with _writers_held(flow, new) as session:
        # What was sent of them up to now has been skipped.
        flow.prove(ARRIVE_SECONDS)
        _copy(move, flow, session, new)
        flow.refresh()
    return tuple(str(table.name) for table in new)


def _grant(move: OnlineMove, flow: Flow) -> None:
    """What was made since the start: the service's role may do with it what the common role may."""
    with flow.subscriber.translated("reading what was made since the start"):
        rows = flow.at_subscriber.execute(query("made"), {"schema": move.service.schema_name}).fetchall()
    made = {name for (name,) in rows}
    objects = move.plan.catalog.objects
    only = {
        key
        for key in move.own.objects
        if objects[key].schema == move.service.schema_name and objects[key].name in made
    }
    if not only:
        return
    grants = list(grant_statements(move.service, move.own, move.plan.catalog, only))
    with flow.subscriber.translated("granting"), flow.at_subscriber.transaction():
        owner = sql.Identifier(move.service.owner)
        flow.at_subscriber.execute(sql.SQL("SET LOCAL ROLE {}").format(owner))
        for grant in grants:
            flow.at_subscriber.execute(grant)


def _guard_tables(move: OnlineMove, flow: Flow) -> None:
    """New tables get guards on both sides, which let apply workers pass."""
    for database, is_open in ((flow.subscriber, False), (flow.publisher, True)):
        with move.guards(database) as guards:
            if guards.status().missing:
                guards.install(open=is_open)


def _copy(move: OnlineMove, flow: Flow, reader: Connection, tables: Sequence[Table]) -> None:
    """Make `tables` of the side that follows those that `reader` sees, in one transaction."""
    path = (
        (move.service.schema_name, "public")
        if flow.subscriber.side == "source"
        else move.service.own_search_path
    )
    # Older tables first: those that a key of another leads to.
    ordered = sorted(tables, key=lambda table: table.oid)
    with (
        flow.subscriber.connect(autocommit=False, application_name="waqiti-migration-carry") as writer,
        flow.subscriber.translated(f"copying {len(tables)} new tables"),
    ):
        writer.execute(query("as_replica"))
        quoted = sql.SQL(", ").join(map(sql.Identifier, path))
        writer.execute(sql.SQL("SET LOCAL search_path = {}").format(quoted))
        for table in reversed(ordered):
            # Not TRUNCATE: a key of another table may lead to it.
            writer.execute(sql.SQL("DELETE FROM ONLY {}").format(table.name.identifier()))
        for table in ordered:
            try:
                _copy_rows(move, reader, writer, table)
            except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
                raise SchemaChanged(
                    f"table {table.name} was changed since the start, by DDL that is not carried over"
                    f" ({error.diag.message_primary}): `abort {move.name}`, then `start {move.name}` takes it"
                    " along as it is"
                ) from error
        writer.commit()


def _copy_rows(move: OnlineMove, reader: Connection, writer: Connection, table: Table) -> None:
    name = table.name.identifier()
    rows = reader.execute(query("written_columns"), {"schema": table.name.schema, "table": table.name.name})
    columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in rows.fetchall())
    there = sql.SQL("COPY (SELECT {} FROM ONLY {}) TO STDOUT").format(columns, name)
    # A table without columns has rows, too.
    named = sql.SQL(" ({})").format(columns) if columns.as_string() else sql.SQL("")
    here = sql.SQL("COPY {}{} FROM STDIN").format(name, named)
    with reader.cursor().copy(there) as source, writer.cursor().copy(here) as target:
        for block in source:
            if move.stop.is_set():
                raise Interrupted("interrupted while a new table was being copied; the same command goes on")
            target.write(block)


@contextmanager
def _writers_held(flow: Flow, tables: Sequence[Table]) -> Iterator[Connection]:
    """A session of the publisher that sees all there is of `tables`, whose writers wait meanwhile."""
    names = sql.SQL(", ").join(table.name.identifier() for table in tables)
    deadline = time.monotonic() + HOLD_SECONDS
    with (
        flow.publisher.connect(autocommit=False, application_name="waqiti-migration-carry") as session,
        flow.publisher.translated(f"holding the writers of {len(tables)} new tables"),
    ):
        while True:
            try:
                session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                session.execute("SET LOCAL lock_timeout = '100ms'")
                session.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))
                break
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                session.rollback()
                if time.monotonic() > deadline:
                    raise StepTimeout(
                        f"could not hold the writers of new tables of {flow.service} for a moment in "
                        f"{HOLD_SECONDS:g} s: end long transactions (`gates` lists them), then run it again"
                    ) from error
                time.sleep(0.05)
        yield session
        session.rollback()


def _take_back_flow(move: OnlineMove, direction: Direction) -> None:
    """The other direction, which is disabled until a switch starts it, is to know the same tables."""
    wanted = {table.name for table in move.own.relations if _held(table)}
    with move.back() if direction == "forward" else move.forward() as other:
        with other.subscriber.translated("reading which tables the way back follows"):
            missing = wanted - _followed(other)
        if not missing:
            return
        other.publish(move.own.relations)
        # A disabled subscription cannot be refreshed.
        other.drop_subscription()
        other.subscribe(move.own.relations, enabled=False, schema=move.service.schema_name)


def _validate_keys(flow: Flow, schema: str) -> tuple[str, ...]:
    """Keys that are valid where they were made: their rows are all there now."""
    with flow.publisher.translated("reading its foreign keys"):
        valid = {row[:3] for row in flow.at_publisher.execute(query("keys"), {"schema": schema}) if row[3]}
    done = []
    with flow.subscriber.translated("validating foreign keys"):
        for row in flow.at_subscriber.execute(query("keys"), {"schema": schema}).fetchall():
            if not row[3] and row[:3] in valid:
                flow.at_subscriber.execute(
                    sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
                        sql.Identifier(row[0], row[1]), sql.Identifier(row[2])
                    )
                )
                done.append(f"{row[0]}.{row[1]}.{row[2]}")
    return tuple(done)
