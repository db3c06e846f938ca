"""The backup role's rights on functions, which are those of one database."""

from __future__ import annotations

import pulumi
import pulumi_postgresql as postgresql

from components.backup.rights import FUNCTIONS, RELOAD


def grant_functions(
    name: str, database: str, role: str, opts: pulumi.ResourceOptions, *, synchronous: bool = False
) -> postgresql.Grant:
    """Let `role` call what only a superuser could call else; `name` is that of the roles' component."""
    return postgresql.Grant(
        f"{name}-backup-functions",
        database=database,
        object_type="function",
        schema="pg_catalog",
        objects=[*FUNCTIONS, *([RELOAD] if synchronous else [])],
        role=role,
        privileges=["EXECUTE"],
        opts=opts,
    )
