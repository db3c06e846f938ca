"""The log of schema changes that a direction carries over: written where the service is served, replicated.

On the side that follows, the apply worker carries each row out as it applies it: in the transaction, and at
the place in the order of all changes, that it had. docs/decisions/0081-carried-schema-changes.md.
"""

from __future__ import annotations

from psycopg import sql

from core.sessions.own_schema import SCHEMA, ensure_schema
from core.sessions.queries import statements
from core.sessions.session import Connection

statement = statements(__package__)


_APPLY = sql.Identifier("waqiti_migration_apply")


class ChangesLog:
    """The log of one direction; it exists under the same name on both sides."""

    def __init__(self, flow: str) -> None:
        self.name = f"changes_{flow}"
        self.table = sql.Identifier(SCHEMA, self.name)
        self._function = sql.Identifier(SCHEMA, f"apply_{flow}")

    def create(self, connection: Connection) -> None:
        """Make the table unless it is there."""
        ensure_schema(connection)
        connection.execute(statement("changes_table").format(log=self.table))

    def create_apply(self, connection: Connection, schema: str) -> None:
        """On the subscriber: have changes of `schema` carried out, as the schema's owner."""
        row = connection.execute(
            "SELECT pg_catalog.pg_get_userbyid(nspowner)::text FROM pg_catalog.pg_namespace"
            " WHERE nspname = %s",
            [schema],
        ).fetchone()
        if row is None:
            return
        connection.execute(
            statement("changes_apply").format(function=self._function, owner=sql.Literal(row[0]))
        )
        connection.execute(
            sql.SQL(
                "CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT ON {table} FOR EACH ROW"
                " EXECUTE FUNCTION {function}(); ALTER TABLE {table} ENABLE REPLICA TRIGGER {trigger}"
            ).format(trigger=_APPLY, table=self.table, function=self._function)
        )

    def is_there(self, connection: Connection) -> bool:
        """Whether this side has it: an older program's moves have none."""
        row = connection.execute(
            "SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [f"{SCHEMA}.{self.name}"]
        ).fetchone()
        return row == (True,)

    def last(self, connection: Connection) -> int:
        """The number of the newest change on this side; 0: none."""
        row = connection.execute(sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(self.table)).fetchone()
        return 0 if row is None else int(row[0])

    def drop(self, connection: Connection) -> None:
        """Remove it if it is there."""
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(self.table))
        connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}()").format(self._function))
