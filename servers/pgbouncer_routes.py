"""The routes file of a gateway: where its one database leads. Owned by `migration` after it was first made.

The file is PgBouncer's `[databases]` section, included by the main configuration:

    ; leads to: source
    [databases]
    waqiti_users = host='127.0.0.1' port='5432' dbname='waqiti' user='app' password='...'
        connect_query='...'                                            (all on one line)
    waqiti_users_ddl = host='127.0.0.1' port='5432' dbname='waqiti' user='ddl' pool_mode='session' ...

The second line leads schema migrations to the same place, each client with a session of its own.
Values are single-quoted, quotes doubled (https://www.pgbouncer.org/config.html#section-databases). The
name is bare: PgBouncer 1.18 refuses quoted names in an included file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from servers.errors import ServerError
from servers.osuser import write_private

Side = Literal["source", "target"]

FOR_GOOD = ", for good"
_FILE = re.compile(
    rf"; leads to: (source|target)({FOR_GOOD})?\n\[databases\]\n([\w.-]+) = ([^\n]+)\n"
    r"(?:([\w.-]+) = ([^\n]+)\n)?"
)
_BARE_NAME = re.compile(r"[A-Za-z0-9_.-]+")


DDL_SESSIONS = 24
"""Clients that may migrate a schema at once. Flyway and Liquibase hold one session while they wait for
another, so that too few would leave all of them waiting."""


@dataclass(frozen=True)
class DdlRoute:
    """The way of schema migrations, to where the route leads."""

    database: str
    """As clients name it."""
    user: str
    """Role to log in as, on either side; its password is in the auth_file."""


@dataclass(frozen=True)
class Route:
    """Where a gateway's database leads."""

    database: str
    """As clients name it."""
    leads_to: Side
    """`source` is the shared database, `target` the service's own; written as a comment, for people and
    for `pulumi up`, which keeps the credentials of a route to the source current and touches no other."""
    host: str
    port: int
    dbname: str
    """The database's name there."""
    user: str | None = None
    """Role to log in as there; None: the client's own, with its password from the auth_file."""
    password: str | None = None
    schemas: tuple[str, ...] = ()
    """search_path of every server connection; empty: what the role has there."""
    for_good: bool = False
    """Its move is finished, and the service needs the shared database no more."""
    ddl: DdlRoute | None = None
    """None: schema migrations have no way of their own (an older program's stack)."""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Route({self.database} -> {self.leads_to} {self.host}:{self.port}/{self.dbname})"


def write_routes(path: Path, route: Route) -> None:
    """Replaces the routes file atomically (0600, the servers' user's). PgBouncer reads it at RELOAD.

    Raises ServerError for a value with a line break, which the format cannot hold.
    """
    stage_routes(path, route).replace(path)


def stage_routes(path: Path, route: Route) -> Path:
    """Writes what is to become the routes file beside it, on disk before this returns; gives its path.

    Renaming it to `path` is all that is left to do, and takes no time. Raises as `write_routes`.
    """
    staged = path.with_name(f"{path.name}.next")
    write_private(staged, routes_text(route, str(path)))
    return staged


def routes_text(route: Route, where: str) -> str:
    """What the routes file holds; `where` is for messages. Raises as `write_routes`."""
    pairs = {"host": route.host, "port": str(route.port), "dbname": route.dbname}
    if route.user is not None:
        pairs["user"] = route.user
    if route.password is not None:
        pairs["password"] = route.password
    if route.schemas:
        pairs["connect_query"] = _search_path_query(route.schemas)
    ddl_user = {"the DDL role": route.ddl.user} if route.ddl else {}
    for key, value in {**pairs, **ddl_user, "database": route.database}.items():
        if any(character in value for character in "\r\n\0"):
            raise ServerError(f"{key} holds a line break", where=where, to_do=f"choose another {key}")
    lines = {route.database: pairs}
    if route.ddl is not None:
        lines[route.ddl.database] = {
            "host": route.host,
            "port": str(route.port),
            "dbname": route.dbname,
            "user": route.ddl.user,
            "pool_mode": "session",  # advisory locks are a session's
            "pool_size": str(DDL_SESSIONS),
        }
    for database in lines:
        if not _BARE_NAME.fullmatch(database):
            raise ServerError(
                f"the database {database!r} has a name PgBouncer cannot hold",
                where=where,
                to_do="use letters, digits, _ . and - only",
            )
    written = "".join(
        f"{name} = {' '.join(f'{key}={_single_quoted(value)}' for key, value in own.items())}\n"
        for name, own in lines.items()
    )
    comment = f"; leads to: {route.leads_to}{FOR_GOOD if route.for_good else ''}"
    return f"{comment}\n[databases]\n{written}"


def read_routes(path: Path) -> Route | None:
    """What `write_routes` wrote; None when there is no file. Raises ServerError when a person rewrote it
    into something else."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    found = _FILE.fullmatch(text)
    pairs = _pairs(found[4]) if found else {}
    if found is None or not {"host", "port", "dbname"} <= pairs.keys():
        raise ServerError(
            "is not a routes file as this program writes it",
            where=str(path),
            to_do="restore it, or remove it and run `pulumi up` to lead to the shared database again",
        )
    values = pairs
    return Route(
        database=found[3],
        leads_to=cast(Side, found[1]),
        host=values["host"],
        port=int(values["port"]),
        dbname=values["dbname"],
        user=values.get("user"),
        password=values.get("password"),
        schemas=_schemas_of(values.get("connect_query", "")),
        for_good=found[2] is not None,
        ddl=DdlRoute(found[5], _pairs(found[6]).get("user", "")) if found[5] else None,
    )


def _pairs(line: str) -> dict[str, str]:
    return {key: value.replace("''", "'") for key, value in re.findall(r"(\w+)='((?:[^']|'')*)'", line)}


def _search_path_query(schemas: tuple[str, ...]) -> str:
    quoted = ", ".join('"' + schema.replace('"', '""') + '"' for schema in schemas)
    return f"SELECT pg_catalog.set_config('search_path', {_single_quoted(quoted)}, false)"


def _schemas_of(query: str) -> tuple[str, ...]:
    found = re.fullmatch(r"SELECT pg_catalog\.set_config\('search_path', '((?:[^']|'')*)', false\)", query)
    names = re.findall(r'"((?:[^"]|"")+)"', found[1].replace("''", "'")) if found else []
    return tuple(name.replace('""', '"') for name in names)


def _single_quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
