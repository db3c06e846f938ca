"""`verify --schema`: every kind of difference is found, and the DDL that it prints mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from components.contract import Login
from core.errors import VerificationFailed
from core.sessions.connections import Database
from migration.fidelity.verdict import SchemaVerdict, verify_schema
from migration.plan.model import Plan
from tests.support.clusters import Cluster, Clusters
from tests.support.moving import Split, split
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.integration

APPLICATION = Login(name="app_of_differences", password=SecretStr("unused"))
_SCRIPTS = (Path(__file__).parent / "schema_differences.sql").read_text(encoding="utf-8").split("-- case: ")
SCHEMA = _SCRIPTS[0]
CASES = {
    title: (script, expected)
    for title, expected, script in (
        re.match(r"(.*?) -> (.*?)\n(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
        for part in _SCRIPTS[1:]
    )
}


@pytest.fixture(scope="module")
def moved(
    clusters: Clusters, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Split, Plan, Cluster]]:
    """A schema that was moved, once for all tests of this file: each works on a clone of the target."""
    there, here = (clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1]))
    source = there.new_database()
    try:
        with source.connect() as connection:
            connection.execute("CREATE ROLE app_of_differences")
            connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema")
            connection.execute(SCHEMA.encode())
        with split(source, here, {"user": ()}, tmp_path_factory.mktemp("moved"), APPLICATION) as made:
            made.move("user")
            yield made, made.plan(), here
    finally:
        there.drop_database(source)
        with there.database().connect() as connection:
            connection.execute("DROP ROLE app_of_differences")


@pytest.fixture
def clone(moved: tuple[Split, Plan, Cluster]) -> Iterator[Database]:
    made, _, cluster = moved
    database = cluster.new_database(made.superusers["user"].endpoint.database)
    yield database
    cluster.drop_database(database)


def verdict(moved: tuple[Split, Plan, Cluster], database: Database) -> SchemaVerdict:
    made, plan, _ = moved
    return verify_schema(made.contract, plan, "user", made.source, database)


def test_a_schema_that_was_moved_is_equal(moved: tuple[Split, Plan, Cluster], clone: Database) -> None:
    found = verdict(moved, clone)
    assert (found.differences, found.ddl) == ((), ())
    found.require()


@pytest.mark.parametrize("case", CASES)
def test_each_difference_is_found_and_its_ddl_mends_it(
    case: str, moved: tuple[Split, Plan, Cluster], clone: Database
) -> None:
    service = moved[0].contract.services["user"]
    names = {"service": service.service.name, "migration": service.migration.name}
    change, expected = (text.format(**names) for text in CASES[case])
    with clone.connect() as connection:
        connection.execute("SET search_path = user_schema")
        connection.execute(change.encode())
    found = verdict(moved, clone)
    assert expected in {f"{d.kind} {d.identity}" for d in found.differences}
    with pytest.raises(VerificationFailed, match="is not the shared database's"):
        found.require()
    script = found.script()
    with clone.connect() as connection:
        connection.execute(script.encode())
    left = verdict(moved, clone)
    # A column that was dropped comes back as the last one, and one of a parent's stays the child's own: no
    # statement changes that, and the script says so.
    mended = [d for d in left.differences if not d.changed or set(d.changed) - {"position", "inherited"}]
    assert [str(d) for d in mended] == [], script
