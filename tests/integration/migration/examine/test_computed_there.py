"""What the own server computes otherwise is refused by name; the printed statements help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.sessions.connections import Database
from migration.examine import other_server
from migration.examine.computed_there import with_computed_there
from migration.plan.model import Problem
from tests.support.clusters import Clusters
from tests.support.moving import Split, split

pytestmark = pytest.mark.integration

TABLES = """
-- Snowball's English stemmer makes another word of `added` from PostgreSQL 18 on.
CREATE SCHEMA pay_schema; SET search_path = pay_schema;
CREATE TYPE kind AS ENUM ('a', 'b');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 20);
CREATE FUNCTION stem(t text) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT to_tsvector('pg_catalog.english', t)::text $$;
CREATE FUNCTION stems(t text, k pay_schema.kind) RETURNS text LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN RETURN pay_schema.stem(t) || k; END $$;
CREATE TABLE words (
    id int PRIMARY KEY, word short, k kind DEFAULT 'a',
    words tsvector GENERATED ALWAYS AS (to_tsvector('english', word)) STORED,
    own text GENERATED ALWAYS AS (stems(word, k)) STORED,
    same text GENERATED ALWAYS AS (upper(word) || '!') STORED
);
CREATE UNIQUE INDEX by_stem ON words (to_tsvector('english', word));
CREATE INDEX by_stem_too ON words ((to_tsvector('english', word)::text));
ALTER TABLE words ADD CONSTRAINT stemmed CHECK (NOT to_tsvector('english', word) @@ 'add'::tsquery);
CREATE TABLE parts (id int, word text, s tsvector GENERATED ALWAYS AS (to_tsvector('english', word)) STORED)
    PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (100);
INSERT INTO words (id, word) VALUES (1, 'plain'), (2, 'added'), (3, NULL);
INSERT INTO parts (id, word) VALUES (7, 'added');
"""
STATEMENT = re.compile(r"in the shared database first(?:, mend them or)?: (.*)")


def problems(made: Split, source: Database) -> list[Problem]:
    plan = with_computed_there(made.plan(), source, made.targets, 60.0)
    return [one for one in plan.services["pay"].problems if "PostgreSQL" in one.text]


def test_what_the_other_version_computes_otherwise_is_refused_and_mended(
    clusters: Clusters, tmp_path: Path
) -> None:
    source, cluster = clusters.get("source", 15), clusters.get("target", 18)
    shared = source.new_database()
    with shared.connect() as connection:
        connection.execute(TABLES.encode())
    try:
        with split(shared, cluster, {"pay": ()}, tmp_path) as made:
            found = problems(made, shared)
            said = {one.text.partition(" is computed")[0]: one for one in found if "computed" in one.text}
            generated = said["generated column pay_schema.words.words"]
            assert generated.severity == "no-go"
            assert (
                "1 of 3 rows looked at, id=2: 'ad':1 by PostgreSQL 15, 'add':1 by PostgreSQL 18"
                in generated.text
            )
            assert set(said) >= {
                "generated column pay_schema.words.own",
                "generated column pay_schema.parts.s",
                "index pay_schema.words.by_stem_too",
            }
            assert not [one for one in found if "words.same" in one.text]
            assert said["index pay_schema.words.by_stem_too"].severity == "note"
            assert [one.text for one in found if one.text.startswith("index pay_schema.words.by_stem is")]
            assert [one.text for one in found if one.text.startswith("check pay_schema.words.stemmed")]
            with shared.connect() as connection:
                for one in found:
                    statement = STATEMENT.search(one.text)
                    if one.severity == "no-go" and statement is not None:
                        connection.execute(statement[1].encode())
            assert [one for one in problems(made, shared) if one.severity == "no-go"] == []
            with shared.connect() as connection:
                connection.execute("INSERT INTO pay_schema.words (id, word) VALUES (9, 'later')")
                row = connection.execute("SELECT same, words::text FROM pay_schema.words WHERE id = 9")
                assert row.fetchone() == ("LATER!", "'later':1")
            with made.targets["pay"].connect() as connection:
                left = connection.execute("SELECT to_regtype('pay_schema.kind')").fetchone()
            assert left == (None,), "what was made to compute with is rolled back"
    finally:
        source.drop_database(shared)


def test_of_a_large_table_a_sample_is_looked_at_and_that_is_said(
    clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_server, "MOST_ROWS", 500)
    source, cluster = clusters.get("source", 15), clusters.get("target", 17)
    shared = source.new_database()
    with shared.connect() as connection:
        connection.execute(
            "CREATE SCHEMA pay_schema; CREATE TABLE pay_schema.t (id int, g text GENERATED ALWAYS AS"
            " (upper('x' || id)) STORED); INSERT INTO pay_schema.t SELECT generate_series(1, 20000);"
            " ANALYZE pay_schema.t"
        )
    try:
        with split(shared, cluster, {"pay": ()}, tmp_path) as made:
            (note,) = problems(made, shared)
    finally:
        source.drop_database(shared)
    assert note.severity == "note"
    assert "whether PostgreSQL 17 computes pay_schema.t.g the same for every row is not known" in note.text
