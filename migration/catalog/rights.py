"""Reads who is bound by row security in the shared database."""

from __future__ import annotations

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.catalog.objects import PG_POLICY
from migration.catalog.rights_model import Policy, RowSecurity, SecuredTable

query = queries(__package__)


def read_row_security(connection: Connection, application: str | None) -> RowSecurity:
    """What the services' common role `application`, and owners, are bound by; in the caller's transaction."""
    names = {"application": application or ""}
    policies = (
        Policy((PG_POLICY, oid), table, permissive, everyone, tuple(roles), *rest)
        for oid, table, permissive, everyone, roles, *rest in connection.execute(query("policies"), names)
    )
    return RowSecurity(
        tables={
            oid: SecuredTable(oid, owner, forced, frozenset(exempt))
            for oid, owner, forced, exempt in connection.execute(query("row_security"), names)
        },
        policies={policy.id: policy for policy in policies},
        acting={(classid, oid): owner for classid, oid, owner in connection.execute(query("acting"))},
    )
