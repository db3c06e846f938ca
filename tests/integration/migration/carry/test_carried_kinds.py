"""What is written down of a schema's change and what is refused, table by table; nothing is replicated."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import pytest

from core.sessions.connections import Database
from core.sessions.session import Connection

pytestmark = pytest.mark.integration

FUNCTIONS = ("tables", "definition", "statements", "refuse", "refusals", "partitions")
NOTE = """
INSERT INTO waqiti_migration.definitions
SELECT 's', c.oid, line FROM pg_class c, LATERAL waqiti_migration.definition_of(c.oid) AS line
WHERE c.relnamespace = 's'::regnamespace AND c.relkind NOT IN ('i', 'I', 't')
"""
SCHEMA = """
CREATE SCHEMA s; CREATE SCHEMA other; SET search_path = s;
CREATE TABLE people (id int PRIMARY KEY, name text DEFAULT 'x', at timestamptz,
                     twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE parts (id int, v int DEFAULT 1) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE base (v int DEFAULT 1); CREATE TABLE child () INHERITS (base);
CREATE SEQUENCE numbers; CREATE SEQUENCE other.numbers;
CREATE FUNCTION other.f() RETURNS text LANGUAGE sql RETURN 'x';
"""
CARRIED = {
    "people ALTER name SET DEFAULT 'y'": ["people ALTER COLUMN name SET DEFAULT 'y'::text"],
    "people ALTER name DROP DEFAULT": ["people ALTER COLUMN name DROP DEFAULT"],
    "people ALTER at SET DEFAULT now(), ALTER name DROP DEFAULT": [
        "people ALTER COLUMN at SET DEFAULT now()",
        "people ALTER COLUMN name DROP DEFAULT",
    ],
    "people ALTER id SET DEFAULT nextval('numbers')": [
        "people ALTER COLUMN id SET DEFAULT nextval('s.numbers'::regclass)"
    ],
    "part ALTER v DROP DEFAULT": ["part ALTER COLUMN v DROP DEFAULT"],
    "child ALTER v SET DEFAULT 3": ["child ALTER COLUMN v SET DEFAULT 3"],
    "child ADD CHECK (v > 0)": ["child ADD CONSTRAINT child_v_check CHECK ((v > 0))"],
}
REFUSED = {
    "people ALTER id SET DEFAULT nextval('other.numbers')": "it needs sequence other.numbers",
    "people ALTER name SET DEFAULT other.f()": "it needs function other.f()",
    "people ALTER twice DROP EXPRESSION": "it changes what was there",
    "people ALTER name SET NOT NULL": "it changes what was there (the column name)",
    "people DROP name": "it changes what was there (it drops the column name)",
    "people ALTER name TYPE varchar(9)": "it changes what was there",
    "parts ALTER v SET DEFAULT 2": "it is neither a plain table",
    "base ALTER v SET DEFAULT 2": "it changes what was there",
}


JUDGE = """
WITH it AS (
    SELECT %(table)s::regclass AS oid,
           ARRAY(SELECT line FROM waqiti_migration.definitions
                 WHERE relation = %(table)s::regclass) AS before)
SELECT waqiti_migration.not_carried(oid, 's', before),
       ARRAY(SELECT statement FROM waqiti_migration.carried_statements(oid, before) ORDER BY 1),
       waqiti_migration.changes_what_is_older(oid, before)
FROM it
"""


@pytest.fixture(params=["source_database", "target_database"])
def noted(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A schema of which all is noted, on either version."""
    database: Database = request.getfixturevalue(request.param)
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA waqiti_migration")
        connection.execute(
            "CREATE TABLE waqiti_migration.replica_identities"
            " (service text, schema_name text, table_name text, identity text)"
        )
        for name in FUNCTIONS:
            connection.execute(resources.files("migration.carry").joinpath(f"sql/{name}.sql").read_bytes())
        connection.execute(SCHEMA.encode())
        connection.execute(NOTE.encode())
        yield connection


def judged(connection: Connection, change: str) -> tuple[str | None, list[str], str | None]:
    """Why it is refused; the statements of one that is not; why it is not carried where it is no deploy's."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"ALTER TABLE s.{change}".encode())
        table = change.split(maxsplit=1)[0]
        row = connection.execute(JUDGE.encode(), {"table": f"s.{table}"}).fetchone()
    assert row is not None
    return row[0], [one.removeprefix("ALTER TABLE s.") for one in row[1]], row[2]


def test_a_default_is_carried_over_where_it_is_the_columns_alone(noted: Connection) -> None:
    assert {change: judged(noted, change)[:2] for change in CARRIED} == {
        change: (None, statements) for change, statements in CARRIED.items()
    }
    for change, reason in REFUSED.items():
        assert (judged(noted, change)[0] or "").startswith(reason), change


def test_an_older_tables_default_is_no_change_for_others_than_deploys(noted: Connection) -> None:
    assert {judged(noted, change)[2] for change in CARRIED} == {
        "it changes a table that is older than the move"
    }
