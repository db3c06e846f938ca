"""What pulumi-postgresql cannot say of a role: the settings its sessions start with, and which protected
settings it may change. One small dynamic resource, the same on every platform.

Why not SQL at the instance's creation: a later change would not reach instances that exist, and a
preview would not show it. See docs/decisions/0010-role-settings.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
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

_SETTINGS_OF_ROLE = """
SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
  FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole, unnest(setconfig) AS setting
 WHERE rolname = %s AND setdatabase = 0
"""

_GRANTS_OF_ROLE = """
SELECT parname
  FROM pg_parameter_acl, aclexplode(paracl) AS entry JOIN pg_roles ON pg_roles.oid = entry.grantee
 WHERE rolname = %s AND entry.privilege_type = 'SET'
"""


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type[_Provider], tuple[()]]:
        return (_Provider, ())

    def create(self, props: dict[str, Any]) -> CreateResult:
        with _administrator(props) as connection:
            _apply(connection, props, before={"settings": {}, "may_set": []})
        return CreateResult(str(props["role"]), props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(
            changes=any(_olds.get(key) != _news.get(key) for key in {*_olds, *_news}),
            replaces=["role"] if _olds.get("role") != _news.get("role") else [],
            delete_before_replace=False,
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        with _administrator(_news) as connection:
            _apply(connection, _news, before=_olds)
        return UpdateResult(_news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        with _administrator(props) as connection:
            # The search path is the role's own resource's.
            settings = {
                str(name): str(value)
                for name, value in connection.execute(_SETTINGS_OF_ROLE, [id_])
                if name in props["settings"]
            }
            granted = [str(name) for (name,) in connection.execute(_GRANTS_OF_ROLE, [id_])]
        found = {**props, "settings": settings, "may_set": sorted(granted)}
        return ReadResult(id_, found, found)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        with _administrator(_props) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_id]).fetchone():
                _apply(connection, {"role": _id, "settings": {}, "may_set": []}, before=_props)


@contextmanager
def _administrator(props: Mapping[str, Any]) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to the instance, in autocommit."""
    parameters = {
        "host": props["host"],
        "hostaddr": props.get("address"),
        "port": int(props["port"]),
        "dbname": "postgres",
        "user": props["administrator"],
        "password": props["password"],
        "sslmode": props["sslmode"],
        "sslrootcert": props.get("sslrootcert"),
        "connect_timeout": 15,
        "application_name": "waqiti-stack",
    }
    given = {key: value for key, value in parameters.items() if value is not None}
    with psycopg.connect(autocommit=True, **given) as connection:
        yield connection


def _apply(
    connection: psycopg.Connection[tuple[Any, ...]], props: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """Make the role's settings and grants those of `props`, given that they are those of `before`."""
    role = sql.Identifier(props["role"])
    with connection.transaction():
        for name in sorted(set(before["settings"]) - set(props["settings"])):
            connection.execute(
                sql.SQL("ALTER ROLE {} RESET {}").format(role, sql.Identifier(*name.split(".")))
            )
        for name, value in sorted(props["settings"].items()):
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} TO {}").format(
                    role, sql.Identifier(*name.split(".")), sql.Literal(value)
                )
            )
        for name in sorted(set(before["may_set"]) - set(props["may_set"])):
            connection.execute(
                sql.SQL("REVOKE SET ON PARAMETER {} FROM {}").format(sql.Identifier(name), role)
            )
        for name in sorted(props["may_set"]):
            connection.execute(sql.SQL("GRANT SET ON PARAMETER {} TO {}").format(sql.Identifier(name), role))


class RoleSettings(Resource, module="waqiti", name="RoleSettings"):
    """Settings that sessions of `role` start with (`ALTER ROLE … SET`), over the instance's own, and the
    protected ones that it may change (`GRANT SET ON PARAMETER`)."""

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
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`endpoint` is the instance, `administrator` its superuser. Names are parameters'; values are
        as postgresql.conf spells them."""
        props = {
            "host": endpoint.host,
            "address": endpoint.address,
            "port": endpoint.port,
            "sslmode": endpoint.sslmode,
            "sslrootcert": endpoint.sslrootcert,
            "administrator": administrator,
            "password": pulumi.Output.secret(administrator_password),
            "role": role,
            "settings": dict(settings),
            "may_set": sorted(may_set),
        }
        super().__init__(_Provider(), name, props, opts)
