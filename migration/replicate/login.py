"""The login of a subscription: made for one direction of one service, good for nothing but following it.

A subscription keeps its connection string, password included, where the superusers of its server can
read it. What they find is a role that may stream changes out of this one database, and whose password is
another one at every start; not the login with which the migration administers the server that is followed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import psycopg
from psycopg import sql
from pydantic import SecretStr

from components.contract import Login
from components.replication_roles import server_wide
from core.errors import AuthenticationFailed
from core.sessions.connections import Database
from core.sessions.session import Connection
from core.sessions.settings import SENDING, SENDING_AS_OTHERS, known
from migration.replicate.settings import hold, lay, reset
from migration.replicate.slots import slot_here
from migration.replicate.subscription import Subscription

_PASSWORD_BYTES = 32
_CONNECTIONS = 4
"""The stream, its reconnection while the old one is timing out, and the looks at the publication."""


def login_name(publisher: Connection, name: str) -> str:
    """What the login `name` is called on the publisher's server.

    Roles are the server's: one that this program makes has the database in its name, so that no other
    database's has it. One that the stack, or a person, made for a session that makes none has it not.
    """
    whole = server_wide(name, publisher.info.dbname)
    return whole if _may_make_roles(publisher) or _exists(publisher, whole) else name


def make_login(publisher: Connection, name: str) -> Login:
    """Make the login `name` on the publisher's server, or give it a new password; it may connect and stream.

    It gets no right on any table: streaming asks for none, and rows are copied in another way. Only the
    password's SCRAM verifier is sent. A session that may not make roles sets the password of one that the
    stack made, as its member. Raises psycopg's InsufficientPrivilege where it may do neither.
    """
    name = login_name(publisher, name)
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    verifier = publisher.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    role, database = sql.Identifier(name), sql.Identifier(publisher.info.dbname)
    there = _exists(publisher, name)
    if there and not _may_make_roles(publisher):
        _set_password(publisher, name, verifier)
    else:
        publisher.execute(
            sql.SQL("{} ROLE {} LOGIN REPLICATION NOINHERIT CONNECTION LIMIT {} PASSWORD {}").format(
                sql.SQL("ALTER" if there else "CREATE"),
                role,
                sql.Literal(_CONNECTIONS),
                sql.Literal(verifier),
            )
        )
    publisher.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    with _acting_as(publisher, name):
        lay(publisher, name, _sending(publisher))
    return Login(name=name, password=SecretStr(password))


def drop_login(publisher: Connection, name: str) -> None:
    """Remove the login if it is there; where it is the stack's, or others' rights hold it, only its password.

    A role that this session could not have used is somebody else's, and left alone; so is one of an older
    program, without a database in its name, that may connect to another database.
    """
    whole = login_name(publisher, name)
    _drop(publisher, whole)
    if whole != name:
        databases = _databases_of(publisher, name)
        if publisher.info.dbname in databases:
            _drop(publisher, name, shared=len(databases) > 1)


def _databases_of(publisher: Connection, name: str) -> list[str]:
    """Those on which CONNECT was granted to the role."""
    rows = publisher.execute(
        "SELECT d.datname FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a,"
        " pg_catalog.pg_roles r WHERE r.oid = a.grantee AND r.rolname = %s AND a.privilege_type = 'CONNECT'",
        [name],
    )
    return [str(row[0]) for row in rows]


def _drop(publisher: Connection, name: str, *, shared: bool = False) -> None:
    """`shared`: another database's login, too, which only loses this one."""
    if not _exists(publisher, name):
        return
    role, database = sql.Identifier(name), sql.Identifier(publisher.info.dbname)
    with suppress(psycopg.errors.InsufficientPrivilege):
        publisher.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(database, role))
        if shared or not _may_make_roles(publisher):
            with _acting_as(publisher, name):
                reset(publisher, name, _sending(publisher))
        if shared:
            return
        if not _may_make_roles(publisher):
            _set_password(publisher, name, None)
            return
        try:
            publisher.execute(sql.SQL("DROP ROLE {}").format(role))
        except psycopg.errors.DependentObjectsStillExist:
            publisher.execute(sql.SQL("ALTER ROLE {} PASSWORD NULL").format(role))


def _set_password(publisher: Connection, name: str, verifier: str | None) -> None:
    """A role may set its own password, and a member may act as it."""
    with _acting_as(publisher, name):
        publisher.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier))
        )


@contextmanager
def _acting_as(publisher: Connection, name: str) -> Iterator[None]:
    """A transaction, as that role where the session's own may not alter roles."""
    with publisher.transaction():
        if not _may_make_roles(publisher):
            publisher.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(name)))
        yield


def _sending(publisher: Connection) -> dict[str, str]:
    return known(SENDING, publisher.info.server_version)


def _may_make_roles(publisher: Connection) -> bool:
    row = publisher.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user"
    ).fetchone()
    return row is not None and bool(row[0])


def subscribe_with_login(
    subscription: Subscription, name: str, publisher: Database, session: Connection, *, enabled: bool
) -> str | None:
    """Make the subscription `name` with a login of its own on `publisher`, where `session` is.

    Where none can be made, or its server does not admit it, the subscription gets the login of `publisher`,
    and why is returned; None: it has one of its own. Raises what making a subscription raises.
    """
    version, slot = session.info.server_version, slot_here(session, name)
    try:
        subscribe_with_own_login(subscription, name, publisher, session, enabled=enabled)
    except (AuthenticationFailed, psycopg.errors.ConnectionFailure) as error:
        reason = str(error).strip().splitlines()[-1]
    else:
        return None
    drop_login(session, name)
    with publisher.translated(f"setting what {publisher.login.name} sends changes by"):
        hold(session, "PUBLICATION", name, publisher.login.name, known(SENDING_AS_OTHERS, version))
    subscription.make(publisher.conninfo(), version, slot=slot, enabled=enabled)
    return (
        f"the subscription {name} holds the password of {publisher.login.name}, for want of a login"
        f" of its own: {reason}"
    )


def subscribe_with_own_login(
    subscription: Subscription, name: str, publisher: Database, session: Connection, *, enabled: bool
) -> None:
    """The same, but without a login of its own there is none.

    Raises AuthenticationFailed where the login cannot be made, psycopg's ConnectionFailure where the
    subscription's server does not get in with it.
    """
    with publisher.translated(f"making the login {name}"):
        login = make_login(session, name)
    own = replace(publisher, login=login)
    if subscription.state() is not None:
        own.connect(replication=True, application_name="waqiti-migration-login").close()
    version = session.info.server_version
    subscription.make(own.conninfo(), version, slot=slot_here(session, name), enabled=enabled)


def _exists(publisher: Connection, name: str) -> bool:
    row = publisher.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [name]).fetchone()
    return row is not None
