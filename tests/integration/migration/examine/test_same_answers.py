"""Applications get the same answers from a service's own database, where it has the shared one's locale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from components.locale import Locale
from core.sessions.connections import Database
from tests.support.clusters import Cluster
from tests.support.locales import C_UTF8, give_locale
from tests.support.moving import split

pytestmark = [
    pytest.mark.integration,
    pytest.mark.parametrize("versions", [(17, 17)], indirect=True, ids=["17-to-17"]),
]

WITH_WORDS = Locale(provider="builtin", name="C.UTF-8", ctype="C.UTF-8")
"""Text search and ltree ask the C library, whoever the provider is."""

SCRIPT = """
CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION pg_trgm SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE TABLE people (
    id int PRIMARY KEY, name text NOT NULL, mail citext UNIQUE, path ltree,
    folded text GENERATED ALWAYS AS (lower(name)) STORED,
    CONSTRAINT words CHECK (name ~ '^[\\w -]+$')
);
CREATE UNIQUE INDEX ON people (lower(name));
CREATE INDEX ON people USING gin (name gin_trgm_ops);
CREATE INDEX ON people USING gin (to_tsvector('simple', name));
CREATE TABLE names (name text PRIMARY KEY) PARTITION BY RANGE (name);
CREATE TABLE names_a PARTITION OF names FOR VALUES FROM (MINVALUE) TO ('n');
CREATE TABLE names_n PARTITION OF names FOR VALUES FROM ('n') TO (MAXVALUE);
CREATE VIEW firsts AS SELECT min(name) AS least, max(name) AS most, greatest(min(name), 'É') AS g FROM people;
CREATE FUNCTION found(text) RETURNS SETOF int LANGUAGE sql STABLE AS
    'SELECT id FROM people WHERE name ILIKE $1 ORDER BY 1';
"""
ROWS = """
INSERT INTO people (id, name, mail, path) VALUES
    (1, 'Émile', 'É@x.ec', 'Équateur.Quito'), (2, 'emile', 'e@x.ec', 'a'), (3, 'ÑAÑO', 'ñ@x.ec', 'b'),
    (4, 'Zoë Öz', 'z@x.ec', 'c'), (5, 'straße', 's@x.ec', 'd'), (6, 'ŒUVRE-x', 'œ@x.ec', 'e');
INSERT INTO names SELECT name FROM people;
"""
STATEMENTS = (
    "SELECT id, lower(name), upper(name), initcap(name), folded FROM people ORDER BY name",
    "SELECT id FROM people WHERE name ILIKE 'é%' OR name ~* 'ñaño' OR name ~ '\\mÖ' ORDER BY id",
    "SELECT id FROM people WHERE mail = 'É@X.EC' OR mail = 'Œ@X.ec'",
    "SELECT id, to_tsvector('simple', name) FROM people ORDER BY id",
    "SELECT id FROM people WHERE to_tsvector('simple', name) @@ to_tsquery('simple', 'ŒUVRE') ORDER BY id",
    "SELECT id, similarity(name, 'EMILE'), name % 'ÉMILE' FROM people ORDER BY 2 DESC, id",
    "SELECT id, subpath(path, 0, 1) FROM people ORDER BY path",
    "SELECT * FROM firsts",
    "SELECT found('%é%')",
    "SELECT tableoid::regclass::text, name FROM names ORDER BY name DESC",
    "SELECT regexp_replace(name, '\\W', '', 'g'), regexp_split_to_array(name, '\\s') FROM people ORDER BY id",
    "INSERT INTO people (id, name) VALUES (7, 'ÉMILE')",
    "INSERT INTO people (id, name, mail) VALUES (8, 'x', 'Ñ@X.EC')",
    "INSERT INTO people (id, name) VALUES (9, 'semi;colon')",
)


@pytest.mark.parametrize("locale", [C_UTF8, WITH_WORDS], ids=["libc", "builtin"])
def test_the_same_statements_have_the_same_answers(
    locale: Locale,
    source_database: Database,
    source_cluster: Cluster,
    target_cluster: Cluster,
    tmp_path: Path,
) -> None:
    give_locale(source_database, locale, source_cluster)
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
        connection.execute(SCRIPT.encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        give_locale(made.superusers["user"], locale, target_cluster)
        assert made.move("user") == ()
        there, here = answers(source_database), answers(made.superusers["user"])
    assert dict(zip(STATEMENTS, here, strict=True)) == dict(zip(STATEMENTS, there, strict=True))
    refused = [answer for answer in there if isinstance(answer, str)]
    assert refused == ["UniqueViolation", "UniqueViolation", "CheckViolation"], "they are as they should be"


def answers(database: Database) -> list[list[Any] | str]:
    """What each statement gives, over the same rows: rows, or the name of the error."""
    found: list[list[Any] | str] = []
    with database.connect() as connection:
        connection.execute("SET search_path = user_schema, public")
        connection.execute(ROWS)
        for statement in STATEMENTS:
            try:
                with connection.transaction(force_rollback=True):
                    cursor = connection.execute(statement.encode())
                    found.append(cursor.fetchall() if cursor.description else [])
            except psycopg.Error as error:
                found.append(type(error).__name__)
    return found
