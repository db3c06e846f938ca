"""Who may log in (pg_hba.conf in force), and guards of writes, against what was declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from components.platforms.docker import instance_files
from components.platforms.local import instance as local
from core.sessions.queries import queries
from core.sessions.session import Connection
from operations.drift.model import Declared, Difference
from operations.drift.session import run, up

query = queries(__package__)


def check(declared: Declared, connection: Connection) -> Iterator[Difference]:
    """Lines of pg_hba.conf that are too many, missing, elsewhere, or not read yet; weakened guards."""
    row = connection.execute(query("hba")).fetchone()
    if row is not None:
        text, unread, path = row
        yield from _lines(declared, _said(text), unread=unread, path=path)
    for schema, table, trigger, found in connection.execute(query("guards")):
        if trigger:
            enable = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(
                sql.Identifier(schema, table), sql.Identifier(trigger)
            )
            what = f"guard {trigger} of {schema}.{table}"
            yield Difference(
                declared.service, what, "enabled always", found, "pg_trigger", run(declared, enable)
            )
        else:
            mend = f"python -m migration gates {declared.service} --stack {declared.stack}"
            what = f"guards of {schema}.{table}"
            yield Difference(declared.service, what, "two", found, "pg_trigger", mend)


def _lines(declared: Declared, found: Sequence[str], *, unread: bool, path: str) -> Iterator[Difference]:
    want = declared_lines(declared)
    mend = up(declared)
    for line in (line for line in found if line not in want):
        yield Difference(declared.service, "pg_hba.conf", "no such line", line, path, mend)
    for line in (line for line in want if line not in found):
        yield Difference(declared.service, "pg_hba.conf", line, "no such line", path, mend)
    if sorted(found) == sorted(want) and list(found) != want:
        yield Difference(declared.service, "pg_hba.conf", "its order", "another order", path, mend)
    if unread:
        reload = run(declared, sql.SQL("SELECT pg_reload_conf()"))
        yield Difference(
            declared.service, "pg_hba.conf", "in force", "changed since the server read it", path, reload
        )


def declared_lines(declared: Declared) -> list[str]:
    """What the platform writes for these inputs."""
    lines = instance_files.hba_lines if declared.platform == "docker" else local.hba_lines
    return [_normal(line) for line in lines(declared.instance)]


def _said(text: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [_normal(line) for line in lines if line]


def _normal(line: str) -> str:
    return " ".join(line.split())
