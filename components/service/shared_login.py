"""A service's own login on the shared database: what its gateway logs in as until the service has moved.

Role and search_path come from the login (`ALTER ROLE ... SET`), so that they are what every session begins
with and what RESET ALL, RESET ROLE and DISCARD ALL go back to: no statement of a client can lose them for
the next one. The login is a member of the services' common role and acts as it, so that owners, policies and
defaults that ask for current_user are as they were; whatever `ALTER ROLE` gives the sessions of the common
role, it gives to this one's. docs/decisions/0084-one-login-a-service.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pulumi
from psycopg import sql
from psycopg.rows import TupleRow
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.contract import Endpoint
from components.provider_names import as_name
from components.replication_roles import ENDED_LOGIN
from components.service.administration import as_administrator, connection_properties
from servers.errors import ServerError

Connection = psycopg.Connection[TupleRow]

_ROLE = """
SELECT r.rolcanlogin, pg_catalog.shobj_description(r.oid, 'pg_authid')
  FROM pg_catalog.pg_roles r WHERE r.rolname = %s
"""
_SETTINGS = """
SELECT pg_catalog.split_part(setting, '=', 1), pg_catalog.substr(setting, pg_catalog.strpos(setting, '=') + 1)
  FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
       pg_catalog.unnest(s.setconfig) AS setting
 WHERE r.rolname = %(role)s
   AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = %(database)s))
 ORDER BY s.setdatabase
"""
_OWN = frozenset({"role", "search_path", "session_authorization"})
"""Settings that are the login's, whatever the common role has."""
_REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidGrantOperation)
_ADMINISTRATOR_REFUSED = ("password authentication failed", "no pg_hba.conf entry")
_SECONDS = 3
"""A shared database that is there answers at once; one that is gone must not hold up an `up` for long."""


class _Provider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return as_name(self)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["role"]), {**props, "made": make_login(props)})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = any(_olds.get(key) != _news.get(key) for key in {*_news, "closed"} - {"made"})
        return DiffResult(
            changes=changed or (not _olds.get("made") and _possible(_news)),
            replaces=[key for key in ("role", "database") if _olds.get(key) != _news.get(key)],
            delete_before_replace=False,
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({**_news, "made": make_login(_news, before=_olds)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        try:
            with as_administrator(props, str(props["database"]), _SECONDS) as connection:
                found = connection.execute(_ROLE, [id_]).fetchone()
        except psycopg.OperationalError:
            return ReadResult(id_, props)
        return ReadResult(id_, {**props, "made": bool(props.get("made")) and found is not None})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Drops it where it is still ours. A stack outlives its shared database: without one there is no
        login either."""
        try:
            with as_administrator(_props, str(_props["database"]), _SECONDS) as connection:
                found = connection.execute(_ROLE, [_id]).fetchone()
                if found is not None and found[1] in {_props["mark"], _props["mark"] + ENDED_LOGIN}:
                    _drop(connection, sql.Identifier(_id))
        except psycopg.OperationalError:
            return


class SharedLogin(Resource, module="waqiti", name="SharedLogin"):
    """A service's login on the shared database, made by its administrator.

    It never holds up an `up`: a shared database that does not answer (on Docker its network comes with the
    stack; later it may be gone), or is not filled yet, leaves `made` False, and the next `up` tries again.
    """

    made: pulumi.Output[bool]

    def __init__(
        self,
        name: str,
        role: str,
        *,
        password: pulumi.Input[str],
        source: Endpoint,
        administrator: str,
        administrator_password: pulumi.Input[str],
        application: str,
        search_path: Sequence[str],
        mark: str,
        settings: Mapping[str, str] | None = None,
        closed: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`source` is the shared database, `application` its services' common role. `mark` says which stack's
        the login is: one that bears another mark is left alone. `settings` are what its sessions begin with,
        over those of the common role's; a `closed` one cannot log in."""
        props = {
            **connection_properties(source, administrator, administrator_password),
            "database": source.database,
            "role": role,
            "role_password": pulumi.Output.secret(password),
            "application": application,
            "search_path": list(search_path),
            "mark": mark,
            "settings": dict(settings or {}),
            "made": None,
            **({"closed": True} if closed else {}),
        }
        super().__init__(_Provider(), name, props, opts)


def statements(props: Mapping[str, Any], *, there: bool) -> Iterator[sql.Composed]:
    """What makes the login, but for its password and what the common role's sessions begin with."""
    role, application = sql.Identifier(props["role"]), sql.Identifier(props["application"])
    at = {"role": role, "application": application, "database": sql.Identifier(props["database"])}
    verb, may = (
        sql.SQL("ALTER" if there else "CREATE"),
        sql.SQL("NOLOGIN" if props.get("closed") else "LOGIN"),
    )
    yield sql.SQL("{} ROLE {role} {} INHERIT").format(verb, may, **at)
    yield sql.SQL("GRANT {application} TO {role}").format(**at)
    yield sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET role TO {application}").format(**at)
    path = sql.SQL(", ").join(map(sql.Identifier, props["search_path"]))
    yield sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET search_path TO {path}").format(
        path=path, **at
    )
    yield sql.SQL("COMMENT ON ROLE {role} IS {}").format(sql.Literal(props["mark"]), **at)


def _possible(props: Mapping[str, Any]) -> bool:
    try:
        with as_administrator(props, str(props["database"]), _SECONDS) as connection:
            return connection.execute(_ROLE, [props["application"]]).fetchone() is not None
    except psycopg.Error:
        return False


def make_login(props: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> bool:
    """Make the login, or make it what `props` want, and log in with it. One that `finish` closed stays so;
    a password that is that of `before` is not written anew: its salt would be another one.

    False: the shared database does not answer, or lacks the database or the common role.

    Raises ServerError when another stack has it, when the administrator may not make it (the line has the
    statements for one who may), or when the shared database does not let it in.
    """
    where = f"{props['host']}:{props['port']}/{props['database']}"
    try:
        with (
            as_administrator(props, str(props["database"]), _SECONDS) as connection,
            connection.transaction(),
        ):
            found = connection.execute(_ROLE, [props["role"]]).fetchone()
            if found is not None and not found[0] and found[1] == props["mark"] + ENDED_LOGIN:
                return True
            if found is not None and found[1] not in {None, props["mark"], props["mark"] + ENDED_LOGIN}:
                raise ServerError(
                    f"has the role {props['role']} already, which is another's ({found[1]})",
                    where=where,
                    to_do="destroy that stack first, or drop the role if it is nobody's any more",
                )
            for statement in statements(props, there=found is not None):
                connection.execute(statement)
            _as_the_common_role(connection, props)
            kept = before is not None and before.get("made") and found is not None
            if not kept or before is None or before.get("role_password") != props["role_password"]:
                _set_password(connection, props)
    except psycopg.OperationalError as error:
        if not any(mark in str(error) for mark in _ADMINISTRATOR_REFUSED):
            return False
        raise ServerError(
            f"refuses its administrator ({_first_line(error)})",
            where=where,
            to_do="correct source.administrator in the stack's settings, or its password",
        ) from None
    except psycopg.errors.UndefinedObject:
        return False
    except _REFUSED as error:
        names = ("administrator", "application")
        by_whom, common = (sql.Identifier(props[name]).as_string() for name in names)
        raise ServerError(
            f"does not let {props['administrator']} make the login {props['role']} ({_first_line(error)})",
            where=where,
            to_do=f"have a superuser run `ALTER ROLE {by_whom} CREATEROLE; GRANT {common} TO {by_whom} WITH"
            " ADMIN OPTION`; or set source.logins: common, which docs/applications.md says the price of",
        ) from None
    if not props.get("closed"):
        _prove(props, where)
    return True


def _as_the_common_role(connection: Connection, props: Mapping[str, Any]) -> None:
    """What `ALTER ROLE` gives the sessions of the common role counts for who logs in, not for who acts."""
    names = {"role": sql.Identifier(props["role"]), "database": sql.Identifier(props["database"])}
    at = {"database": props["database"]}
    common = {"role": props["application"], **at}
    wanted: dict[str, str] = dict(connection.execute(_SETTINGS, common).fetchall())
    wanted |= props.get("settings", {})
    there: dict[str, str] = dict(connection.execute(_SETTINGS, {"role": props["role"], **at}).fetchall())
    for name in sorted(there.keys() - wanted.keys() - _OWN):
        reset = sql.SQL("ALTER ROLE {role} IN DATABASE {database} RESET {}")
        connection.execute(reset.format(sql.Identifier(*name.split(".")), **names))
    for name, value in sorted(wanted.items()):
        if name in _OWN or there.get(name) == value:
            continue
        # By way of the session: a list of names is then quoted as the server does it.
        connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", [name, value])
        setting = sql.SQL("ALTER ROLE {role} IN DATABASE {database} SET {} FROM CURRENT")
        connection.execute(setting.format(sql.Identifier(*name.split(".")), **names))


def _set_password(connection: Connection, props: Mapping[str, Any]) -> None:
    """As a verifier: the server logs statements of this kind."""
    role, password = str(props["role"]), str(props["role_password"])
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
    )


def _prove(props: Mapping[str, Any], where: str) -> None:
    """Log in as its gateway will, ahead of leading the gateway there."""
    login = {**props, "administrator": props["role"], "password": props["role_password"]}
    try:
        with as_administrator(login, str(props["database"]), seconds=_SECONDS) as connection:
            row = connection.execute("SELECT current_user").fetchone()
    except psycopg.OperationalError as error:
        raise ServerError(
            f"does not let {props['role']} in ({_first_line(error)})",
            where=where,
            to_do=f"add a line for it to that server's pg_hba.conf, like that of {props['application']}, and"
            " reload it",
        ) from None
    if row is None or row[0] != props["application"]:
        raise ServerError(
            f"ignores what the role {props['role']} is set to act as (PostgreSQL 12.21 to 17.1 of November"
            " 2024 do)",
            where=where,
            to_do="update it to the next minor version, or set source.logins: common",
        )


def _drop(connection: Connection, role: sql.Identifier) -> None:
    try:
        connection.execute(sql.SQL("DROP ROLE {}").format(role))
    except psycopg.errors.DependentObjectsStillExist:
        # Somebody made it an owner: it cannot log in any more, and what it owns stays.
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(role))


def _first_line(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
