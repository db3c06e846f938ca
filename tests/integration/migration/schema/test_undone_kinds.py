"""Whatever a start makes, its undoing takes away: the service's own database is as it was before."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from core.sessions.connections import Database
from migration.schema.target import drop_schema_on_target
from tests.support.clusters import Cluster, Clusters
from tests.support.generated_moves import thorough
from tests.support.moving import Split, split
from tests.support.signature_generator import BASE, ODD, run_what_is_taken, signatures
from tests.support.undone import objects_in
from tests.support.versions import DEFAULT_VERSIONS, every_version_pair

pytestmark = pytest.mark.integration


def _move_and_undo(made: Split, statements: list[str]) -> None:
    before = objects_in(made.superusers["user"])
    differences = [str(difference) for difference in made.move("user")]
    assert differences == [], statements
    drop_schema_on_target(made.targets["user"], "user")
    assert objects_in(made.superusers["user"]) - before == set(), statements


@every_version_pair
def test_each_kind_is_taken_away(source_database: Database, target_cluster: Cluster, tmp_path: Path) -> None:
    with source_database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema")
        connection.execute((BASE + ODD).encode())
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        _move_and_undo(made, [])


@thorough(8)
@given(statements=signatures())
def test_routines_of_any_signature_are_taken_away(clusters: Clusters, statements: list[str]) -> None:
    there = clusters.get("source", DEFAULT_VERSIONS[0])
    source = there.new_database()
    try:
        with source.connect() as connection:
            connection.execute("CREATE SCHEMA user_schema; SET search_path = user_schema")
            connection.execute(BASE.encode())
            taken = run_what_is_taken(connection, statements)
        with (
            tempfile.TemporaryDirectory() as folder,
            split(source, clusters.get("target", DEFAULT_VERSIONS[1]), {"user": ()}, Path(folder)) as made,
        ):
            _move_and_undo(made, taken)
    finally:
        there.drop_database(source)
