"""Texts that a materialized view hands to ts_stat and its like: their tables are named with a schema."""

from __future__ import annotations

import pytest

from migration.catalog.objects import PG_CLASS, CatalogObject
from migration.plan.view_texts import with_schemas

pytestmark = pytest.mark.unit

NAMES = (("user_schema", "documents"), ("public", "other"), ("public", "documents"), ("user_schema", "Ö d"))
RELATIONS = {
    (schema, name): [CatalogObject((PG_CLASS, oid), "table", schema, name, f"{schema}.{name}")]
    for oid, (schema, name) in enumerate(NAMES)
}
FOREIGN = """CREATE MATERIALIZED VIEW b AS SELECT 'ä', pg_catalog.ts_stat('WITH other AS (SELECT 1)
SELECT ''ä'', w FROM {}documents d JOIN {}"Ö d" ON true, other, public.other'::text, 'a') WITH NO DATA;"""


@pytest.mark.parametrize(
    "statement",
    ["SELECT w.word FROM ts_stat('SELECT words FROM {}documents'::text) w(word, ndoc, nentry);", FOREIGN],
)
def test_a_text_names_the_schema_that_the_path_finds(statement: str) -> None:
    bare, named = statement.replace("{}", ""), statement.replace("{}", "user_schema.")
    assert with_schemas(bare, ("user_schema", "public"), RELATIONS) == named
    assert with_schemas(named, ("user_schema", "public"), RELATIONS) == named


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ts_stat('nonsense from')",
        "SELECT ts_stat(documents.x) FROM user_schema.documents",
        "SELECT ts_stat('SELECT a FROM nobodys'), length('SELECT a FROM documents')",
        "not even SQL ts_stat('SELECT words FROM documents')",
    ],
)
def test_what_is_no_query_of_the_services_stays(statement: str) -> None:
    assert with_schemas(statement, ("user_schema", "public"), RELATIONS) == statement
