"""Rights on the database, its schemas and protected parameters, default rights, extensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from operations.drift.model import Declared, Difference
from operations.drift.session import run

query = queries(__package__)

_DEFAULT_KINDS = {"table": "r", "sequence": "S", "function": "f", "type": "T", "schema": "n"}
_WORDS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS"}
_ON_PARAMETERS = {"may_set": "SET", "may_alter_system": "ALTER SYSTEM"}
"""By the property of the role's settings that declares it."""
_Right = tuple[str, str, str, str]


def check(declared: Declared, connection: Connection) -> Iterator[Difference]:
    """What is granted and was not declared, and the other way round."""
    yield from _rights(declared, connection)
    yield from _default_rights(declared, connection)
    yield from _extensions(declared, connection)


def _rights(declared: Declared, connection: Connection) -> Iterator[Difference]:
    roles = {str(role["name"]) for role in declared.of("index/role:Role")}
    streaming = {
        str(role["name"])
        for role in declared.of("index/role:Role")
        if role.get("replication") and not role.get("password")
    }
    schemas = ["public", *(str(one["name"]) for one in declared.of("index/schema:Schema"))]
    want: set[_Right] = set()
    for grant in declared.of("index/grant:Grant"):
        kind = str(grant["objectType"])
        role, rights = _public(grant["role"]), grant.get("privileges") or ()
        want |= {(kind, target, role, str(one)) for target in _targets(declared, grant) for one in rights}
    for one in declared.of("waqiti:RoleSettings"):
        want |= {
            ("parameter", str(name), str(one["role"]), right)
            for key, right in _ON_PARAMETERS.items()
            for name in one.get(key, ())
        }
    found: dict[_Right, bool] = {}
    for kind, target, role, right, with_option in connection.execute(query("rights"), {"schemas": schemas}):
        found[kind, target, role, right] = with_option
    # A schema that `finish` renames has its rights under the name that it has.
    there = {target for kind, target, _, _ in found if kind == "schema"}
    want = {one for one in want if one[0] != "schema" or one[1] in there or one[1] in schemas}
    for right in sorted(found.keys() - want):
        # In its own schema the migration gives the stack's roles what the shared database gave.
        own = right[0] == "schema" and right[1] != "public" and right[2] in roles and not found[right]
        # So it does while a role streams: it lets it in, and takes that back.
        streams = right[0] == "database" and right[3] == "CONNECT" and right[2] in streaming
        if not own and not streams:
            yield _right(declared, right, granted=True)
    for right in sorted(want - found.keys()):
        yield _right(declared, right, granted=False)


def _targets(declared: Declared, grant: Mapping[str, Any]) -> list[str]:
    """What a declared grant is on, named as in sql/rights.sql."""
    if grant["objectType"] == "database":
        return [declared.database]
    schema = str(grant.get("schema"))
    return (
        [f"{schema}.{name}" for name in grant["objects"]] if grant["objectType"] == "function" else [schema]
    )


def _right(declared: Declared, right: _Right, *, granted: bool) -> Difference:
    kind, target, role, privilege = right
    who: sql.Composable = sql.Identifier(role) if role else sql.SQL("PUBLIC")
    name, parenthesis, arguments = target.partition("(")
    parts = name.split(".") if kind in {"parameter", "function"} else [target]
    where = sql.Identifier(*parts) + sql.SQL(f"{parenthesis}{arguments}" if kind == "function" else "")
    form = "REVOKE {} ON {} {} FROM {}" if granted else "GRANT {} ON {} {} TO {}"
    statement = sql.SQL(form).format(
        sql.SQL(privilege),
        sql.SQL(kind.upper()),
        where,
        who,
    )
    states = ("not granted", "granted") if granted else ("granted", "not granted")
    what = f"{privilege} on {kind} {target} to {role or 'PUBLIC'}"
    origins = {
        "database": "pg_database.datacl",
        "schema": "pg_namespace.nspacl",
        "function": "pg_proc.proacl",
    }
    origin = origins.get(kind, "pg_parameter_acl")
    return Difference(declared.service, what, *states, origin, run(declared, statement))


def _default_rights(declared: Declared, connection: Connection) -> Iterator[Difference]:
    roles = {str(role["name"]) for role in declared.of("index/role:Role")}
    want: set[tuple[str, str, str, str]] = set()
    bare: set[tuple[str, str]] = set()
    for one in declared.of("DefaultPrivileges"):
        owner, kind = str(one["owner"]), _DEFAULT_KINDS[str(one["objectType"])]
        rights = one.get("privileges") or ()
        want |= {(owner, kind, _public(one["role"]), str(right)) for right in rights}
        if one["role"] == "public" and not rights:
            bare.add((owner, kind))
    found: set[tuple[str, str, str, str]] = set()
    for owner, kind, schema, role, right in connection.execute(query("default_rights")):
        if not (schema and role in roles):  # what the migration takes over of a schema's own
            found.add((owner, kind, role, right))
    for owner, kind, role, right in sorted(want ^ found):
        granted = (owner, kind, role, right) in found
        statement = _default(owner, kind, role, right, revoke=granted)
        states = ("not granted", "granted") if granted else ("granted", "not granted")
        what = f"default {right} on {_WORDS.get(kind, kind)} of {owner} to {role or 'PUBLIC'}"
        yield Difference(declared.service, what, *states, "pg_default_acl", run(declared, statement))
    rows = connection.execute(
        "SELECT rolname, defaclobjtype::text FROM pg_default_acl JOIN pg_roles r ON r.oid = defaclrole"
        " WHERE defaclnamespace = 0"
    ).fetchall()
    for owner, kind in sorted(bare - {(str(row[0]), str(row[1])) for row in rows}):
        right = "EXECUTE" if kind == "f" else "USAGE"
        what = f"default {right} on {_WORDS[kind]} of {owner} to PUBLIC"
        revoke = _default(owner, kind, "", right, revoke=True)
        yield Difference(
            declared.service, what, "not granted", "granted", "pg_default_acl", run(declared, revoke)
        )


def _default(owner: str, kind: str, role: str, right: str, *, revoke: bool) -> sql.Composable:
    form = (
        "ALTER DEFAULT PRIVILEGES FOR ROLE {} REVOKE {} ON {} FROM {}"
        if revoke
        else "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT {} ON {} TO {}"
    )
    return sql.SQL(form).format(
        sql.Identifier(owner),
        sql.SQL(right),
        sql.SQL(_WORDS[kind]),
        sql.Identifier(role) if role else sql.SQL("PUBLIC"),
    )


def _extensions(declared: Declared, connection: Connection) -> Iterator[Difference]:
    want = {str(one["name"]): one for one in declared.of("index/extension:Extension")}
    found: dict[str, Any] = {row[0]: row for row in connection.execute(query("extensions"))}
    for name in sorted(found.keys() - want.keys()):
        if not found[name][3]:
            drop = sql.SQL("DROP EXTENSION {}").format(sql.Identifier(name))
            yield _extension(declared, name, "not there", f"version {found[name][1]}", run(declared, drop))
    for name in sorted(want.keys() - found.keys()):
        make = sql.SQL("CREATE EXTENSION {} SCHEMA public CASCADE").format(sql.Identifier(name))
        yield _extension(declared, name, "there", "not there", run(declared, make))
    for name in sorted(want.keys() & found.keys()):
        if found[name][2] != str(want[name].get("schema") or "public"):
            move = sql.SQL("ALTER EXTENSION {} SET SCHEMA public").format(sql.Identifier(name))
            yield _extension(declared, name, "in public", f"in {found[name][2]}", run(declared, move))


def _extension(declared: Declared, name: str, want: str, found: str, mend: str) -> Difference:
    return Difference(declared.service, f"extension {name}", want, found, "pg_extension", mend)


def _public(role: Any) -> str:
    return "" if role == "public" else str(role)
