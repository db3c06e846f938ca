"""The demo's database has every kind of object that a real one has, on each version of a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest

from core.sessions.connections import Database
from demo.database import SERVICES
from tests.support.clusters import Clusters
from tests.support.demo_database import demo_database

pytestmark = pytest.mark.integration

MINE = " AND nspname ~ '_schema$' AND nspname <> 'information_schema'"
RELATIONS = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
COLUMNS = (
    "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n"
    " ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid WHERE c.relkind IN ('r', 'p')"
    " AND a.attnum > 0 AND "
)
INDEXES = (
    "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n"
    " ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam WHERE "
)
CONSTRAINTS = "SELECT count(*) FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE "
ROUTINES = (
    "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    " JOIN pg_language l ON l.oid = p.prolang WHERE "
)
CROSSING = (
    "SELECT count(*) FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid"
    " WHERE k.contype = 'f' AND f.relnamespace <> k.connamespace AND k.conparentid = 0"
)
NO_KEY = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    " AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) AND "
)
UNIQUE_NOT_NULL = (
    "EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL)"
)

KINDS: dict[str, tuple[LiteralString, int]] = {
    "tables": (RELATIONS + "relkind IN ('r', 'p') AND NOT relispartition" + MINE, 60),
    "identity columns, always": (COLUMNS + "attidentity = 'a'" + MINE, 2),
    "identity columns, by default": (COLUMNS + "attidentity = 'd'" + MINE, 5),
    "serial columns": (
        "SELECT count(*) FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
        " WHERE d.deptype = 'a' AND d.refobjsubid > 0",
        5,
    ),
    "uuid keys": (
        "SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid"
        " AND a.attnum = i.indkey[0] WHERE i.indisprimary AND a.atttypid = 'uuid'::regtype",
        5,
    ),
    "enum columns": (COLUMNS + "typtype = 'e'" + MINE, 5),
    "domain columns": (COLUMNS + "typtype = 'd'" + MINE, 5),
    "composite columns": (COLUMNS + "typtype = 'c'" + MINE, 3),
    "array columns": (COLUMNS + "typcategory = 'A'" + MINE, 10),
    "jsonb columns": (COLUMNS + "typname = 'jsonb'" + MINE, 5),
    "json columns": (COLUMNS + "typname = 'json'" + MINE, 1),
    "bytea columns": (COLUMNS + "typname = 'bytea'" + MINE, 5),
    "range columns": (COLUMNS + "typtype = 'r'" + MINE, 5),
    "multirange columns": (COLUMNS + "typtype = 'm'" + MINE, 1),
    "numeric columns without scale": (COLUMNS + "typname = 'numeric' AND atttypmod = -1" + MINE, 3),
    "numeric columns with scale": (COLUMNS + "typname = 'numeric' AND atttypmod <> -1" + MINE, 3),
    "timestamptz columns": (COLUMNS + "typname = 'timestamptz'" + MINE, 10),
    "generated columns": (COLUMNS + "attgenerated = 's'" + MINE, 4),
    "dropped columns": (COLUMNS.replace("JOIN pg_type t", "LEFT JOIN pg_type t") + "attisdropped" + MINE, 1),
    "large object columns": (COLUMNS + "typname = 'oid'" + MINE, 1),
    "range partitioned tables": (
        "SELECT count(*) FROM pg_partitioned_table WHERE partstrat = 'r' AND partdefid <> 0",
        2,
    ),
    "list partitioned tables": ("SELECT count(*) FROM pg_partitioned_table WHERE partstrat = 'l'", 1),
    "partial indexes": (INDEXES + "indpred IS NOT NULL" + MINE, 5),
    "expression indexes": (INDEXES + "indexprs IS NOT NULL" + MINE, 3),
    "GIN indexes": (INDEXES + "amname = 'gin'" + MINE, 5),
    "GiST indexes": (INDEXES + "amname = 'gist'" + MINE, 3),
    "unique indexes": (INDEXES + "indisunique AND NOT indisprimary" + MINE, 10),
    "exclusion constraints": (CONSTRAINTS + "contype = 'x'" + MINE, 4),
    "check constraints": (CONSTRAINTS + "contype = 'c' AND conrelid <> 0" + MINE, 10),
    "deferrable keys": (CONSTRAINTS + "contype = 'f' AND condeferrable" + MINE, 4),
    "self-referencing keys": (CONSTRAINTS + "contype = 'f' AND conrelid = confrelid" + MINE, 4),
    "circular keys": (
        "SELECT count(*) FROM pg_constraint a JOIN pg_constraint b ON a.conrelid = b.confrelid"
        " AND b.conrelid = a.confrelid WHERE a.contype = 'f' AND b.contype = 'f' AND a.conrelid < b.conrelid",
        3,
    ),
    "keys that were never validated": (CONSTRAINTS + "contype = 'f' AND NOT convalidated" + MINE, 1),
    "views": (RELATIONS + "relkind = 'v'" + MINE, 8),
    "materialized views": (RELATIONS + "relkind = 'm'" + MINE, 3),
    "functions in SQL": (ROUTINES + "lanname = 'sql' AND prokind = 'f'" + MINE, 5),
    "functions in PL/pgSQL": (ROUTINES + "lanname = 'plpgsql' AND prokind = 'f'" + MINE, 5),
    "procedures": (ROUTINES + "prokind = 'p'" + MINE, 2),
    "triggers": ("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal", 8),
    "deferred constraint triggers": (
        "SELECT count(*) FROM pg_trigger WHERE tginitdeferred AND tgconstraint <> 0",
        1,
    ),
    "tables with row security": (RELATIONS + "relrowsecurity" + MINE, 3),
    "policies": ("SELECT count(*) FROM pg_policy", 3),
    "rules": ("SELECT count(*) FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class >= 16384", 1),
    "comments": ("SELECT count(*) FROM pg_description WHERE objoid >= 16384", 10),
    "privileges of others than the owner": (RELATIONS + "relacl::text LIKE '%waqiti_readonly%'" + MINE, 2),
    "large objects": ("SELECT count(*) FROM pg_largeobject_metadata", 100),
    "extensions": ("SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'", 5),
    "tables without primary key, with a unique index": (NO_KEY + UNIQUE_NOT_NULL + MINE, 2),
    "tables without any key": (NO_KEY + "NOT " + UNIQUE_NOT_NULL + MINE, 3),
    "names that need quotes": (RELATIONS + "quote_ident(relname) <> relname" + MINE, 8),
    "names with a quote character": (RELATIONS + "relname ~ '[''\"]' AND relkind = 'r'" + MINE, 1),
    "names beyond ASCII": (RELATIONS + "relname ~ '[^ -~]'" + MINE, 1),
    "shared functions in public": (
        "SELECT count(*) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS"
        " (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')",
        4,
    ),
    "shared types in public": (
        "SELECT count(*) FROM pg_type t WHERE typnamespace = 'public'::regnamespace AND typtype IN"
        " ('e', 'd', 'c') AND NOT EXISTS"
        " (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')",
        5,
    ),
    "foreign keys that cross services": (CROSSING, 5),
    "a view that crosses services": ("SELECT count(*) FROM analytics_schema.customer_overview", 200),
    "a function that crosses services": ("SELECT count(*) FROM compliance_schema.paid_by(1)", 1),
}
"""What there must be, a query that counts it, and how many there are at least."""


@pytest.fixture(params=[15, 17], ids="PostgreSQL {}".format)
def shared(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[Database]:
    with demo_database(clusters.get("source", request.param)) as database:
        yield database


def test_every_kind_of_object_is_there(shared: Database) -> None:
    with shared.connect() as connection:
        missing = {}
        for kind, (query, least) in KINDS.items():
            row = connection.execute(query).fetchone()
            if row is None or row[0] < least:
                missing[kind] = row
    assert not missing


def test_each_of_the_eight_services_has_its_schema_with_rows(shared: Database) -> None:
    with shared.connect() as connection:
        rows = connection.execute(
            "SELECT replace(nspname, '_schema', '') FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r'"
            " AND nspname ~ '_schema$' GROUP BY nspname HAVING sum(reltuples) > 100"
        ).fetchall()
    assert {name for (name,) in rows} - {"information"} == set(SERVICES)


def test_the_application_owns_everything_of_the_services(shared: Database) -> None:
    with shared.connect() as connection:
        others = connection.execute(
            "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname ~ '_schema$' AND nspname <> 'information_schema'"
            " AND relowner <> 'waqiti_app'::regrole"
        ).fetchall()
    assert not others


def test_all_foreign_keys_hold_though_rows_were_made_before_them(shared: Database) -> None:
    with shared.connect() as connection:
        unchecked = connection.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT convalidated"
        ).fetchall()
    assert unchecked == [("gift's wallet",)], "only the one that is meant to be NOT VALID"


def test_nothing_of_the_making_is_left(shared: Database) -> None:
    with shared.connect() as connection:
        assert connection.execute("SELECT to_regnamespace('demo_build')").fetchone() == (None,)
