"""What this program made on a service's own database: noted as it is made, dropped only if noted.

Everything is noted in the schema `waqiti_migration` there, in the transaction that makes it, so that a
crash leaves neither a thing without a note nor a note without a thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from migration.connections import Database
from migration.errors import SchemaOnTarget, TargetNotEmpty
from migration.plan_builds import spelled_locales
from migration.plan_model import TargetFacts
from migration.queries import query
from migration.references_plan import marks_of
from migration.schema_script import Statement

Connection = psycopg.Connection[tuple[Any, ...]]

_SETTINGS = {
    "search_path": "",
    "check_function_bodies": "off",
    "row_security": "off",
    "xmloption": "content",
    "client_min_messages": "warning",
    "standard_conforming_strings": "on",
    "default_tablespace": "",
    "default_table_access_method": "heap",
    "statement_timeout": "0",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "synchronous_commit": "off",
    "timezone": "UTC",
}
"""What pg_restore sets, and what keeps an instance's own limits out of the way. `row_security = off` makes
a policy an error instead of silently hiding rows. Commits need not be durable one by one: a checkpoint or
the last of them makes all before it durable, and what is lost in a crash is made again."""

_DROPPABLE = {
    "table": "TABLE", "view": "VIEW", "materialized view": "MATERIALIZED VIEW", "sequence": "SEQUENCE",
    "foreign table": "FOREIGN TABLE", "function": "FUNCTION", "procedure": "PROCEDURE",
    "aggregate": "AGGREGATE", "type": "TYPE", "composite type": "TYPE", "operator": "OPERATOR",
    "collation": "COLLATION", "conversion": "CONVERSION", "cast": "CAST",
    "text search configuration": "TEXT SEARCH CONFIGURATION",
    "text search dictionary": "TEXT SEARCH DICTIONARY", "statistics object": "STATISTICS",
}  # fmt: skip
"""`pg_identify_object`'s types to what DROP calls them. Schemas and extensions are dropped apart."""


@contextmanager
def ddl_session(target: Database) -> Iterator[Connection]:
    """A connection in autocommit with the settings that a dump is restored with."""
    with target.connect() as connection:
        for name, value in _SETTINGS.items():
            connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        # Only now are PL/pgSQL's own settings known, which functions may have.
        connection.execute("DO LANGUAGE plpgsql 'BEGIN NULL; END'")
        yield connection


def read_target(target: Database) -> TargetFacts:
    """What the plan has to know of a service's own database."""
    with target.connect() as connection, target.translated("reading its version and extensions"):
        server = connection.execute(query("catalog_server")).fetchone()
        available = dict(
            connection.execute(
                "SELECT name, bool_or(trusted OR NOT superuser) FROM pg_available_extension_versions"
                " GROUP BY name"
            ).fetchall()
        )
        installed = dict(
            connection.execute(
                "SELECT extname, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace"
            ).fetchall()
        )
        versions = dict(
            connection.execute(
                "SELECT name, coalesce(installed_version, default_version) FROM pg_available_extensions"
            ).fetchall()
        )
        collations = connection.execute(
            "SELECT collname FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
        locales = connection.execute(
            "SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate <> ''"
            " UNION SELECT datcollate FROM pg_database UNION SELECT datctype FROM pg_database"
        ).fetchall()
        compressions = connection.execute(
            "SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
        ).fetchall()
        xml = _has_xml(connection)
    assert server is not None  # noqa: S101 (the current database has a row)
    version, _, encoding, collate, ctype, *_ = server
    names = frozenset(name for (name,) in collations)
    return TargetFacts(
        version, encoding, collate, ctype, available, installed, versions, names,
        locales=spelled_locales(name for (name,) in locales),
        compressions=frozenset(name for (name,) in compressions),
        # `unicode` is there in any build from PostgreSQL 16 on; these are initdb's, of a build with ICU.
        icu="und-x-icu" in names,
        xml=xml,
    )  # fmt: skip


def _has_xml(connection: Connection) -> bool:
    """Whether the server is built with libxml: nothing but a value tells."""
    try:
        connection.execute("SELECT '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def ensure_marks(connection: Connection) -> None:
    """Make the tables that hold the notes, unless they are there."""
    if connection.execute("SELECT to_regnamespace('waqiti_migration')").fetchone() == (None,):
        connection.execute("CREATE SCHEMA IF NOT EXISTS waqiti_migration")
    if connection.execute("SELECT to_regclass('waqiti_migration.schema_statements')").fetchone() == (None,):
        connection.execute(query("schema_marks"))


def check_ours(connection: Connection, target: Database, service: str, own_schema: str) -> None:
    """Raise unless all that the database holds was made by this program for this service.

    Raises SchemaOnTarget for something in the service's schema, TargetNotEmpty for something elsewhere.
    """
    found = connection.execute(
        query("schema_foreigners"), {"service": service, "schema": own_schema}
    ).fetchone()
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
    connection: Connection, target: Database, service: str, owner: str, statements: Sequence[Statement]
) -> None:
    """Run statements as the owner in one transaction, and note what they made.

    Raises the error that `Database.translate` makes, with the statement's object in it.
    """
    with target.translated(f"noting what was made for {service}"), connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        for statement in statements:
            with target.translated(f"creating {statement.name}"):
                run_statement(connection, statement)
        connection.execute("SET LOCAL ROLE NONE")
        connection.execute(query("schema_mark_new"), {"service": service})


def run_statement(connection: Connection, statement: Statement) -> None:
    """Run one statement (it may be several in one text)."""
    if statement.access_method not in {None, "heap"}:
        method = sql.Literal(statement.access_method)
        connection.execute(sql.SQL("SET LOCAL default_table_access_method = {}").format(method))
    connection.execute(statement.text.encode())


def run_and_note(connection: Connection, service: str, owner: str, statement: Statement) -> None:
    """Run a statement as the owner and note it, in the current transaction and in one round trip."""
    if statement.access_method not in {None, "heap"}:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        run_statement(connection, statement)
        connection.execute("SET LOCAL ROLE NONE")
        note_done(connection, service, statement.fingerprint, statement.name)
        return
    before = sql.SQL("SET LOCAL ROLE {};\n").format(sql.Identifier(owner)).as_string(connection)
    after = sql.SQL(
        "\n; SET LOCAL ROLE NONE; INSERT INTO waqiti_migration.schema_statements (service, fingerprint, name)"
        " VALUES ({}, {}, {}) ON CONFLICT DO NOTHING"
    ).format(sql.Literal(service), sql.Literal(statement.fingerprint), sql.Literal(statement.name))
    connection.execute((before + statement.text + after.as_string(connection)).encode())


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
    and SchemaOnTarget names it. Schemas go only if this program made them and nothing is left in them. Can
    be run twice, and after a crash at any point of creating or building.
    """
    with ddl_session(target) as connection, target.translated(f"dropping what was made for {service}"):
        ensure_marks(connection)
        parameters = {"services": [service, marks_of(service)]}
        dependent = connection.execute(query("schema_dependents"), parameters).fetchone()
        if dependent is not None:
            raise SchemaOnTarget(
                f"{target.label} ({target.where}) has {dependent[0]} {dependent[1]}, which this program did"
                " not make, on top of what it did; drop that there first, then run it again"
            )
        made = connection.execute(query("schema_made"), parameters).fetchall()
        for _, _, kind, identity in made:
            if kind in _DROPPABLE:
                # Identities come quoted from pg_identify_object, of objects noted as made here.
                command = f"DROP {_DROPPABLE[kind]} IF EXISTS {identity} CASCADE"
                connection.execute(command.encode())
        _drop_schemas(connection, [identity for _, _, kind, identity in made if kind == "schema"])
        with connection.transaction():
            for table in ("schema_objects", "schema_statements"):
                connection.execute(
                    sql.SQL("DELETE FROM waqiti_migration.{} WHERE service = ANY(%(services)s)").format(
                        sql.Identifier(table)
                    ),
                    parameters,
                )
    return len(made)


def _drop_schemas(connection: Connection, identities: Sequence[str]) -> None:
    for identity in identities:
        # A schema that somebody has put something into since stays.
        try:
            connection.execute(f"DROP SCHEMA IF EXISTS {identity} RESTRICT".encode())
        except psycopg.errors.DependentObjectsStillExist:
            continue
