"""Materialized views of a side that follows: refreshed there when the other side's have been.

Replication carries the tables and not REFRESH, so that what one side refreshes is old on the other. Ahead of
a cutover the own database's views are compared with the shared one's, and refreshed where they differ; after
a rollback the shared database's are, where that can be done without keeping its readers out. What stays
other than on the side that served is said. One that is empty on the side that served is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from core.errors import Interrupted, MigrationError
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from core.sessions.settings import COMPARING, use
from migration.catalog.tables import TableName, search_path
from migration.steps.context import OfflineMove

query = queries(__package__)
statement = statements(__package__)


@dataclass(frozen=True)
class _Found:
    """A materialized view on one side."""

    populated: bool
    concurrently: bool
    """It can be refreshed while others read it."""


def refresh_own(move: OfflineMove) -> None:
    """Ahead of a cutover: let the own database's views hold what the shared one's do.

    What cannot be done is said, and is no error.
    """
    path, as_owner = move.service.own_search_path, sql.Identifier(move.service.owner)
    with _refreshing(move, move.target) as session:
        session.execute(sql.SQL("SET ROLE {}").format(as_owner))
        _refresh(move, move.source, (move.target, session), path, concurrently=False)


def refresh_shared(move: OfflineMove) -> None:
    """After a rollback: the same for the shared database, whose readers are not kept waiting."""
    path = (move.service.schema_name, "public")
    with _refreshing(move, move.source) as session:
        _refresh(move, move.target, (move.source, session), path, concurrently=True)


@contextmanager
def _refreshing(move: OfflineMove, database: Database) -> Iterator[Connection]:
    """A session for it; a failure is told and goes no further."""
    try:
        with database.connect() as session, database.translated("refreshing materialized views"):
            yield session
    except Interrupted:
        raise
    except MigrationError as error:
        move.progress.note(f"{move.name}: materialized views may be old in {database.label}: {error}")


def _refresh(
    move: OfflineMove,
    served: Database,
    followed: tuple[Database, Connection],
    path: Sequence[str],
    *,
    concurrently: bool,
) -> None:
    database, session = followed
    views = _views(move)
    if not views:
        return
    with served.connect() as there, served.translated("reading its materialized views"):
        ours, theirs = _find(there, views), _find(session, views)
        for view in views:
            if view not in ours or view not in theirs or not ours[view].populated:
                continue
            if theirs[view].populated and _digest(there, view) == _digest(session, view):
                continue
            if concurrently and not (theirs[view].concurrently and theirs[view].populated):
                command = _command(view, concurrently=False).as_string(None)
                said = f"is older in {database.label} than in {served.label}, and others may read it there"
                move.progress.note(
                    f"{move.name}: materialized view {view} {said}: {command} when it suits them"
                )
                continue
            _run(session, _command(view, concurrently=concurrently), path)
            after = _digest(there, view) == _digest(session, view)
            is_now = (
                "" if after else f"; it holds what its query gives now, which {served.label}'s does not yet"
            )
            move.progress.note(f"{move.name}: materialized view {view} refreshed in {database.label}{is_now}")


def _views(move: OfflineMove) -> list[TableName]:
    """All of the service's: those that the shared database has filled come in the order of what they read."""
    filled = move.own.materialized_views
    items = (move.plan.catalog.objects[key] for key in sorted(move.own.objects))
    names = (TableName(one.schema or "", one.name) for one in items if one.kind == "materialized view")
    return [*filled, *(name for name in names if name not in filled)]


def _find(connection: Connection, views: Iterable[TableName]) -> dict[TableName, _Found]:
    names = list(views)
    parameters = {"schemas": [view.schema for view in names], "names": [view.name for view in names]}
    return {
        TableName(schema, name): _Found(populated, concurrently)
        for schema, name, populated, concurrently in connection.execute(
            query("materialized_views"), parameters
        )
    }


def _digest(connection: Connection, view: TableName) -> tuple[Any, ...] | None:
    with connection.transaction():
        use(connection, COMPARING, local=True)
        return connection.execute(statement("materialized_digest").format(view=view.identifier())).fetchone()


def _command(view: TableName, *, concurrently: bool) -> sql.Composed:
    how = sql.SQL("CONCURRENTLY " if concurrently else "")
    return sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(how, view.identifier())


def _run(connection: Connection, command: sql.Composed, path: Sequence[str]) -> None:
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(search_path(path)))
        # Of a table that policies hide from its owner (FORCE) it holds what they show, as on the other side.
        connection.execute("SET LOCAL row_security = on")
        connection.execute(command)
