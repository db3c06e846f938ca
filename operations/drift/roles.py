"""Roles, memberships, settings of sessions and password verifiers against those that were declared."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from operations.drift.model import Declared, Difference
from operations.drift.session import renewed, run, up

query = queries(__package__)

_ATTRIBUTES = (
    ("superuser", "SUPERUSER", False),
    ("inherit", "INHERIT", True),
    ("createRole", "CREATEROLE", False),
    ("createDatabase", "CREATEDB", False),
    ("login", "LOGIN", False),
    ("replication", "REPLICATION", False),
    ("bypassRowLevelSecurity", "BYPASSRLS", False),
)
_PREDEFINED = "pg_"


def check(declared: Declared, connection: Connection) -> Iterator[Difference]:
    """Attributes, verifiers and memberships of every role of the instance."""
    wanted = {str(role["name"]): role for role in declared.of("index/role:Role")}
    administrator = str(declared.instance["administrator"])
    rows = connection.execute(query("roles")).fetchall()
    there = {str(row[0]) for row in rows}
    for name, *attributes, limit, until, verifier in rows:
        if name == administrator:
            given = declared.one("pulumi:providers:postgresql") or {}
            yield from _password(declared, name, given.get("password"), verifier)
        elif name in wanted:
            yield from _attributes(declared, wanted[name], attributes, limit, until)
            yield from _password(declared, name, wanted[name].get("password"), verifier)
        else:
            drop = sql.SQL("DROP ROLE {}").format(sql.Identifier(name))
            yield _difference(declared, f"role {name}", "no such role", "there", run(declared, drop))
    for name in sorted(wanted.keys() - there):
        yield _difference(declared, f"role {name}", "there", "no such role", up(declared))
    yield from _memberships(declared, connection, wanted)
    yield from _settings(declared, connection, wanted)


def verifies(password: str, verifier: str) -> bool:
    """Whether a SCRAM-SHA-256 verifier of pg_authid is of this password (RFC 5803)."""
    try:
        _, salted, keys = verifier.split("$")
        iterations, salt = salted.split(":")
        stored, server = (base64.b64decode(key) for key in keys.split(":"))
        mixed = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    client = hmac.digest(mixed, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(client).digest(), stored) and hmac.compare_digest(
        hmac.digest(mixed, b"Server Key", "sha256"), server
    )


def _attributes(
    declared: Declared, role: Mapping[str, Any], found: list[bool], limit: int, until: str
) -> Iterator[Difference]:
    name, alter = str(role["name"]), sql.SQL("ALTER ROLE {} ").format(sql.Identifier(role["name"]))
    for (key, word, default), is_set in zip(_ATTRIBUTES, found, strict=True):
        want = bool(role.get(key, default) if role.get(key) is not None else default)
        if want != is_set:
            change = alter + sql.SQL(word if want else f"NO{word}")
            words = [("" if one else "NO") + word for one in (want, is_set)]
            yield _difference(declared, f"role {name}", words[0], words[1], run(declared, change))
    given = role.get("connectionLimit")
    wanted = -1 if given is None else int(given)
    if wanted != limit:
        change = alter + sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(wanted))
        yield _difference(
            declared, f"role {name}", f"connection limit {wanted}", str(limit), run(declared, change)
        )
    if until != str(role.get("validUntil") or "infinity"):
        change = alter + sql.SQL("VALID UNTIL 'infinity'")
        yield _difference(declared, f"role {name}", "valid for ever", f"until {until}", run(declared, change))


def _password(
    declared: Declared, name: str, password: str | None, verifier: str | None
) -> Iterator[Difference]:
    if password is None or (verifier and verifies(password, verifier)):
        return
    found = "another password's" if verifier else "none: nobody can log in as it"
    yield _difference(declared, f"password of {name}", "the stack's", found, renewed(declared))


def _memberships(
    declared: Declared, connection: Connection, wanted: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    want = {(name, str(group)) for name, role in wanted.items() for group in role.get("roles") or ()}
    found = {(row[0], row[1]): bool(row[2]) for row in connection.execute(query("members"))}
    for member, group in sorted(found.keys() - want):
        revoke = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(group), sql.Identifier(member))
        yield _difference(
            declared,
            f"{member} in {group}",
            "no member",
            "a member",
            run(declared, revoke),
            origin="pg_auth_members",
        )
    for member, group in sorted(want - found.keys()):
        grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member))
        yield _difference(
            declared,
            f"{member} in {group}",
            "a member",
            "no member",
            run(declared, grant),
            origin="pg_auth_members",
        )
    for member, group in sorted(pair for pair in want if found.get(pair)):
        revoke = sql.SQL("REVOKE ADMIN OPTION FOR {} FROM {}").format(
            sql.Identifier(group), sql.Identifier(member)
        )
        yield _difference(
            declared,
            f"{member} in {group}",
            "a member",
            "with ADMIN",
            run(declared, revoke),
            origin="pg_auth_members",
        )


def _settings(
    declared: Declared, connection: Connection, wanted: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    want = _declared_settings(declared, wanted)
    found = {(row[0], row[1], row[2]): str(row[3]) for row in connection.execute(query("settings"))}
    for role, database, name in sorted({*want, *found}):
        key = (role, database, name)
        before, now = want.get(key), found.get(key)
        if before == now or (role == declared.instance["administrator"] and declared.platform == "docker"):
            continue
        # What the ends of a subscription begin under is the migration's (docs/decisions/0067).
        if database == declared.database and wanted.get(role, {}).get("replication"):
            continue
        whose = " in ".join(part for part in (role, database) if part) or "all roles"
        yield _difference(
            declared,
            f"setting {name} of {whose}",
            _or_none(before),
            _or_none(now),
            run(declared, _set(role, database, name, before)),
            origin="pg_db_role_setting",
        )


def _declared_settings(
    declared: Declared, wanted: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    for name, role in wanted.items():
        if role.get("searchPaths"):
            found[name, "", "search_path"] = ", ".join(_quoted(path) for path in role["searchPaths"])
        if role.get("assumeRole"):
            found[name, "", "role"] = str(role["assumeRole"])
        if role.get("statementTimeout"):
            found[name, "", "statement_timeout"] = str(int(role["statementTimeout"]))
    for one in declared.of("waqiti:RoleSettings"):
        where = str(one.get("database") or "")
        found |= {(one["role"], where, str(key)): str(value) for key, value in one["settings"].items()}
    return found


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None) if not name.isidentifier() or name != name.lower() else name


def _set(role: str, database: str, name: str, value: str | None) -> sql.Composable:
    whose: sql.Composable = (
        sql.SQL("ALTER DATABASE {}").format(sql.Identifier(database))
        if not role and database
        else sql.SQL("ALTER ROLE {}").format(sql.Identifier(role) if role else sql.SQL("ALL"))
    )
    if role and database:
        whose += sql.SQL(" IN DATABASE {}").format(sql.Identifier(database))
    parameter = sql.Identifier(*name.split("."))
    if value is None:
        return whose + sql.SQL(" RESET {}").format(parameter)
    # A list is one name after the other; as one text it would be one name.
    words = sql.SQL(", ").join(map(sql.Literal, value.split(", "))) if "path" in name else sql.Literal(value)
    return whose + sql.SQL(" SET {} TO {}").format(parameter, words)


def _or_none(value: str | None) -> str:
    return "(none)" if value is None else value


def _difference(
    declared: Declared, what: str, want: str, found: str, mend: str, *, origin: str = "pg_authid"
) -> Difference:
    return Difference(declared.service, what, want, found, origin, mend)
