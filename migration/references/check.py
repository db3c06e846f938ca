"""A replica that was just filled against what it was filled from, inside the transaction that fills it."""

from __future__ import annotations

from psycopg import sql

from core.errors import VerificationFailed
from core.rows.digest import Digest, image
from core.sessions.session import Connection
from migration.catalog.tables import TableName


def require_equal(
    reading: Connection, writing: Connection, table: TableName, columns: tuple[str, ...], digest: Digest
) -> None:
    """Compare the columns of all rows that both sessions see; both are in their filling transactions.

    Raises VerificationFailed: nothing of what was filled is kept then.
    """
    there, here = (_totals(connection, table, columns, digest) for connection in (reading, writing))
    if there != here:
        raise VerificationFailed(
            f"the replica of {table} would not be what it is copied from ({there[0]:,} rows there, "
            f"{here[0]:,} here): something changes rows as they are written, a trigger perhaps; it keeps "
            "the rows it had"
        )


def _totals(
    connection: Connection, table: TableName, columns: tuple[str, ...], digest: Digest
) -> tuple[int, int, int]:
    composed = digest.totals(image(columns), sql.SQL("ONLY ") + table.identifier())
    row = connection.execute(composed).fetchone()
    if row is None:
        raise AssertionError("an aggregate without GROUP BY gives one row")
    return row[0], int(row[1]), int(row[2])
