"""Reads a shared database as `init` needs it: catalogue, statistics, roles, sessions, settings."""

from __future__ import annotations

import re
from typing import TypeVar

from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import class_row

from core.errors import NothingToDraft, SourceSettings, SourceUnreachable, VersionUnsupported
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from migration.catalog.read import OWN_SCHEMA, read_catalog
from migration.init.model import RoleFacts, SchemaFacts, ServerFacts, StatementFacts, Survey
from migration.plan.checks import OLDEST_SUPPORTED

gates_query = queries("migration.gates")
traffic_query = queries("migration.traffic")
query = queries(__package__)
statement = statements(__package__)

Row = TypeVar("Row")
_CALL = re.compile(r"([a-zA-Z_]\w*)\s*\(")

SETTINGS = (
    "listen_addresses", "max_connections", "max_locks_per_transaction", "max_logical_replication_workers",
    "max_replication_slots", "max_wal_senders", "max_worker_processes", "reserved_connections",
    "shared_preload_libraries", "superuser_reserved_connections", "wal_level", "wal_retrieve_retry_interval",
    "hba_file",
)  # fmt: skip


def survey(source: Database, application: str | None) -> Survey:
    """What there is. `application` is the services' common role; where it is None the likeliest one is taken.

    Raises SourceUnreachable, AuthenticationFailed, NothingToDraft (no such database), VersionUnsupported,
    SourceSettings (a standby, another encoding).
    """
    with _session(source) as connection, source.translated("reading its catalogue"):
        server = _server(connection, source)
        roles = tuple(_rows(connection, "roles", RoleFacts))
        catalog = read_catalog(connection, application=application or likeliest(roles))
        schema, loaded, _ = connection.execute(traffic_query("extension")).fetchone() or (None, False, None)
        capacity = connection.execute(gates_query("capacity")).fetchone() or ("", 0, 0, 0, 0)
        return Survey(
            server=server,
            settings=dict(connection.execute(query("settings"), {"names": list(SETTINGS)}).fetchall()),
            free=dict(zip(("slots", "senders", "workers"), capacity[1:4], strict=True)),
            schemas=tuple(s for s in _rows(connection, "schemas", SchemaFacts) if s.name != OWN_SCHEMA),
            roles=roles,
            sessions={(role, name): n for role, name, n in connection.execute(query("sessions"))},
            statements=_statements(connection, schema) if schema and loaded else {},
            counts_statements=bool(schema and loaded),
            loads_statements=bool(loaded),
            called=_called(connection, schema) if schema and loaded else None,
            callable={name: frozenset(found) for name, found in connection.execute(query("extensions"))},
            admitting_lines=_admitting_lines(connection),
            encrypted=bool(connection.pgconn.ssl_in_use),
            catalog=catalog,
        )


def likeliest(roles: tuple[RoleFacts, ...]) -> str | None:
    """The role that all services share, by what it may write; None where no role may write anything."""
    able = [role for role in roles if role.tables]
    return max(able, key=lambda role: (role.tables, role.sessions, role.name)).name if able else None


def _session(source: Database) -> Connection:
    try:
        return source.connect(application_name="waqiti-init")
    except SourceUnreachable as error:
        # libpq gives no SQLSTATE before there is a session.
        if f'database "{source.endpoint.database}" does not exist' in str(error):
            raise NothingToDraft(
                f"{source.endpoint.host}:{source.endpoint.port} has no database"
                f" {source.endpoint.database}; correct the end of --source"
            ) from None
        raise


def _server(connection: Connection, source: Database) -> ServerFacts:
    if connection.info.server_version < OLDEST_SUPPORTED * 10_000:
        raise VersionUnsupported(
            f"{source.where} runs PostgreSQL {connection.info.server_version // 10_000}; upgrade it to"
            f" {OLDEST_SUPPORTED} or newer"
        )
    (server,) = _rows(connection, "server", ServerFacts)
    if server.standby:
        raise SourceSettings(f"{source.where} is a standby, which takes no writes; use the primary's address")
    if server.encoding != "UTF8":
        raise SourceSettings(f"{source.where} has encoding {server.encoding}; the service databases are UTF8")
    return server


def _rows(connection: Connection, name: str, kind: type[Row]) -> list[Row]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query(name)).fetchall()


def _statements(connection: Connection, schema: str) -> dict[str, StatementFacts]:
    composed = statement("statements").format(schema=sql.Identifier(schema))
    return {
        name: StatementFacts(calls, mean or 0.0, reading)
        for name, calls, mean, reading in connection.execute(composed)
    }


def _called(connection: Connection, schema: str) -> frozenset[str]:
    """Names that are called in any statement of an application."""
    composed = statement("texts").format(schema=sql.Identifier(schema))
    return frozenset(name.lower() for (text,) in connection.execute(composed) for name in _CALL.findall(text))


def _admitting_lines(connection: Connection) -> int | None:
    """Superusers alone see pg_hba.conf, unless it was granted."""
    try:
        row = connection.execute(query("hba")).fetchone()
    except pg.InsufficientPrivilege:
        return None
    return int(row[0]) if row else None
