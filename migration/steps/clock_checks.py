"""Checks that ask the clock: taken off the service's own database while it follows, put on as it is opened.

A row that was right when it was written may be wrong by the time that it is applied (`expires > now()`), and
an apply worker that meets one stops for good. What is written through the shared database has passed the
check there. They are put on NOT VALID, inside the pause and after the last row has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from psycopg import sql

from core.sessions.locks import patiently
from core.sessions.session import Connection
from migration.parsing.readback import readable
from migration.plan.late_checks import clock_checks
from migration.steps.context import OfflineMove

_SAID = (
    "SELECT objoid::int8, description FROM pg_catalog.pg_description"
    " WHERE classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND objoid = ANY(%s::oid[])"
)
_THERE = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint"
    " WHERE conrelid = %s::pg_catalog.regclass AND conname = %s)"
)


def take_off_clock_checks(move: OfflineMove) -> Mapping[str, Any]:
    """Take them off the service's own database, those that are there. Can be repeated."""
    checks = tuple(clock_checks(move.own, move.plan.catalog))
    if checks:
        doing = "taking off checks that ask the clock"
        with move.target.connect() as connection, move.target.translated(doing):
            for check in checks:
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(
                    check.table.identifier(), sql.Identifier(check.name)
                )
                patiently(connection, f"take off {check.identity}", partial(connection.execute, drop))
    return {"checks": [check.identity for check in checks]}


def put_on_clock_checks(move: OfflineMove, there: Connection, here: Connection) -> None:
    """Put them on the service's own database (`here`), where they are not, with what the shared one (`there`)
    says of them. Raises psycopg errors."""
    checks = tuple(clock_checks(move.own, move.plan.catalog))
    if not checks:
        return
    said: dict[int, str] = dict(there.execute(_SAID, [[check.id[1] for check in checks]]).fetchall())
    for check in checks:
        on, name = check.table.identifier(), sql.Identifier(check.name)
        row = here.execute(_THERE, [on.as_string(here), check.name]).fetchone()
        if row is None or not row[0]:
            # The text is the server's own output for this check.
            definition = sql.SQL(readable(check.definition).removesuffix(" NOT VALID"))
            add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID").format(on, name, definition)
            comment = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}")
            # Both or none: whoever is killed in between leaves no check that the next one takes for whole.
            with here.transaction():
                here.execute(add)
                here.execute(comment.format(name, on, sql.Literal(said.get(check.id[1]))))
