"""The team's business query in a service's own database, as a function that its monitoring role may call.

Monitoring reads none of a service's tables; so the function runs as their owner, and gives one number. Before
the service's tables are there it gives NULL. docs/decisions/0133-figures-of-business.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import pulumi
from psycopg import sql
from pulumi.dynamic import Resource

from components.contract import Endpoint
from components.service.administration import Connection, as_administrator, connection_properties
from components.service.scripted import ScriptedProvider


class _Provider(ScriptedProvider):
    def make(self, connection: Connection, props: Mapping[str, Any]) -> None:
        make_business(connection, props)

    def stands(self, connection: Connection) -> bool:
        found = connection.execute("SELECT to_regprocedure('waqiti_ddl.business()')").fetchone()
        return found is not None and found[0] is not None

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Drops the function, where the database is there still."""
        with as_administrator(_props, _props["database"]) as connection:
            connection.execute("DROP FUNCTION IF EXISTS waqiti_ddl.business()")


class Business(Resource, module="waqiti", name="Business"):
    """The function of one service's own database."""

    def __init__(
        self,
        name: str,
        query: str,
        *,
        owner: str,
        monitoring: str,
        path: Sequence[str],
        endpoint: Endpoint,
        administrator: str,
        administrator_password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            **connection_properties(endpoint, administrator, administrator_password),
            "database": endpoint.database,
            "query": query,
            "owner": owner,
            "monitoring": monitoring,
            "path": list(path),
            "text": _text(),
        }
        super().__init__(_Provider(), name, props, opts)


def make_business(connection: Connection, props: Mapping[str, Any]) -> None:
    """Make the function, or bring it up to date, as a superuser: `query`, `owner`, `monitoring`, `path`."""
    path = sql.SQL(", ").join(sql.Identifier(name) for name in props["path"])
    with connection.transaction():
        connection.execute(
            sql.SQL(_text()).format(
                # Parsed by PostgreSQL's own parser as one SELECT when the catalogue was read.
                query=sql.SQL(str(props["query"])),
                owner=sql.Identifier(str(props["owner"])),
                monitoring=sql.Identifier(str(props["monitoring"])),
                path=path,
            )
        )


def _text() -> Any:
    return resources.files(__package__).joinpath("sql", "business.sql").read_text(encoding="utf-8")
