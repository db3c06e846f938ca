"""What PostgreSQL has parsed, wherever it stands, is compared by what it means, not by how it prints."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.sessions.connections import Database
from migration.fidelity.compare import compare_schemas
from tests.support.clusters import Cluster, Clusters
from tests.support.expression_homes import HOMES, TABLES, Places, change, put
from tests.support.expressions import CONDITIONS, TEXT_CONDITIONS, altered
from tests.support.fault_matrix import ALL
from tests.support.generated_moves import thorough
from tests.support.moving import Split, split
from tests.support.versions import VERSION_PAIRS, every_version_pair

pytestmark = pytest.mark.integration

WRITTEN = (Path(__file__).parent / "normal_forms.sql").read_text(encoding="utf-8")
EXAMPLES = 30 if ALL else 2
"""The first is the simplest that there is; each is a move."""
OTHERS = {
    "s IN ('A', 'B')": "s IN ('A', 'C')",
    "x = 'a'": "x = 'a' COLLATE \"C\"",
    "a BETWEEN 1 AND 5 AND a <> 3": "a BETWEEN 1 AND 5 OR a <> 3",
    "a = 1 OR o AND b = 2": "(a = 1 OR o) AND b = 2",
    "s::varchar(4) = 'a'": "s::varchar(3) = 'a'",
    "c = 'ab'": "c::text = 'ab'",
    "n IN (1, 2.5)": "n::float8 IN (1, 2.5)",
    "w = '2026-01-01'": "w::date = '2026-01-01'",
    "m = 'sad'": "m::text = 'sad'",
    "lower(x) = 'a'": "user_schema.lower(x) = 'a'",
    "x = 'b'": "x OPERATOR(user_schema.=) 'b'",
    "s = ANY (v)": "s = ALL (v)",
    "r[1] = 2": "r[2] = 2",
    "\"system_user\" = 'x'": "\"json\" = 'y'",
    "s IN ('A', 'B') AND a > 1": "s IN ('A', 'B') AND a > 2",
}
"""Conditions, and others that only look like them."""
ALIKE = """
CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq);
"""


@contextmanager
def shared(cluster: Cluster) -> Iterator[Database]:
    """A shared database with the schema `user_schema`, empty."""
    source = cluster.new_database()
    try:
        with source.connect() as connection:
            connection.execute("CREATE SCHEMA user_schema")
        yield source
    finally:
        cluster.drop_database(source)


def place(source: Database, conditions: Sequence[str], of_text: Sequence[str] = ()) -> Places:
    with source.connect() as connection:
        connection.execute("SET search_path = user_schema")
        connection.execute((TABLES + ALIKE).encode())
        return put(connection, conditions, of_text)


def differences(made: Split) -> set[str]:
    """What differs, without owners and rights of what was made anew, and the indexes of constraints."""
    found = compare_schemas(made.source, made.targets["user"], made.plan(), "user", made.contract)
    said = {f"{d.kind} {d.identity}" for d in found if d.kind not in {"owner", "privilege"}}
    return {one for one in said if not one.startswith("index user_schema.ex")}


def changed(made: Split, places: Places, other: Callable[[str], str]) -> set[str]:
    """Change conditions on the target; returns what has to be found."""
    with made.superusers["user"].connect() as connection:
        connection.execute("SET search_path = user_schema")
        return change(connection, places, other)


@every_version_pair
def test_what_prints_otherwise_once_it_was_read_is_no_difference(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema")
        connection.execute(WRITTEN.encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        assert [str(difference) for difference in made.move("user")] == []


def test_what_only_looks_alike_is_a_difference(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema")
    places = place(source_database, list(OTHERS))
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        made.move("user")
        expected = changed(made, places, OTHERS.__getitem__)
        assert len(expected) > len(HOMES) * len(OTHERS) * 0.9
        assert differences(made) == expected


@pytest.mark.parametrize("versions", VERSION_PAIRS if ALL else ((15, 17), (17, 18)), ids=str)
@settings(thorough(EXAMPLES), phases=[Phase.generate])
@given(
    conditions=st.lists(CONDITIONS, min_size=15, max_size=15, unique=True),
    of_text=st.lists(TEXT_CONDITIONS, min_size=15, max_size=15, unique=True),
)
def test_conditions_are_equal_wherever_they_stand_until_one_is_changed(
    clusters: Clusters, versions: tuple[int, int], conditions: list[str], of_text: list[str]
) -> None:
    with shared(clusters.get("source", versions[0])) as source, tempfile.TemporaryDirectory() as folder:
        places = place(source, conditions, of_text)
        with split(source, clusters.get("target", versions[1]), {"user": ()}, Path(folder)) as made:
            assert [str(difference) for difference in made.move("user")] == []
            expected = changed(made, places, altered)
            assert differences(made) == expected
