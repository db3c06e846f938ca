"""Guards as the first version of this program made them, for a move that was begun with it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

_EVENT_TRIGGERS = """
DROP EVENT TRIGGER IF EXISTS waqiti_migration_guard_ddl;
DROP EVENT TRIGGER IF EXISTS waqiti_migration_guard_drop;
DROP FUNCTION IF EXISTS waqiti_migration.refuse_ddl();
DROP TABLE IF EXISTS waqiti_migration.guarded_schemas;
"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS pg_catalog.trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $guard$
BEGIN
    IF pg_catalog.pg_sequence_last_value({flag}::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'writes to %.% are closed on this side', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'read_only_sql_transaction',
              DETAIL = pg_catalog.format('The flag %s says so; `python -m migration` sets it.', {flag}),
              HINT = 'The service''s endpoint leads to the side that is open.';
END
$guard$
"""
_TRUNCATE_GUARDS = """
SELECT t.tgrelid::regclass::text FROM pg_trigger t
WHERE t.tgname = 'waqiti_migration_guard_truncate' AND t.tgfoid = %s::regprocedure
"""


def make_older(connection: psycopg.Connection[Any], service: str) -> None:
    """Take from the service's guards what later versions brought: the session's role made them."""
    function = sql.Identifier("waqiti_migration", f"guard_{service}")
    flag = f"waqiti_migration.open_{service}"
    connection.execute(_EVENT_TRIGGERS)
    connection.execute(sql.SQL(_FUNCTION).format(function=function, flag=flag))
    name = f"{function.as_string(connection)}()"
    for (table,) in connection.execute(_TRUNCATE_GUARDS, [name]).fetchall():
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER waqiti_migration_guard_truncate".encode())
