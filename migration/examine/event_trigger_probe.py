"""Whether event triggers of the shared database let the migration do its own DDL: tried, and rolled back.

Such a function may name a table without its schema, which sessions of an application find and those of the
administrator's role do not; or it may refuse DDL. Then every verb would fail somewhere, in words of the
function's; so the plan says it beforehand, with the statement that helps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg

from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.plan.model import Plan, Problem

query = queries(__package__)


_MISSING = re.compile(r'^(?:relation|function) "?([^"(]+)"?')


def with_event_triggers(plan: Plan, source: Database) -> Plan:
    """The plan, with a no-go where an event trigger fails or refuses DDL of the migration's own.

    Changes nothing. Raises the errors of `Database.translate` where the server cannot be asked.
    """
    with source.connect() as connection, source.translated("looking at its event triggers"):
        theirs = connection.execute(query("event_triggers_theirs")).fetchall()
        if not theirs:
            return plan
        problem = _probe(connection, theirs)
    return plan if problem is None else replace(plan, problems=(*plan.problems, problem))


def _probe(connection: Connection, theirs: Sequence[tuple[Any, ...]]) -> Problem | None:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL lock_timeout = '5s'")
            connection.execute(query("event_triggers_probe"))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        # What the role may not do, other checks say; a function of theirs has a context.
        return _problem(connection, theirs, error) if error.diag.context else None
    except psycopg.Error as error:
        if connection.closed:
            raise
        return _problem(connection, theirs, error)
    return None


def _problem(connection: Connection, theirs: Sequence[tuple[Any, ...]], error: psycopg.Error) -> Problem:
    said, context = error.diag.message_primary or "", error.diag.context or ""
    fitting = [row for row in theirs if f"{row[2]}(" in context or f'{row[2]}"(' in context]
    trigger, function, _ = (fitting or list(theirs))[0]
    missing = _MISSING.match(said)
    homes = (
        connection.execute(query("event_triggers_homes"), {"name": missing[1].rpartition(".")[2]}).fetchall()
        if missing and isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction)
        else []
    )
    if homes:
        helps = f"ALTER FUNCTION {function} SET search_path = {homes[0][0]}, pg_temp"
    else:
        helps = f'ALTER EVENT TRIGGER "{trigger}" DISABLE'
    return Problem(
        None,
        "setting",
        "no-go",
        f"the event trigger {trigger} of the shared database fails where the migration makes objects of its"
        f" own, in {function}: {said}; there: {helps}"
        + ("" if homes else ", and ENABLE it when the services have moved"),
    )
