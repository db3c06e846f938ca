"""The queries of migration/sql/ that name tables: composed with `psycopg.sql`, never by formatting text."""

from __future__ import annotations

from functools import cache

from psycopg import sql

from migration.queries import query


@cache
def statement(name: str) -> sql.SQL:
    """`sql/<name>.sql` as a template: `.format(table=sql.Identifier(...))` fills its `{table}`.

    What several queries have in common is a statement of its own, which fills their place for it.
    """
    return sql.SQL(query(name).decode())
