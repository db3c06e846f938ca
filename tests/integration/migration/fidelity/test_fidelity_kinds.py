"""Every kind of schema object, each moved for real on its own and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.sessions.connections import Database
from migration.schema.target import drop_schema_on_target
from tests.support.clusters import Cluster
from tests.support.moving import split
from tests.support.undone import objects_in
from tests.support.versions import DEFAULT_VERSIONS, VERSION_PAIRS

pytestmark = pytest.mark.integration

_SCRIPTS = (Path(__file__).parent / "object_kinds.sql").read_text(encoding="utf-8").split("-- kind: ")[1:]
KINDS = {title: script for title, _, script in (part.partition("\n") for part in _SCRIPTS)}

OTHERS = [pair for pair in VERSION_PAIRS if pair != DEFAULT_VERSIONS]
"""Between DEFAULT_VERSIONS each kind is moved on its own."""


def _prepare(database: Database, script: str) -> None:
    with database.connect() as connection:
        connection.execute("CREATE SCHEMA user_schema")
        connection.execute("SET search_path = user_schema, public")
        connection.execute(script.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_object_arrives_as_it_was(
    kind: str, source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    _prepare(source_database, KINDS[kind])
    with split(source_database, target_cluster, {"user": ()}, tmp_path) as made:
        assert [str(difference) for difference in made.move("user")] == [], "the schema must arrive as it was"


@pytest.mark.parametrize("versions", OTHERS, indirect=True, ids=[f"{old}-to-{new}" for old, new in OTHERS])
def test_all_kinds_together_arrive_between_the_other_versions(
    source_database: Database, target_cluster: Cluster, tmp_path: Path
) -> None:
    rules = {f"kind{number}": () for number in range(len(KINDS))}
    with source_database.connect() as connection:
        for number, script in enumerate(KINDS.values()):
            own = f"kind{number}_schema"
            connection.execute(f"CREATE SCHEMA {own}".encode())
            connection.execute(f"SET search_path = {own}, public".encode())
            connection.execute(script.replace("user_schema", own).encode())
    with split(source_database, target_cluster, rules, tmp_path) as made:
        plan, dump = made.plan(), made.dump("kind0")
        plan.check()
        before = {name: objects_in(made.superusers[name]) for name in rules}
        found = {name: made.move_with(plan, dump, name) for name in rules}
        assert {name: [str(d) for d in what] for name, what in found.items() if what} == {}
        left = {}
        for name, script in zip(rules, KINDS.values(), strict=True):
            if "CREATE EXTENSION" not in script:
                drop_schema_on_target(made.targets[name], name)
                left[name] = objects_in(made.superusers[name]) - before[name]
    assert {name: what for name, what in left.items() if what} == {}, "what a start makes is taken away again"
