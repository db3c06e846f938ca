"""What this program made on a service's own database: noted as it is made, dropped only if noted.

Everything is noted in the schema `waqiti_migration` there, in the transaction that makes it, so that a
crash leaves neither a thing without a note nor a note without a thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from core.errors import SchemaOnTarget, TargetNotEmpty
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.settings import MAKING, use
from migration.boundary.replicas import marks_of
from migration.catalog.ddl_statement import Statement
from migration.catalog.tables import search_path
from migration.plan.late_checks import ADDED, VALIDATED

query = queries(__package__)


_DROPPABLE = {
    "table": "TABLE", "view": "VIEW", "materialized view": "MATERIALIZED VIEW", "sequence": "SEQUENCE",
    "foreign table": "FOREIGN TABLE", "function": "ROUTINE", "procedure": "ROUTINE",
    "aggregate": "ROUTINE", "type": "TYPE", "composite type": "TYPE", "operator": "OPERATOR",
    "operator class": "OPERATOR CLASS", "operator family": "OPERATOR FAMILY",
    "collation": "COLLATION", "conversion": "CONVERSION", "cast": "CAST", "transform": "TRANSFORM",
    "text search configuration": "TEXT SEARCH CONFIGURATION",
    "text search dictionary": "TEXT SEARCH DICTIONARY", "text search parser": "TEXT SEARCH PARSER",
    "text search template": "TEXT SEARCH TEMPLATE", "statistics object": "STATISTICS",
}  # fmt: skip
"""`pg_identify_object`'s types to what DROP calls them. Schemas and extensions are dropped apart."""

_PARTS = frozenset({
    "INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "TRIGGER", "RULE", "POLICY", "ROW SECURITY",
    "INDEX ATTACH", "COMMENT", "ANALYZE", "REFRESH MATERIALIZED VIEW", ADDED, VALIDATED,
})  # fmt: skip
"""Kinds of statements that make nothing which is not a part of what was made before."""


@contextmanager
def ddl_session(target: Database) -> Iterator[Connection]:
    """A connection in autocommit with the settings that a dump is restored with."""
    with target.connect() as connection:
        use(connection, MAKING)
        # Only now are PL/pgSQL's own settings known, which functions may have.
        connection.execute("DO LANGUAGE plpgsql 'BEGIN NULL; END'")
        yield connection


def ensure_marks(connection: Connection) -> None:
    """Make the tables that hold the notes, unless they are there."""
    if connection.execute("SELECT to_regnamespace('waqiti_migration')").fetchone() == (None,):
        connection.execute("CREATE SCHEMA IF NOT EXISTS waqiti_migration")
    if connection.execute("SELECT to_regclass('waqiti_migration.schema_statements')").fetchone() == (None,):
        connection.execute(query("marks"))


def check_ours(connection: Connection, target: Database, service: str, own_schema: str) -> None:
    """Raise unless all that the database holds was made by this program for this service.

    Raises SchemaOnTarget for something in the service's schema, TargetNotEmpty for something elsewhere.
    """
    found = connection.execute(query("foreigners"), {"service": service, "schema": own_schema}).fetchone()
    if found is None:
        return
    schema, kind, identity = found
    if schema == own_schema:
        raise SchemaOnTarget(
            f"{target.label} ({target.where}) already has {kind} {identity}, which this program did not make;"
            " if nobody needs it, drop it there and run it again"
        )
    raise TargetNotEmpty(
        f"{target.label} ({target.where}) already has {kind} {identity}, which this program did not make;"
        " use an empty database, or drop it there and run it again"
    )


def run_noted(
    connection: Connection,
    target: Database,
    service: str,
    owner: str,
    statements: Sequence[Statement],
    *,
    path: Sequence[str] = (),
) -> None:
    """Run statements as the owner in one transaction, and note what they made; `path` as in `run_and_note`.

    Raises the error that `Database.translate` makes, with the statement's object in it.
    """
    with target.translated(f"noting what was made for {service}"), connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        for statement in statements:
            with target.translated(f"creating {statement.name}"):
                if statement.under_path:
                    _set_path(connection, path)
                run_statement(connection, statement)
                if statement.under_path:
                    _set_path(connection, ())
        connection.execute("SET LOCAL ROLE NONE")
        connection.execute(query("mark_new"), {"service": service})


def run_statement(connection: Connection, statement: Statement) -> None:
    """Run one statement (it may be several in one text)."""
    if statement.access_method not in {None, "heap"}:
        method = sql.Literal(statement.access_method)
        connection.execute(sql.SQL("SET LOCAL default_table_access_method = {}").format(method))
    connection.execute(statement.text.encode())


def in_one_trip(statement: Statement) -> bool:
    """Whether `run_and_note` needs no transaction around it: one message, which the server makes one of."""
    return statement.access_method in {None, "heap"} and statement.kind in _PARTS and not statement.under_path


def run_and_note(
    connection: Connection, service: str, owner: str, statement: Statement, path: Sequence[str] = ()
) -> None:
    """Run a statement as the owner and note it, in the current transaction; a part in one round trip, and as
    one transaction where there is none (`in_one_trip`).

    What pg_dump puts after the rows may be a whole (a function or a materialized view that groups by a
    primary key): it is noted as made then, like what comes before the rows. `path` is the search_path of the
    service's sessions, for a statement that runs under it.
    """
    if statement.under_path:
        _set_path(connection, path)
    if statement.access_method not in {None, "heap"} or statement.kind not in _PARTS:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        run_statement(connection, statement)
        connection.execute("SET LOCAL ROLE NONE")
        note_done(connection, service, statement.fingerprint, statement.name)
        if statement.kind not in _PARTS:
            connection.execute(query("mark_new"), {"service": service})
        return
    before = sql.SQL("SET LOCAL ROLE {};\n").format(sql.Identifier(owner)).as_string(connection)
    after = sql.SQL(
        "\n; SET LOCAL ROLE NONE; INSERT INTO waqiti_migration.schema_statements (service, fingerprint, name)"
        " VALUES ({}, {}, {}) ON CONFLICT DO NOTHING"
    ).format(sql.Literal(service), sql.Literal(statement.fingerprint), sql.Literal(statement.name))
    connection.execute((before + statement.text + after.as_string(connection)).encode())


def _set_path(connection: Connection, path: Sequence[str]) -> None:
    """For the current transaction."""
    value = search_path(path) if path else sql.Literal("")
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(value))


def done_statements(connection: Connection, service: str) -> frozenset[str]:
    """Fingerprints of the statements that have been run after the rows were copied."""
    rows = connection.execute(
        "SELECT fingerprint FROM waqiti_migration.schema_statements WHERE service = %s", [service]
    )
    return frozenset(row[0] for row in rows)


def note_done(connection: Connection, service: str, fingerprint: str, name: str) -> None:
    """Note, in the current transaction, that a statement has been run."""
    connection.execute(
        "INSERT INTO waqiti_migration.schema_statements (service, fingerprint, name) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [service, fingerprint, name],
    )


def drop_schema_on_target(target: Database, service: str) -> int:
    """Drop all that this program made for the service, rows included, and return how many objects that was.

    Its replicas of other services' tables are among it: what reads them, and the types that they are of, is
    the service's own.

    What it did not make stays: if something like that depends on what would be dropped, nothing is dropped
    and SchemaOnTarget names it. Extensions and schemas go only if this program made them and nothing is left
    that needs them. Can be run twice, and after a crash at any point of creating or building.
    """
    with ddl_session(target) as connection, target.translated(f"dropping what was made for {service}"):
        ensure_marks(connection)
        parameters = {"services": [service, marks_of(service)]}
        dependent = connection.execute(query("dependents"), parameters).fetchone()
        if dependent is not None:
            raise SchemaOnTarget(
                f"{target.label} ({target.where}) has {dependent[0]} {dependent[1]}, which this program did"
                " not make, on top of what it did; drop that there first, then run it again"
            )
        made = connection.execute(query("made"), parameters).fetchall()
        for _, _, kind, identity in made:
            if kind in _DROPPABLE:
                # Identities come quoted from the server, of objects noted as made here.
                command = f"DROP {_DROPPABLE[kind]} IF EXISTS {identity} CASCADE"
                connection.execute(command.encode())
        # An extension's schema goes after the extension.
        for kind in ("extension", "schema"):
            _drop_unless_used(connection, kind, [name for _, _, of, name in made if of == kind])
        with connection.transaction():
            for table in ("schema_objects", "schema_statements"):
                connection.execute(
                    sql.SQL("DELETE FROM waqiti_migration.{} WHERE service = ANY(%(services)s)").format(
                        sql.Identifier(table)
                    ),
                    parameters,
                )
    return len(made)


def _drop_unless_used(connection: Connection, kind: str, identities: Sequence[str]) -> None:
    for identity in identities:
        # A schema that somebody has put something into since stays, and an extension that somebody needs.
        try:
            connection.execute(f"DROP {kind.upper()} IF EXISTS {identity} RESTRICT".encode())
        except psycopg.errors.DependentObjectsStillExist:
            continue
