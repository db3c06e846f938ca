"""A move that was begun with an older version of this program goes on, whatever verb comes next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.guards.ownership import Ownership
from tests.support.clusters import Cluster
from tests.support.moves import World, world
from tests.support.older_guards import make_older
from tests.support.older_slots import make_slots_older

pytestmark = pytest.mark.acceptance

SAID = "its guards in {} were an older version's: brought up to date"
ROUND = (
    ("resume", "user"),
    ("cutover", "user", "--yes"),
    ("rollback", "user", "--immediate", "--yes"),
    ("run", "user", "--yes"),
)


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=100, services=("user",)) as made:
        yield made


def with_an_older_version(shared: World) -> None:
    """As if it had begun the move: its guards on both sides, the logins that made them, and its slots."""
    for database in (shared.source, shared.target("user")):
        with database.connect() as connection:
            make_older(connection, "user")
    make_slots_older(shared, "user")


def assert_up_to_date(shared: World) -> None:
    for database in (shared.source, shared.target("user")):
        with Ownership(database, "user", "user_schema") as guards:
            assert guards.status().sound
            assert not guards.update()


def test_every_verb_that_changes_a_service_brings_its_guards_up_to_date(shared: World) -> None:
    assert shared.run("start", "user", "--yes").returncode == 0
    assert_up_to_date(shared)
    with_an_older_version(shared)
    assert shared.run("gates", "user").returncode == 27, "a verb that only looks changes nothing"
    for verb in ROUND:
        with_an_older_version(shared)
        done = shared.run(*verb, "--json")
        assert done.returncode == 0, done.stderr
        for side in ("the shared database", "its own database"):
            assert SAID.format(side) in done.stdout + done.stderr
        assert_up_to_date(shared)


def test_resume_does_what_can_be_done_while_a_side_is_down(shared: World) -> None:
    assert shared.run("start", "user", "--yes").returncode == 0
    with_an_older_version(shared)
    document = shared.contract.model_dump()
    document["services"]["user"]["instance"]["port"] = 1
    shared.write_contract(type(shared.contract).model_validate(document))
    resumed = shared.run("resume", "user", "--json")
    shared.write_contract()
    assert resumed.returncode == 0, resumed.stderr
    note = json.loads(resumed.stdout)["services"]["user"]["note"]
    assert SAID.format("the shared database") in note
    assert "its guards cannot be looked at: user's own database" in note
    with Ownership(shared.source, "user", "user_schema") as guards:
        assert guards.status().sound
