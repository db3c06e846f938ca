"""The second logins of a service, as which its applications and schema migrations log in by turns.

Each acts as the first one does, so that owners, policies, defaults and grants are the same under either.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_postgresql as postgresql

from components.contract import own_search_path
from components.service.ddl import DDL_CONNECTIONS, DDL_SETTINGS
from components.service.role_args import RolesArgs, SecondLogins
from components.service.role_settings import RoleSettings


def second_logins(
    name: str, args: RolesArgs, second: SecondLogins, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Make the roles, `opts` after the first ones and their owner."""
    paths = list(own_search_path(args.schema_name, args.own_schema))
    service = postgresql.Role(
        f"{name}-service-b",
        name=second.service,
        login=second.is_open,
        password=second.service_password,
        search_paths=paths,
        roles=[args.service],
        assume_role=args.service,
        opts=opts,
    )
    ddl = postgresql.Role(
        f"{name}-ddl-b",
        name=second.ddl,
        login=second.is_open,
        password=second.ddl_password,
        connection_limit=DDL_CONNECTIONS,
        search_paths=paths,
        roles=[args.owner],
        assume_role=args.owner,
        opts=opts,
    )
    return [service, ddl]


def second_settings(
    name: str,
    args: RolesArgs,
    second: SecondLogins,
    parent: pulumi.Resource,
    after: Sequence[pulumi.Resource],
) -> None:
    """What their sessions begin with: the same as those of the first."""
    options = pulumi.ResourceOptions(parent=parent, depends_on=list(after), deleted_with=args.instance)
    if args.sessions:
        RoleSettings(
            f"{name}-service-b-settings",
            second.service,
            endpoint=args.endpoint,
            administrator=args.administrator,
            administrator_password=args.administrator_password,
            settings=args.sessions,
            database=args.endpoint.database,
            opts=options,
        )
    RoleSettings(
        f"{name}-ddl-b-settings",
        second.ddl,
        endpoint=args.endpoint,
        administrator=args.administrator,
        administrator_password=args.administrator_password,
        settings=DDL_SETTINGS,
        opts=options,
    )
