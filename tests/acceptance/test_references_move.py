"""Columns of another service, kept read-only in a service's own database, while both of them move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core.errors import BoundaryUndecided, CopyFailed
from core.progress.interface import Silent
from core.sessions.stack import source_database
from migration.consistency.check import check_consistency
from migration.examine.read_plan import examine, read_plan
from migration.fidelity.compare import compare_schemas
from migration.finish.finish import finish_service
from migration.gates.check import check_gates
from migration.references.link import follow
from migration.references.model import read_links
from migration.references.replicas import lead_to_own
from migration.references.shape import changed_shapes
from migration.report.status import read_status
from tests.support.clusters import Cluster
from tests.support.faulty import Faults
from tests.support.moves import world
from tests.support.reference_scene import (
    CALLS,
    FOLLOWING_OWN,
    FOLLOWING_SHARED,
    NONE,
    Scene,
    played,
    referring,
)

pytestmark = pytest.mark.acceptance


@pytest.fixture
def scene(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[Scene]:
    with world(tmp_path, source_cluster, target_cluster, rows=200) as made, played(referring(made)) as scene:
        yield scene


def test_a_replica_follows_its_service_wherever_that_goes(scene: Scene) -> None:
    scene.start("payment")
    plan = read_plan(scene.world.contract, [scene.service("payment")])
    (replica,) = plan.services["payment"].replicas
    assert [column.name for column in replica.columns] == ["id", "email", "tiers"]
    world = scene.world
    assert compare_schemas(world.source, world.target("payment"), plan, "payment", world.contract) == ()
    with scene.payments().connect() as connection:
        assert connection.execute("SELECT count(*), count(email) FROM payment_schema.who").fetchone() == (
            200,
            200,
        )
        own = connection.execute(CALLS.format("payment_schema.payments").encode()).fetchall()
    with scene.world.source.connect() as connection:
        assert own == connection.execute(CALLS.format("payment_schema.payments").encode()).fetchall()
    scene.arrives(scene.write("in the shared database"), "in the shared database")

    scene.start("user")
    scene.switch("cutover", "user")
    moved = scene.write("in its own")
    scene.arrives(moved, "in its own")
    scene.switch("rollback", "user")
    scene.arrives(scene.write("back in the shared database"), "back in the shared database")
    scene.switch("cutover", "user")
    gates = check_gates(scene.world.contract, scene.service("payment"), plan, "cutover").gates
    assert [gate.verdict for gate in gates if gate.name == "references"] == ["go"]
    scene.switch("cutover", "payment")
    scene.arrives(scene.write("in its own again"), "in its own again")
    (status,) = read_status(scene.world.contract, [scene.service("payment")])
    assert [(r.link.referenced, r.problem) for r in status.reads] == [("user", "")]
    assert scene.traces() == FOLLOWING_SHARED

    finish_service(scene.online, scene.service("payment"))
    finish_service(scene.online, scene.service("user"))
    assert scene.traces() == FOLLOWING_OWN
    with scene.world.gated["user"].endpoint.connect() as connection:
        connection.execute("UPDATE users SET email = 'changed' WHERE id = %s", [moved])
        connection.execute("DELETE FROM sessions WHERE user_id = 1")
    scene.arrives(moved, "changed")
    scene.arrives(scene.write("after all"), "after all")
    checked = check_consistency(scene.world.contract, ["payment"], look_again=0, progress=Silent())
    assert [(one.reference.homes, one.orphan_rows) for one in checked.checked] == [(("own", "own"), 0)]


def test_a_service_that_has_moved_is_read_although_its_key_is_dropped(scene: Scene) -> None:
    scene.start("user")
    scene.switch("cutover", "user")
    before = scene.write("before")
    scene.start("payment")
    scene.arrives(before, "before")
    scene.arrives(scene.write("after"), "after")
    scene.switch("cutover", "payment")
    scene.switch("rollback", "payment")
    scene.online.abort(scene.service("payment"), read_plan(scene.world.contract, [scene.service("payment")]))
    assert scene.traces() == NONE


def test_giving_up_leaves_nothing_of_it_and_it_can_be_started_again(scene: Scene) -> None:
    payment = scene.service("payment")
    scene.start("user")
    for _ in range(2):
        scene.start("payment")
        assert scene.traces() == FOLLOWING_SHARED
        scene.online.abort(payment, read_plan(scene.world.contract, [payment]))
        assert scene.traces() == NONE
    scene.start("payment")
    # What is made for payment on user's tables is no change of user's schema.
    scene.switch("cutover", "user")
    scene.arrives(scene.write("in its own"), "in its own")


def test_nobody_writes_to_a_replica(scene: Scene) -> None:
    scene.start("payment")
    with scene.payments().connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM user_schema.users")
    with scene.world.target("payment").connect() as connection:
        for statement in ("DELETE FROM user_schema.users", "TRUNCATE user_schema.users"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="read-only replica"):
                connection.execute(statement.encode())


def test_with_writes_stopped_replicas_follow_and_are_led_on_at_the_end(
    scene: Scene,
) -> None:
    plan = examine(scene.world.contract, [scene.service("user"), scene.service("payment")])
    fails = Faults([{"point": "begun", "step": "verify", "act": "fail"}])
    with pytest.raises(CopyFailed):
        scene.move_offline("payment", plan, fails)
    assert scene.traces() == NONE
    scene.move_offline("payment", plan)
    assert scene.traces() == FOLLOWING_SHARED
    scene.arrives(scene.write("in the shared database"), "in the shared database")
    scene.move_offline("user", plan)
    assert scene.traces() == FOLLOWING_OWN
    scene.arrives(scene.write("in its own"), "in its own")
    for name in ("user", "payment"):
        finish_service(scene.online, scene.service(name))
    assert scene.traces() == FOLLOWING_OWN
    scene.arrives(scene.write("after all"), "after all")


def test_a_service_moved_offline_is_read_in_its_own_database(scene: Scene) -> None:
    scene.move_offline("user", examine(scene.world.contract, [scene.service("user")]))
    before = scene.write("before")
    scene.start("payment")
    assert scene.traces() == FOLLOWING_OWN
    scene.arrives(before, "before")
    scene.online.abort(scene.service("payment"), read_plan(scene.world.contract, [scene.service("payment")]))
    assert scene.traces() == NONE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE user_schema.users REPLICA IDENTITY FULL", "no primary key as its replica identity"),
        ("ALTER TABLE user_schema.users ENABLE ROW LEVEL SECURITY", "row security"),
        (
            "ALTER TABLE user_schema.users ADD folded text GENERATED ALWAYS AS (lower(email)) STORED;"
            " CREATE OR REPLACE VIEW payment_schema.who AS SELECT p.id, u.email, u.tiers, u.folded"
            " FROM payment_schema.payments p JOIN user_schema.users u ON u.id = p.user_id",
            "column folded of user_schema.users is generated",
        ),
    ],
)
def test_what_cannot_be_a_replica_is_said_by_the_plan(scene: Scene, change: str, said: str) -> None:
    with scene.world.source.connect() as connection:
        connection.execute(change.encode())
    with pytest.raises(BoundaryUndecided, match=said):
        scene.start("payment")
    assert scene.traces() == NONE


def test_a_finish_cut_off_while_leading_a_replica_elsewhere_goes_on(scene: Scene) -> None:
    for name in ("payment", "user"):
        scene.start(name)
    scene.switch("cutover", "user")
    user = scene.service("user")
    move = scene.online.state(user)
    assert move is not None
    context = scene.online.context(move, user, read_plan(scene.world.contract, [user]))
    with scene.world.source.connect() as connection:
        (link,) = read_links(connection)
    # All of the step but its last act, as if the process had died there.
    follow(scene.world.contract, replace(link, publisher="own"))
    scene.arrives(scene.write("in between"), "in between")
    for _ in range(2):
        assert lead_to_own(context)["dependents"] == ["payment"]
        assert scene.traces() == FOLLOWING_OWN
    scene.arrives(scene.write("afterwards"), "afterwards")
    scene.online.abort(scene.service("payment"), read_plan(scene.world.contract, [scene.service("payment")]))
    assert scene.traces() == NONE


def test_an_enums_new_value_is_said_with_the_statement_that_mends(
    scene: Scene,
) -> None:
    scene.start("payment")
    payment, source = scene.service("payment"), scene.world.source
    with source.connect() as connection:
        connection.execute("ALTER TYPE user_schema.tier ADD VALUE 'silver' BEFORE 'gold'")
        connection.execute("UPDATE user_schema.users SET tiers = '{silver}', email = 'rich' WHERE id = 1")
    statement = "ALTER TYPE user_schema.tier ADD VALUE 'silver' AFTER 'free'"
    (status,) = read_status(scene.world.contract, [payment])
    followed = source_database(scene.world.contract).label
    said = f"replica of user: enum user_schema.tier is not what it is in {followed}"
    where = f"in payment's own database (as {payment.owner}) run {statement}"
    assert f"{said}: {where}" in status.problems
    plan = read_plan(scene.world.contract, [payment])
    gates = check_gates(scene.world.contract, payment, plan, "cutover").gates
    assert ("no-go", where) in [(g.verdict, g.advice) for g in gates if g.name == "reference-types"]
    with scene.world.target("payment").connect() as connection:
        connection.execute(f"SET ROLE {payment.owner}; {statement}".encode())
    scene.arrives(1, "rich")
    with source.connect() as connection:
        assert changed_shapes(scene.world.contract, connection, "payment") == ()
