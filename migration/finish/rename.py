"""A service's schema under its new name: the last step of `finish`, while its clients wait for a moment.

Only in the service's own database, and only once nothing is replicated by the old name. The sessions'
search_path has both names from the first day, so that statements without a schema find their tables before
and after. docs/decisions/0043-own-schema.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from psycopg import sql

from components.contract import Service
from core.errors import RenameRefused
from core.sessions.connections import Database
from core.sessions.locks import Patience, patiently
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.stack import target_database
from migration.catalog.tables import search_path_entries
from migration.finish.rename_check import refuse_texts
from migration.journal.renamed import schemas_in_use
from migration.steps.context import OnlineMove
from migration.switch.carry_out import Limits

query = queries(__package__)


_LOCKS = Patience(seconds=5.0)
"""Clients wait meanwhile."""


def rename_pending(service: Service) -> bool:
    """Whether the service's own database still has its schema under the old name.

    Raises RenameRefused when it has neither name, or both are in use; what connecting raises.
    """
    if service.own_schema is None:
        return False
    target = target_database(service)
    with closing(target.connect()) as connection, target.translated("looking for its schema"):
        return _pending(connection, service.schema_name, service.own_schema, target)


def rename_schema(move: OnlineMove) -> Mapping[str, Any]:
    """Rename the schema, functions' own search_paths with it; nothing without a new name. Can be run twice.

    Raises RenameRefused before anything waits; StepTimeout when a transaction does not end. Clients go on
    whatever happens.
    """
    service, gateway = move.service, move.gateway
    old, new = service.schema_name, service.own_schema
    if new is None:
        return {}
    # What was killed in the middle may have left clients waiting: they go on in any case.
    try:
        if rename_pending(service):
            refuse_texts(service)
            gateway.pause(Limits().pause)
            _rename(move.target, service.owner, old, new)
        # A route of before the new name was given has no search_path that finds it.
        gateway.repoint("target")
    finally:
        gateway.resume()
    return {"renamed_to": new}


def _rename(target: Database, owner: str, old: str, new: str) -> None:
    names = {"old": sql.Identifier(old), "new": sql.Identifier(new), "owner": sql.Identifier(owner)}

    def act() -> None:
        connection.execute(sql.SQL("SET LOCAL ROLE {owner}").format(**names))
        # The stack made it, so that its grants have something to stand on; RESTRICT is the default.
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {new} RESTRICT").format(**names))
        connection.execute(sql.SQL("ALTER SCHEMA {old} RENAME TO {new}").format(**names))
        for schema, name, arguments, setting in connection.execute(query("paths")).fetchall():
            path = search_path_entries(setting)
            if old in path:
                connection.execute(
                    # format_type printed the types: they are SQL as they are.
                    sql.SQL("ALTER ROUTINE {}({}) SET search_path = {}").format(
                        sql.Identifier(schema, name),
                        sql.SQL(arguments),
                        sql.SQL(", ").join(sql.Literal(new if entry == old else entry) for entry in path),
                    )
                )

    with target.connect() as connection, target.translated(f"renaming its schema {old} to {new}"):
        # So that the types of arguments are printed with their schemas.
        connection.execute("SET search_path = ''")
        patiently(connection, f"rename the schema {old}", act, _LOCKS)


def _pending(connection: Connection, old: str, new: str, target: Database) -> bool:
    there = schemas_in_use(connection, [old, new])
    if there.get(old) and there.get(new):
        raise RenameRefused(
            f"{target.label} ({target.where}) has objects in {old} and in {new}: it cannot take that name; "
            f"move or drop what is in {new}, then `finish` again"
        )
    if not there:
        raise RenameRefused(
            f"{target.label} ({target.where}) has neither {old} nor {new}; if a person renamed the schema, "
            "rename it to `ownSchema` of services.yaml, then `finish` again"
        )
    # An empty one beside one that is in use was made by something else after the rename.
    return old in there and not there.get(new)
