"""The DDL of replicas: tables of other services in a service's own database, that nobody writes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from components.contract import Service
from core.sessions.queries import statements
from migration.boundary.replicas import Replica
from migration.catalog.ddl_statement import Statement
from migration.catalog.tables import TableName

GUARD = "waqiti_read_only"
"""The trigger that refuses writes."""


statement = statements(__package__)

REPLICA = "REPLICA"
"""The kind of these statements."""
_REFUSING = "waqiti_refuse_write"


def replica_statements(
    service: Service, replicas: Iterable[Replica]
) -> Mapping[TableName, tuple[Statement, ...]]:
    """For each replica what makes it, empty, to be run as the owner; the service may only read it.

    Its schema has to be there, and the types of its columns.
    """
    return {replica.table: tuple(_statements(service, replica)) for replica in replicas}


def _statements(service: Service, replica: Replica) -> Iterable[Statement]:
    function = sql.Identifier(replica.table.schema, _REFUSING)
    parts: dict[str, sql.Composable] = {
        "table": replica.table.identifier(),
        "columns": sql.SQL(", ").join(_column(replica)),
        "key": sql.SQL(", ").join(sql.Identifier(name) for name in replica.key),
        "guard": sql.Identifier(GUARD),
        "function": function,
        "service": sql.Identifier(service.service.name),
    }
    yield _statement(f"function {_REFUSING}", statement("replica_guard").format(function=function))
    for text in (
        "CREATE TABLE {table} ({columns}, PRIMARY KEY ({key}))",
        "CREATE TRIGGER {guard} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
        "REVOKE ALL ON {table} FROM {service}",
        "GRANT SELECT ON {table} TO {service}",
    ):
        yield _statement(f"replica {replica.table}", sql.SQL(text).format(**parts))
    for index in replica.indexes:
        yield Statement(f"index of the replica {replica.table}", REPLICA, (0, 0), index)


def _column(replica: Replica) -> list[sql.Composed]:
    # Types and collations are the server's own output.
    return [
        sql.SQL("{} {}{}").format(
            column.identifier(),
            sql.SQL(column.type),
            sql.SQL(" COLLATE {}").format(sql.SQL(column.collation)) if column.collation else sql.SQL(""),
        )
        for column in replica.columns
    ]


def _statement(name: str, composed: sql.Composed) -> Statement:
    return Statement(name, REPLICA, (0, 0), composed.as_string(None))
