"""The login of a service's schema migrations (Flyway, Liquibase, Alembic, Django): names and settings. Pure.

On each side it acts as the owner of the service's objects, so that what it makes belongs to that role and
default privileges apply; it is no superuser, replicates nothing and is bound by row security. On the shared
database's server, which other stacks may share, it is called `replication_roles.server_wide`.
"""

from __future__ import annotations

from collections.abc import Mapping

DDL_SETTINGS: Mapping[str, str] = {
    "default_transaction_isolation": "read committed",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""What its sessions begin with: a long statement may be one. An instance's limits are those of the service's
requests; `lock_timeout` alone stays, because DDL that waits for a lock makes the service wait behind it."""


DDL_CONNECTIONS = 30
"""Each replica of a service that migrates its schema as it starts takes two or three."""


def ddl_session(owner: str) -> Mapping[str, str]:
    """The same, acting as `owner`."""
    return {"role": owner, **DDL_SETTINGS}
