"""What depends on a database's locale is found before anything moves, with the line that settles it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from psycopg import sql

from components.contract import CrossingRule
from components.locale import PLAIN, Locale
from components.service.database_locale import apply
from core.errors import TargetLacks
from core.sessions.connections import Database
from migration.boundary.closure import ServiceClosure
from migration.boundary.locale_uses import locale_uses
from migration.catalog.read import read_catalog
from migration.plan.facts import read_target
from migration.plan.make import Plan, make_plan
from migration.plan.model import Problem
from tests.support.absence import absent
from tests.support.clusters import Cluster, Clusters
from tests.support.folders import own_folder
from tests.support.locales import BUILTIN, C_UTF8, GERMAN, give_locale, properties
from tests.support.moving import Split, split

pytestmark = pytest.mark.integration

_17_TO_17 = pytest.mark.parametrize("versions", [(17, 17)], indirect=True, ids=["17-to-17"])
_15_TO_17 = pytest.mark.parametrize("versions", [(15, 17)], indirect=True, ids=["15-to-17"])

Make = Callable[..., Split]

USES = r"""
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE FUNCTION atomic(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN lower($1);
CREATE FUNCTION quoted(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 ILIKE ''x''; END';
CREATE DOMAIN name AS text CONSTRAINT capital CHECK (initcap(VALUE) = VALUE);
CREATE TYPE span AS RANGE (subtype = text);
CREATE TABLE t (
    id int PRIMARY KEY, a text, at tstzrange, mail citext UNIQUE, nick citext, path ltree,
    made text GENERATED ALWAYS AS (upper(a)) STORED,
    CONSTRAINT classes CHECK (a ~ '^\w+$'), CONSTRAINT letters CHECK (a ~ '^[A-Z]{3}$'),
    CONSTRAINT early CHECK (lower(at) < now()), CONSTRAINT sorted CHECK (a < 'm'),
    CONSTRAINT plain CHECK (lower(a COLLATE "C") <> 'x'), CONSTRAINT called CHECK (quoted(a))
);
CREATE TABLE parts (a text) PARTITION BY RANGE (a);
CREATE TABLE listed (a text) PARTITION BY LIST (a);
CREATE INDEX lowered ON t (lower(a));
CREATE UNIQUE INDEX once ON t (atomic(a));
CREATE INDEX few ON t (id) WHERE a ~* 'x';
CREATE INDEX words ON t USING gin (to_tsvector('simple', a));
CREATE INDEX grams ON t USING gin (a gin_trgm_ops);
CREATE POLICY own ON t USING (lower(a) = 'x');
CREATE VIEW seen AS SELECT max(a) AS m, greatest(min(a), 'b') AS g FROM t WHERE a % 'x';
"""

FOUND = {
    "function user_schema.atomic(text) (lower)": False,
    "function user_schema.quoted(text) (ilike)": False,
    "check constraint user_schema.name.capital (initcap)": True,
    "type user_schema.span (a range of text)": False,
    "table user_schema.t (mail of type citext)": True,
    "table user_schema.t (nick of type citext)": False,
    "table user_schema.t (path of type ltree)": True,
    "default user_schema.t.made (upper)": True,
    "check constraint user_schema.t.classes (a regular expression)": True,
    "check constraint user_schema.t.sorted (an order of text)": True,
    "check constraint user_schema.t.called (quoted)": True,
    "table user_schema.parts (partitions by a range of text)": True,
    "index user_schema.lowered (lower)": False,
    "index user_schema.once (atomic)": True,
    "index user_schema.few (ILIKE or ~*)": False,
    "index user_schema.words (to_tsvector)": False,
    "policy user_schema.t.own (lower)": False,
    "view user_schema.seen (max of text)": False,
    "view user_schema.seen (min of text)": False,
    "view user_schema.seen (greatest or least of text)": False,
    "view user_schema.seen (pg_trgm)": False,
}
"""Each use, and whether what is stored follows from it."""


@pytest.fixture
def make(
    source_database: Database, source_cluster: Cluster, target_cluster: Cluster, tmp_path: Path
) -> Iterator[Make]:
    """The service `user` with a script in its schema; the shared database's locale, and its own one's."""
    opened = []

    def build(script: str, there: Locale = C_UTF8, own: Locale = PLAIN) -> Split:
        give_locale(source_database, there, source_cluster)
        with source_database.connect() as connection:
            connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
            connection.execute(script.encode())
        context = split(source_database, target_cluster, {"user": ()}, tmp_path)
        made = context.__enter__()
        opened.append(context)
        give_locale(made.superusers["user"], own, target_cluster)
        return made

    yield build
    for context in opened:
        context.__exit__(None, None, None)


def refused(plan: Plan) -> Problem:
    (problem,) = plan.no_go
    assert problem.kind == "locale"
    return problem


def notes(plan: Plan) -> list[str]:
    return [p.text for p in plan.all_problems if p.severity == "note" and p.kind == "locale"]


@pytest.mark.parametrize("versions", [(15, 17), (17, 17), (18, 18)], indirect=True)
def test_every_use_is_found_and_nothing_else(source_database: Database) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema, public")
        connection.execute(USES.encode())
        catalog = read_catalog(connection)
    closure = ServiceClosure(catalog, {"user_schema": "user"}, "user", ()).compute()
    assert {str(use): use.binds for use in locale_uses(catalog, closure)} == FOUND


@_17_TO_17
def test_letters_that_differ_are_refused_with_the_line_to_add(make: Make) -> None:
    problem = refused(make("CREATE TABLE t (a text); CREATE INDEX i ON t (lower(a))").plan())
    assert "has the locale C.UTF-8, user's own C, and lower(), upper() and ILIKE and" in problem.text
    assert "index user_schema.i (lower), and whatever statements do with its text" in problem.text
    assert "(the first column: user_schema.t.a)" in problem.text
    assert problem.line == "services: user: locale: C.UTF-8"


@_15_TO_17
def test_a_locale_that_the_target_cannot_have_is_said_in_its_words(make: Make) -> None:
    problem = refused(make("CREATE TABLE t (a text CHECK (a < 'm'))", GERMAN).plan())
    assert "has the locale de-AT (ICU), user's own C" in problem.text
    assert "ORDER BY, <, min() and max() answer otherwise there: check constraint user_sch" in problem.text
    assert "its server says of that locale: ICU is not supported in this build" in problem.text
    assert problem.line == "services: user: locale: {provider: icu, name: de-AT}"


@_17_TO_17
def test_what_asks_no_locale_moves_with_another(make: Make) -> None:
    script = (
        "CREATE TABLE t (n int, at tstzrange, b text COLLATE \"C\", CHECK (lower(at) > '2020-01-01'));"
        "CREATE INDEX i ON t (lower(b))"
    )
    assert make(script).plan().no_go == ()


@_17_TO_17
def test_the_same_locale_has_no_problem_and_no_note(make: Make) -> None:
    plan = make("CREATE TABLE t (a text); CREATE INDEX i ON t (lower(a))", own=C_UTF8).plan()
    assert plan.no_go == ()
    assert notes(plan) == []


@_17_TO_17
def test_locales_of_two_providers_are_judged_by_what_they_do(make: Make) -> None:
    made = make("CREATE TABLE t (a text); CREATE INDEX i ON t (lower(a))", own=BUILTIN)
    text = refused(made.plan()).text
    assert "C.UTF-8 (builtin), and \\w, [[:alpha:]]" in text
    assert "lower" not in text, "both know the same large and small letters"


@_17_TO_17
def test_other_answers_of_statements_can_be_allowed_stored_ones_not(make: Make) -> None:
    made = make("CREATE TABLE t (a text)")
    text = refused(made.plan()).text
    (printed,) = yaml.safe_load(text[text.index("- {match: ") :])
    rule = CrossingRule.model_validate({**printed, "reason": "its names are ASCII"})
    service = made.contract.services["user"].model_copy(update={"crossing": (rule,)})
    made.contract = made.contract.model_copy(update={"services": {"user": service}})
    assert made.plan().no_go == ()
    assert "its names are ASCII" in "\n".join(notes(made.plan()))
    with made.source.connect() as connection:
        connection.execute("CREATE UNIQUE INDEX i ON user_schema.t (lower(a))")
    problem = refused(made.plan())
    assert "index user_schema.i (lower); give its database the same, and `pulumi up`; what is" in problem.text
    with pytest.raises(TargetLacks):
        made.plan().check()


@_17_TO_17
def test_what_the_plan_prints_for_services_yaml_settles_it(make: Make, target_cluster: Cluster) -> None:
    made = make("CREATE TABLE t (a text UNIQUE); CREATE INDEX i ON t (lower(a))")
    line = refused(made.plan()).line.removeprefix("services: user: locale: ")
    give_locale(made.superusers["user"], Locale.model_validate(yaml.safe_load(line)), target_cluster)
    assert made.plan().no_go == ()
    assert made.move("user") == ()


@_17_TO_17
def test_another_text_search_configuration_is_refused_by_its_parameter(make: Make) -> None:
    made = make("CREATE TABLE t (a text, words tsvector)", own=C_UTF8)
    assert made.plan().no_go == ()
    with made.source.connect() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_text_search_config = 'pg_catalog.german'").format(
                sql.Identifier(made.source.endpoint.database)
            )
        )
    problem = refused(made.plan())
    assert "is pg_catalog.german in the shared database and pg_catalog.english in user's own" in problem.text
    assert problem.line == "services: user: parameters: {default_text_search_config: 'pg_catalog.german'}"


def test_a_locale_that_only_the_source_has_is_named_with_near_ones(
    clusters: Clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source's server alone is shown a folder with en_US.UTF-8 in it."""
    folder = own_folder()
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "UTF-8", folder / "en_US.UTF-8"], capture_output=True, check=False
    )
    if made.returncode:
        absent("localedef makes no en_US.UTF-8 here")
    monkeypatch.setenv("LOCPATH", str(folder))
    with clusters.private("source", 17) as there:
        monkeypatch.delenv("LOCPATH")
        source = there.new_database()
        apply(properties(source, Locale.model_validate("en_US.UTF-8")))
        with source.connect() as connection:
            connection.execute("CREATE SCHEMA user_schema; CREATE TABLE user_schema.t (a text)")
            rows = connection.execute(
                "SELECT a FROM (VALUES ('b'), ('A'), ('a')) AS v (a) ORDER BY a"
            ).fetchall()
            assert rows == [("a",), ("A",), ("b",)], "the shared database sorts as people do"
        with split(source, clusters.get("target", 17), {"user": ()}, tmp_path) as opened:
            problem = refused(opened.plan())
    shutil.rmtree(folder)
    assert "has the locale en_US.UTF-8, user's own C" in problem.text
    assert 'its server says of that locale: could not create locale "en_US.UTF-8"' in problem.text
    assert "or, nearer to it than C, `locale: {provider: builtin, name: C.UTF-8}`" in problem.text
    assert problem.line == "services: user: locale: en_US.UTF-8"


@_17_TO_17
def test_another_version_of_the_same_rules_is_a_note(make: Make) -> None:
    made = make("CREATE TABLE t (a text)", own=C_UTF8)
    catalog = made.plan().catalog
    older = replace(catalog, server=replace(catalog.server, collation_version="2.31"))
    facts = replace(read_target(made.targets["user"]), collation_version="2.36")
    plan = make_plan(made.contract, older, ["user"], {"user": facts})
    assert plan.no_go == ()
    assert "is of version 2.31 of its library in the shared database and of 2.36" in "\n".join(notes(plan))
