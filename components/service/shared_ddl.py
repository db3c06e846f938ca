"""The login of a service's schema migrations in the shared database, until the service has left it.

One dynamic resource a service. It never holds up `pulumi up`: where the shared database does not answer
(it may be gone, once all have left) or has no such schema, `made` is False and the next `up` tries again.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import psycopg
import pulumi
from psycopg import sql
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.contract import Endpoint
from components.provider_names import as_name
from components.service.administration import Connection, as_administrator, connection_properties
from components.service.ddl import ddl_session

_CONNECTIONS = 30
_SECONDS = 3
_LOCK = 0x77_64_64_6C
"""Of the advisory lock that lets one service's resource at a time change what they share."""
_TRIGGERS: Mapping[str, str] = {
    "waqiti_migration_scope": "ddl_command_end",
    "waqiti_migration_scope_drop": "sql_drop",
}


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["role"]), {**props, "made": _make(props)})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = any(_olds.get(key) != _news.get(key) for key in {*_news, "closed"} - {"made"})
        return DiffResult(
            changes=changed or (not _olds.get("made") and _possible(_news)),
            replaces=["role"] if _olds.get("role") != _news.get("role") else [],
            delete_before_replace=False,
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({**_news, "made": _make(_news, _olds)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        try:
            with as_administrator(props, props["database"], _SECONDS) as connection:
                outputs = {**props, "made": bool(props["made"]) and _known(connection, id_)}
        except psycopg.OperationalError:
            outputs = props
        return ReadResult(id_, outputs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        try:
            with as_administrator(_props, _props["database"], _SECONDS) as connection:
                _remove(connection, _id)
        except psycopg.OperationalError:
            return  # It is gone, or cannot be asked: no reason to keep a stack.


class SharedDdlRole(Resource, module="waqiti", name="SharedDdlRole"):
    """A login that acts as the owner of one schema of the shared database, and changes that schema alone."""

    made: pulumi.Output[bool]

    def __init__(
        self,
        name: str,
        role: str,
        *,
        password: pulumi.Input[str],
        schema: str,
        application: str,
        endpoint: Endpoint,
        administrator: str,
        administrator_password: pulumi.Input[str],
        closed: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`application` is the role that the services share, `administrator` the shared database's. With
        `closed` it cannot log in."""
        props = {
            **connection_properties(endpoint, administrator, administrator_password),
            "database": endpoint.database,
            "role": role,
            "role_password": pulumi.Output.secret(password),
            "schema": schema,
            "application": application,
            "made": None,
            **({"closed": True} if closed else {}),
        }
        super().__init__(_Provider(), name, props, opts)


def _query(name: str) -> bytes:
    return resources.files(__package__).joinpath("sql", f"{name}.sql").read_bytes()


def _owner(connection: Connection, props: Mapping[str, Any]) -> str | None:
    """As whom it acts; None: there is nothing to act on, or nobody that it may safely act as."""
    asked = {"schema": props["schema"], "application": props["application"]}
    row = connection.execute(_query("owner"), asked).fetchone()
    # Only a superuser's event trigger keeps it to one schema.
    return str(row[0]) if row is not None and row[0] is not None and row[1] else None


def _possible(props: Mapping[str, Any]) -> bool:
    try:
        with as_administrator(props, props["database"], _SECONDS) as connection:
            return _owner(connection, props) is not None
    except psycopg.Error:
        return False


def _known(connection: Connection, role: str) -> bool:
    found = connection.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [role]).fetchone()
    return found is not None


def _make(props: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> bool:
    try:
        with as_administrator(props, props["database"], _SECONDS) as connection:
            owner = _owner(connection, props)
            if owner is None:
                return False
            with connection.transaction():
                connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", [_LOCK])
                _make_scope(connection, props)
                _make_role(connection, props, owner, before or {})
    except psycopg.OperationalError:
        return False
    return True


def _make_scope(connection: Connection, props: Mapping[str, Any]) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS waqiti_migration")
    connection.execute(_query("scope"))
    for name, event in _TRIGGERS.items():
        there = connection.execute(
            "SELECT 1 FROM pg_catalog.pg_event_trigger WHERE evtname = %s", [name]
        ).fetchone()
        if there is None:
            connection.execute(
                sql.SQL(
                    "CREATE EVENT TRIGGER {} ON {} EXECUTE FUNCTION waqiti_migration.keep_to_schema()"
                ).format(sql.Identifier(name), sql.Identifier(event))
            )
    connection.execute(
        "INSERT INTO waqiti_migration.ddl_logins VALUES (%s, %s)"
        " ON CONFLICT (role_name) DO UPDATE SET schema_name = excluded.schema_name",
        [props["role"], props["schema"]],
    )


def _make_role(
    connection: Connection, props: Mapping[str, Any], owner: str, before: Mapping[str, Any]
) -> None:
    # The password goes over as its SCRAM verifier, so that no server log can hold it.
    verifier = connection.pgconn.encrypt_password(
        str(props["role_password"]).encode(), str(props["role"]).encode(), b"scram-sha-256"
    ).decode()
    names = {"role": sql.Identifier(props["role"]), "database": sql.Identifier(props["database"])}
    there = _known(connection, props["role"])
    same = there and before.get("made") and before.get("role_password") == props["role_password"]
    connection.execute(
        sql.SQL(
            "{verb} ROLE {role} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            " CONNECTION LIMIT {limit}{password}"
        ).format(
            verb=sql.SQL("ALTER" if there else "CREATE"),
            login=sql.SQL("NOLOGIN" if props.get("closed") else "LOGIN"),
            limit=sql.Literal(_CONNECTIONS),
            # One that stays is not written anew: its salt would be another one.
            password=sql.SQL("" if same else " PASSWORD {}").format(sql.Literal(verifier)),
            **names,
        )
    )
    connection.execute(sql.SQL("GRANT {} TO {role}").format(sql.Identifier(owner), **names))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {role}").format(**names))
    settings = sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET {setting} TO {value}")
    for setting, value in ddl_session(owner).items():
        connection.execute(
            settings.format(setting=sql.Identifier(setting), value=sql.Literal(value), **names)
        )
    path = sql.SQL("{}, public").format(sql.Identifier(props["schema"]))
    connection.execute(settings.format(setting=sql.Identifier("search_path"), value=path, **names))


def _remove(connection: Connection, role: str) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", [_LOCK])
        if _known(connection, role):
            named = sql.Identifier(role)
            # What it owns or was given is a right to connect; what it made belongs to whom it acted as.
            connection.execute(sql.SQL("DROP OWNED BY {}").format(named))
            connection.execute(sql.SQL("DROP ROLE {}").format(named))
        row = connection.execute("SELECT to_regclass('waqiti_migration.ddl_logins') IS NOT NULL").fetchone()
        if row == (True,):
            connection.execute("DELETE FROM waqiti_migration.ddl_logins WHERE role_name = %s", [role])
            left = connection.execute("SELECT 1 FROM waqiti_migration.ddl_logins LIMIT 1").fetchone()
            if left is None:
                for name in _TRIGGERS:
                    connection.execute(
                        sql.SQL("DROP EVENT TRIGGER IF EXISTS {}").format(sql.Identifier(name))
                    )
                connection.execute("DROP FUNCTION IF EXISTS waqiti_migration.keep_to_schema()")
                connection.execute("DROP TABLE waqiti_migration.ddl_logins")
