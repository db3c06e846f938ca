"""What pulumi-postgresql cannot say of a role: the settings its sessions start with, and which protected
settings it may change. One small dynamic resource, the same on every platform.

Why not SQL at the instance's creation: a later change would not reach instances that exist, and a
preview would not show it. See docs/decisions/0010-role-settings.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import pulumi
from psycopg import sql
from pulumi.dynamic import (
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from components.contract import Endpoint
from components.provider_names import as_name
from components.service.administration import Connection, as_administrator, connection_properties

_SETTINGS_OF_ROLE = """
SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
  FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS setting
 WHERE rolname = %s
   AND setdatabase = coalesce((SELECT oid FROM pg_database WHERE datname = %s), 0)
"""

_GRANTS_OF_ROLE = """
SELECT parname, entry.privilege_type
  FROM pg_parameter_acl, aclexplode(paracl) AS entry JOIN pg_roles ON pg_roles.oid = entry.grantee
 WHERE rolname = %s
"""

RIGHTS: Mapping[str, LiteralString] = {"may_set": "SET", "may_alter_system": "ALTER SYSTEM"}
"""Of protected parameters, by the property that lists them."""


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def create(self, props: dict[str, Any]) -> CreateResult:
        with as_administrator(props) as connection:
            _apply(connection, props, before={"settings": {}, "may_set": []})
        return CreateResult(str(props["role"]), props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(
            changes=any(_olds.get(key) != _news.get(key) for key in {*_olds, *_news}),
            replaces=["role"] if _olds.get("role") != _news.get("role") else [],
            delete_before_replace=False,
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        with as_administrator(_news) as connection:
            _apply(connection, _news, before=_olds)
        return UpdateResult(_news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        with as_administrator(props) as connection:
            # The search path is the role's own resource's.
            settings = {
                str(name): str(value)
                for name, value in connection.execute(_SETTINGS_OF_ROLE, [id_, props.get("database")])
                if name in props["settings"]
            }
            granted = connection.execute(_GRANTS_OF_ROLE, [id_]).fetchall()
        of = {
            key: sorted(str(name) for name, kind in granted if kind == right) for key, right in RIGHTS.items()
        }
        found = {**props, "settings": settings, "may_set": of["may_set"]}
        if of["may_alter_system"] or "may_alter_system" in props:
            found["may_alter_system"] = of["may_alter_system"]
        return ReadResult(id_, found, found)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        with as_administrator(_props) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_id]).fetchone():
                _apply(connection, {"role": _id, "settings": {}, "may_set": []}, before=_props)


def _apply(connection: Connection, props: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Make the role's settings and grants those of `props`, given that they are those of `before`."""
    role = sql.Identifier(props["role"])
    database = props.get("database") or before.get("database")
    whose = sql.SQL("{} IN DATABASE {}").format(role, sql.Identifier(database)) if database else role
    with connection.transaction():
        for name in sorted(set(before["settings"]) - set(props["settings"])):
            connection.execute(
                sql.SQL("ALTER ROLE {} RESET {}").format(whose, sql.Identifier(*name.split(".")))
            )
        for name, value in sorted(props["settings"].items()):
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} TO {}").format(
                    whose, sql.Identifier(*name.split(".")), sql.Literal(value)
                )
            )
        for key, right in RIGHTS.items():
            wanted, had = set(props.get(key, ())), set(before.get(key, ()))
            for name in sorted(had - wanted):
                connection.execute(
                    sql.SQL("REVOKE {} ON PARAMETER {} FROM {}").format(
                        sql.SQL(right), sql.Identifier(name), role
                    )
                )
            for name in sorted(wanted):
                connection.execute(
                    sql.SQL("GRANT {} ON PARAMETER {} TO {}").format(
                        sql.SQL(right), sql.Identifier(name), role
                    )
                )


class RoleSettings(Resource, module="waqiti", name="RoleSettings"):
    """Settings that sessions of `role` start with (`ALTER ROLE … SET`), over the instance's own, and the
    protected ones that it may change (`GRANT SET ON PARAMETER`, `GRANT ALTER SYSTEM ON PARAMETER`)."""

    def __init__(
        self,
        name: str,
        role: pulumi.Input[str],
        *,
        endpoint: Endpoint,
        administrator: str,
        administrator_password: pulumi.Input[str],
        settings: Mapping[str, str],
        may_set: Sequence[str] = (),
        may_alter_system: Sequence[str] = (),
        database: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`endpoint` is the instance, `administrator` its superuser. Names are parameters'; values are
        as postgresql.conf spells them. With `database` they count there alone, and the role's own resource
        does not take them for its."""
        props = {
            **connection_properties(endpoint, administrator, administrator_password),
            "role": role,
            "settings": dict(settings),
            "may_set": sorted(may_set),
            **({"may_alter_system": sorted(may_alter_system)} if may_alter_system else {}),
            **({"database": database} if database else {}),
        }
        super().__init__(_Provider(), name, props, opts)
