"""What a schema is by PostgreSQL's own tools: its dump, restored on the version it moves to, dumped again.

Nothing of migration/ looks here: what it makes of a schema is held against this.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from psycopg import sql

from core.sessions.connections import Database
from servers.binaries import postgres_bin
from tests.support.clusters import Cluster

_HEAD = re.compile(r"^--\n-- Name: (.*); Type: (.*); Schema: (.*); Owner: .*\n--\n\n", re.MULTILINE)
_OPTION = re.compile(r"\bpg_attver=\d+, |(, )?\bpg_attver=\d+(?=\))")
_EMPTY = re.compile(r"^ALTER TABLE ONLY .* SET \(\);\n", re.MULTILINE)
"""What servers patched in November 2026 keep with a column (15.20), which no other one takes."""
_SESSION = re.compile(r"^(SET default_.*;|-- .*|--|\\(un)?restrict .*)\n", re.MULTILINE)

Entries = dict[str, str]
"""DDL by `schema type name`; of several with one name, all of them."""


@contextmanager
def restored(source: Database, cluster: Cluster) -> Iterator[Database]:
    """The source's database, rows included, as pg_dump and psql of the cluster's version bring it there.

    Its roles have to be there. Privileges are left out. Dropped afterwards.
    """
    made = cluster.new_database()
    try:
        script = _run(cluster, source, "pg_dump", "--no-privileges", "--no-owner")
        quiet = (
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
            "--single-transaction",
        )
        _run(cluster, made, "psql", *quiet, script=script)
        yield made
    finally:
        cluster.drop_database(made)


def dump(database: Database, cluster: Cluster, schemas: Sequence[str], called: Mapping[str, str]) -> Entries:
    """The schemas' DDL with owners, by the pg_dump of the cluster's version; `called` renames roles."""
    only = [f'--schema="{name}"' for name in schemas]
    text = _run(cluster, database, "pg_dump", "--schema-only", "--no-privileges", *only)
    for role, name in called.items():
        text = re.sub(rf"\b{re.escape(role)}\b", name, text)
    entries: Entries = {}
    pieces = _HEAD.split(text)[1:]
    for name, kind, schema, body in zip(*(pieces[part::4] for part in range(4)), strict=True):
        key = f"{schema} {kind} {name}"
        ddl = _SESSION.sub("", body).strip()
        if "\nINHERITS (" in ddl:
            # The parents' columns come first in whatever INHERITS makes.
            ddl = "\n".join(sorted(line.rstrip(",") for line in ddl.splitlines() if line))
        entries[key] = entries.get(key, "") + ddl
    return entries


def rows(database: Database, schemas: Sequence[str]) -> Mapping[str, tuple[int, str]]:
    """Each table's own number of rows, and a hash of them by their columns' names; sequences too."""
    found = {}
    with database.connect() as connection:
        names = connection.execute(
            "SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname = ANY (%s)"
            " AND (c.relkind <> 'm' OR c.relispopulated)",
            [list(schemas)],
        ).fetchall()
        for schema, name, kind in names:
            look = (
                "SELECT count(*), md5(string_agg(row, ' ' ORDER BY row)) FROM (SELECT {} AS row FROM {} t) x"
            )
            what = "concat(last_value, is_called)" if kind == "S" else "to_jsonb(t)::text"
            table = sql.SQL("" if kind == "S" else "ONLY ") + sql.Identifier(schema, name)
            row = connection.execute(sql.SQL(look).format(sql.SQL(what), table)).fetchone()
            assert row is not None
            found[f"{schema}.{name}"] = row
    return found


_RIGHTS = """
SELECT format('%%s %%I.%%I%%s', CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END, n.nspname,
              c.relname, '.' || quote_ident(a.attname)), array_agg(p ORDER BY p)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S'
CROSS JOIN LATERAL unnest(CASE WHEN c.relkind = 'S' THEN '{SELECT,UPDATE,USAGE}'
    ELSE '{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}' END::text[]) p
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND CASE
    WHEN c.relkind = 'S' THEN has_sequence_privilege(%(role)s, c.oid, p)
    WHEN p IN ('DELETE', 'TRUNCATE') OR a.attname IS NULL THEN has_table_privilege(%(role)s, c.oid, p)
    ELSE has_column_privilege(%(role)s, c.oid, a.attnum, p) END
GROUP BY 1
UNION ALL
SELECT format('routine %%I.%%I(%%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)), '{EXECUTE}'
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY (%(schemas)s) AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
UNION ALL
SELECT format('type %%I.%%I', n.nspname, t.typname), '{USAGE}'
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE n.nspname = ANY (%(schemas)s) AND t.typtype IN ('d', 'e', 'c', 'r') AND coalesce(c.relkind, 'c') = 'c'
  AND has_type_privilege(%(role)s, t.oid, 'USAGE')
"""


def rights(database: Database, schemas: Sequence[str], role: str) -> Mapping[str, list[str]]:
    """What a role may do with each column, sequence, routine and type, whoever granted it.

    REFERENCES and TRIGGER are left out: they are of no use to applications, and do not move.
    """
    with database.connect() as connection:
        found = connection.execute(_RIGHTS, {"schemas": list(schemas), "role": role}).fetchall()
    return dict(found)


def _run(cluster: Cluster, database: Database, program: str, *options: str, script: str | None = None) -> str:
    """A client program of the cluster's version against a database; 18's wheel has no TLS."""
    plain = database.endpoint.model_copy(update={"sslmode": "disable", "sslrootcert": None})
    with replace(database, endpoint=plain).client_environment() as environment:
        command = [str(postgres_bin(cluster.version) / program), "--no-password", *options]
        done = subprocess.run(
            command, env=environment, input=script, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    return _EMPTY.sub("", _OPTION.sub("", done.stdout)) if program == "pg_dump" else done.stdout
