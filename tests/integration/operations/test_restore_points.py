"""Restore points over three services: the pause, what is kept, and what happens when it goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from components.backup import points
from core.errors import CutBroken, GatewayFailed, PointRefused, StepTimeout, TargetUnreachable, WrongState
from core.points.create import Around, Limits, Wanted, create_point
from core.points.model import Point
from core.points.store import PointStore
from operations.backup import scheduled_points
from operations.restore_points.restored import check_restored
from operations.restore_points.scheduled import make_scheduled
from tests.support import forks
from tests.support.clusters import Clusters
from tests.support.folders import own_folder
from tests.support.moves import revealed
from tests.support.point_world import Chain, PointWorld, point_world

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(clusters: Clusters) -> Iterator[PointWorld]:
    folder = own_folder()
    with point_world(folder, clusters) as made:
        yield made
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def store(world: PointWorld, tmp_path: Path) -> PointStore:
    return PointStore(world.contract, tmp_path)


def test_a_point_is_made_under_load_and_no_statement_fails(world: PointWorld, store: PointStore) -> None:
    with Chain(world) as chain:
        points = [create_point(world.contract, Wanted(f"p{n}"), store) for n in range(5)]
        chain.wait_for_more()
    assert chain.failed == []
    print([p.pause_ms for p in points], chain.done, chain.longest)
    print(points[0].model_dump_json(indent=1))
    assert world.paused() == set()


def test_a_restore_of_all_services_to_a_point_gives_the_digests_taken_live(
    world: PointWorld, store: PointStore
) -> None:
    world.take_base_backups()
    with Chain(world) as chain:
        chain.wait_for_more(100)
        point = create_point(world.contract, Wanted("exact"), store)
        chain.wait_for_more(100)
    assert chain.failed == []
    with world.restored("exact") as databases:
        verdict = check_restored(world.contract, point, databases)
        verdict.require()
        assert verdict.rows > 300
        assert [one.keys > 100 for one in verdict.references] == [True, True]
        # One changed value in one row of one service is found, and the table is named.
        with databases["payment"].connect() as connection:
            connection.execute("UPDATE payment_schema.payments SET a = 8 WHERE ctid = '(0,1)'")
        verdict = check_restored(world.contract, point, databases)
        with pytest.raises(CutBroken, match=r"payments has [\d,]+ rows as it had, but not the same"):
            verdict.require()


def test_points_made_in_turn_break_causality_and_the_check_says_so(
    world: PointWorld, store: PointStore
) -> None:
    world.take_base_backups()
    with Chain(world) as chain:
        for place in ("user", "payment", "shared"):
            with world.place(place).connect() as connection:
                connection.execute("SELECT pg_create_restore_point('in-turn')")
            chain.wait_for_more(20)
        # As if it had been one: the check knows nothing of how it was made.
        point = create_point(world.contract, Wanted("one-cut", digests=False), store)
    in_turn = point.model_copy(update={"name": "in-turn"})
    with world.restored("in-turn") as databases:
        verdict = check_restored(world.contract, in_turn, databases)
    assert len(verdict.broken) == 2, "effects in payment and in wallet lack their causes"
    with pytest.raises(CutBroken, match=r"payments.payments_user_fkey lack their cause"):
        verdict.require()


def _started(world: PointWorld, store: PointStore, name: str, step: str, act: str) -> subprocess.Popen[str]:
    state = str(store.folder.parent.parent)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.points_faulty", world.contract_file, state, name, step, act],
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_until(there: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _killed(world: PointWorld, store: PointStore, name: str, step: str, act: str = "kill") -> None:
    with _started(world, store, name, step, act) as process:
        assert process.wait(60) == -signal.SIGKILL


@pytest.mark.parametrize("step", ["pause", "point", "look", "resume"])
def test_clients_go_on_when_the_process_is_killed_in_the_pause(
    world: PointWorld, store: PointStore, step: str
) -> None:
    with Chain(world) as chain:
        _killed(world, store, f"killed-{step}", step)
        chain.wait_for_more(5, seconds=5)
        create_point(world.contract, Wanted(f"after-{step}"), store)
    assert chain.failed == []
    assert store.read(f"killed-{step}").state == "begun", "its name is spent"


def test_the_next_run_lets_clients_go_on_where_the_watchdog_was_killed_too(
    world: PointWorld, store: PointStore
) -> None:
    with Chain(world) as chain:
        _killed(world, store, "both", "look", "kill both")
        assert world.paused() == set(world.contract.services)
        create_point(world.contract, Wanted("after-both"), store)
        chain.wait_for_more(5)
    assert chain.failed == []


def test_clients_go_on_when_the_process_hangs_in_the_pause(world: PointWorld, store: PointStore) -> None:
    with Chain(world) as chain, _started(world, store, "hung", "look", "stop") as hung:
        try:
            _wait_until(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
            assert world.paused() == set(world.contract.services)
            chain.wait_for_more(5, seconds=Limits().watchdog + 10)
        finally:
            hung.send_signal(signal.SIGCONT)
        out, _ = hung.communicate(timeout=60)
    assert chain.failed == []
    assert hung.returncode == CutBroken.exit_code, out
    assert "did not stay paused" in out
    assert store.read("hung").state == "void"


def test_control_c_in_the_pause_ends_it_when_clients_go_on(world: PointWorld, store: PointStore) -> None:
    with Chain(world) as chain:
        pressed = _started(world, store, "pressed", "look", "interrupt")
        out, _ = pressed.communicate(timeout=30)
        chain.wait_for_more(5)
    assert chain.failed == []
    assert pressed.returncode == 130, out
    assert store.read("pressed").state == "made", "what was made is kept"


def test_a_gateway_that_is_down_is_refused_by_name_or_left_out(world: PointWorld, store: PointStore) -> None:
    world.gateways["payment"].kill()
    try:
        with pytest.raises(GatewayFailed, match="gateway of payment does not answer"):
            create_point(world.contract, Wanted("down"), store)
        assert world.gateway("user").is_paused() is False
        point = create_point(world.contract, Wanted("down", without=["payment"]), store)
        assert point.left_out == ("payment",)
        assert set(point.places) == {"user", "shared"}
    finally:
        world.gateways["payment"].start()


def test_an_instance_that_is_down_is_refused_by_name_or_left_out(
    world: PointWorld, store: PointStore
) -> None:
    world.clusters["payment"].server.stop("immediate")
    try:
        with pytest.raises(TargetUnreachable, match="payment's own database"):
            create_point(world.contract, Wanted("dead"), store)
        point = create_point(world.contract, Wanted("dead", without=["payment"]), store)
        assert set(point.homes) == {"user", "wallet"}
    finally:
        world.clusters["payment"].server.start()
    assert world.paused() == set()


def test_a_long_transaction_makes_it_give_up_with_all_clients_going_on(
    world: PointWorld, store: PointStore
) -> None:
    with (
        Chain(world) as chain,
        psycopg.connect(world.endpoints["user"].conninfo(), application_name="a report") as long,
    ):
        long.execute("SELECT 1")
        told: list[str] = []
        limits = Limits(pause=0.2, attempts=2)
        with pytest.raises(StepTimeout, match="user: 1 in a transaction"):
            create_point(world.contract, Wanted("long", limits=limits), store, Around(note=told.append))
        assert len(told) == 1
        chain.wait_for_more(5)
        assert chain.longest < 2
        assert store.list() == [], "a name that no database has seen can be taken again"
        long.rollback()
        create_point(world.contract, Wanted("long"), store)
    assert chain.failed == []


def test_an_instance_that_hangs_in_the_pause_does_not_hold_clients(
    world: PointWorld, store: PointStore
) -> None:
    backends: list[psutil.Process] = []

    def freeze(step: str) -> None:
        if step == "point":
            with world.place("payment").connect() as connection:
                row = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = 'waqiti-restore-point'"
                ).fetchone()
            assert row is not None
            backends.append(psutil.Process(row[0]))
            backends[0].suspend()

    with Chain(world) as chain:
        try:
            with pytest.raises(StepTimeout, match="payment's own database did not make the restore point"):
                create_point(world.contract, Wanted("frozen"), store, Around(reached=freeze))
            chain.wait_for_more(5)
        finally:
            for backend in backends:
                backend.resume()
    assert chain.failed == []
    assert store.read("frozen").state == "void"


def test_a_gateway_that_is_killed_in_the_pause_makes_the_point_void(
    world: PointWorld, store: PointStore
) -> None:
    def kill(step: str) -> None:
        if step == "point":
            world.gateways["payment"].kill()
            world.gateways["payment"].start()

    with pytest.raises(GatewayFailed, match="gateway of payment"):
        create_point(world.contract, Wanted("restarted"), store, Around(reached=kill))
    assert store.read("restarted").state == "void"
    assert world.paused() == set()


def test_a_name_is_for_one_instant_only(world: PointWorld, store: PointStore) -> None:
    create_point(world.contract, Wanted("once"), store)
    with pytest.raises(PointRefused, match="there is a restore point 'once' already"):
        create_point(world.contract, Wanted("once"), store)
    for name in ("", "Once", "../once", "a" * 64, "two words"):
        with pytest.raises(PointRefused, match="is no name for a restore point"):
            create_point(world.contract, Wanted(name), store)


def test_a_gateway_that_somebody_paused_is_left_alone(world: PointWorld, store: PointStore) -> None:
    world.gateway("payment").pause(5)
    try:
        with pytest.raises(WrongState, match=r"gateway of payment is paused.*resume payment"):
            create_point(world.contract, Wanted("paused"), store)
        assert world.paused() == {"payment"}
    finally:
        world.gateway("payment").resume()


def test_a_transaction_beside_the_gateways_is_named(world: PointWorld, store: PointStore) -> None:
    with world.place("user").connect(application_name="a script") as beside:
        beside.execute("BEGIN; INSERT INTO user_schema.users VALUES (gen_random_uuid(), 'beside')")
        point = create_point(world.contract, Wanted("beside"), store)
        beside.execute("ROLLBACK")
    assert "a script" in point.places["user"].beside[0]
    assert point.places["user"].exact == "yes", "what it had not committed is in neither"
    assert point.places["payment"].beside == ()


def test_the_commands_make_list_and_check_a_point(world: PointWorld, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        words = ("operations", "restore-point", *arguments, "--contract", str(world.contract_file))
        environment = {**os.environ, "WAQITI_STATE_DIR": str(tmp_path), "NO_COLOR": "1"}
        return forks.run(*words, environment=environment, timeout=60)

    made = run("create", "by-command")
    assert made.returncode == 0, made.stderr
    assert "nothing failed" in made.stdout
    again = run("create", "by-command")
    assert (again.returncode, again.stdout) == (PointRefused.exit_code, "")
    assert again.stderr.startswith("error: there is a restore point 'by-command' already")
    (listed,) = json.loads(run("list", "--json").stdout)["points"]
    assert (listed["name"], listed["state"], listed["rows"] > 0) == ("by-command", "made", True)
    checked = run("check", "by-command")
    assert checked.returncode == 0, checked.stderr
    wrong = run("check", "by-command", "--restored", "user:6001")
    assert "says no place: write SERVICE=HOST:PORT" in wrong.stderr
    kept = (tmp_path / "restore-points" / "waqiti-test" / "by-command.json").read_text()
    assert "password" not in kept


def test_a_scheduled_point_is_of_those_that_have_moved_and_old_ones_go(
    world: PointWorld, store: PointStore
) -> None:
    archives = store.folder.parent.parent / "archives"
    points.write(archives, 3600, 60, False, revealed(world.contract.model_dump()))
    text = (archives / points.FILE).read_text(encoding="utf-8")
    assert (archives / points.FILE).stat().st_mode & 0o777 == 0o600
    source = world.contract.source
    for secret in (source.administrator.password, source.application.password):
        assert secret.get_secret_value() not in text
    assert not scheduled_points.due(archives, time.time())
    assert scheduled_points.due(archives, time.time() + 3601)
    old = Point(
        name="scheduled-long-ago",
        stack="s",
        reason="scheduled",
        state="made",
        begun=datetime(2026, 1, 1, tzinfo=UTC),
    )
    by_hand = old.model_copy(update={"name": "by-hand-long-ago", "reason": "by hand"})
    store.reserve(old)
    store.reserve(by_hand)
    with Chain(world) as chain:
        made = make_scheduled(archives, store)
        chain.wait_for_more(5)
    assert chain.failed == []
    assert made is not None
    assert (set(made.homes), made.left_out) == ({"user", "payment"}, ("wallet",))
    assert {one.name for one in store.list()} == {"by-hand-long-ago", made.name}
    scheduled_points.note(archives, time.time(), made=True)
    assert not scheduled_points.due(archives, time.time() + 3500)


def test_the_schedules_file_has_one_name_on_either_floor() -> None:
    assert points.FILE == scheduled_points.SCHEDULE
