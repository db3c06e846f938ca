"""Event triggers in a service's own database: what its schema migrations change is told to `migration`.

Only a superuser may make them, which `migration` is not; so the stack does. They do nothing but while the
service can still go back to the shared database. docs/decisions/0081-carried-schema-changes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import pulumi
from psycopg import sql
from pulumi.dynamic import Resource

from components.contract import Endpoint
from components.service.administration import Connection, connection_properties
from components.service.scripted import ScriptedProvider

TRIGGERS: Mapping[str, str] = {
    "waqiti_ddl_end": "ddl_command_end",
    "waqiti_ddl_drop": "sql_drop",
    "waqiti_ddl_rewrite": "table_rewrite",
}


class _Provider(ScriptedProvider):
    def make(self, connection: Connection, props: Mapping[str, Any]) -> None:
        make_watch(connection, str(props["role"]), props.get("second"))

    def stands(self, connection: Connection) -> bool:
        found = connection.execute(
            "SELECT count(*) FROM pg_catalog.pg_event_trigger WHERE evtname = ANY (%s) AND evtenabled <> 'D'",
            [list(TRIGGERS)],
        ).fetchone()
        return found == (len(TRIGGERS),)


class DdlWatch(Resource, module="waqiti", name="DdlWatch"):
    """The event triggers of one service's own database, for the login `role` of its schema migrations."""

    def __init__(
        self,
        name: str,
        role: str,
        *,
        second: str | None = None,
        endpoint: Endpoint,
        administrator: str,
        administrator_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            **connection_properties(endpoint, administrator, administrator_password),
            "database": endpoint.database,
            "role": role,
            **({"second": second} if second else {}),
            "text": _text(),
        }
        super().__init__(_Provider(), name, props, opts)


def make_watch(connection: Connection, role: str, second: str | None = None) -> None:
    """Make function and event triggers, or bring them up to date; as a superuser."""
    logins: sql.Composable = sql.Literal(role)
    if second is not None:
        logins = sql.SQL("ANY ({}::text[])").format(sql.Literal([role, second]))
    with connection.transaction():
        connection.execute(sql.SQL(_text()).format(role=logins))
        for name, event in TRIGGERS.items():
            connection.execute(sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(sql.Identifier(name)))
            connection.execute(
                sql.SQL("CREATE EVENT TRIGGER {} ON {} EXECUTE FUNCTION waqiti_ddl.tell()").format(
                    sql.Identifier(name), sql.Identifier(event)
                )
            )


def _text() -> Any:
    return resources.files(__package__).joinpath("sql", "tell.sql").read_text(encoding="utf-8")
