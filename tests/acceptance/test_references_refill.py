"""Replicas that stopped following: told of, their slots let go before a disk is full, and brought back."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from migration.errors import WrongState
from migration.finish import finish_service
from migration.gates import check_gates
from migration.planning import read_plan
from migration.references_lag import Reading, read_readings
from migration.references_model import mark_stale
from migration.references_refill import REFILL, refill
from migration.references_stop import stop
from tests.support.clusters import Cluster, Clusters
from tests.support.fault_matrix import ALL, by_turns, names
from tests.support.moves import World
from tests.support.reference_scene import (
    FOLLOWING_OWN,
    FOLLOWING_SHARED,
    Scene,
    payments_of,
    played,
    referring_world,
)
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

PAIRS = pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
LINK = "waqiti_reads_payment_of_user"
LIMIT = ("--wal-limit", "0.01")
REFILLING = ("references", "--refill", "payment", "--yes")
ENDS = ["kill", "interrupt"] if ALL else ["kill"]
KILLS = by_turns([step.name for step in REFILL], ["begun", "acted", "ended", "begin"], ENDS)


def said(made: World, *arguments: str, code: int) -> dict[str, Any]:
    """What the verb says with --json; it has to end with `code`."""
    ended = made.run("references", *arguments, "--json")
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) == 1, "one line for a log"
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def reading(made: World) -> Reading:
    """The replica as it is now."""
    with made.source.connect() as connection:
        (found,) = read_readings(made.contract, connection)
    return found


def until(made: World, state: str) -> Reading:
    """The replica, once it is in a state."""
    deadline = time.monotonic() + 30
    while (found := reading(made)).state != state:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def write_wal(made: World, megabytes: int) -> None:
    """Let the shared server write WAL."""
    with made.source.connect() as connection:
        connection.execute(
            "SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000)) FROM generate_series(1, %s)",
            [megabytes],
        )


def disable(made: World) -> None:
    """As somebody may by hand: nobody reads the slot any more."""
    with made.target("payment").connect() as connection:
        connection.execute(f"ALTER SUBSCRIPTION {LINK} DISABLE".encode())
    until(made, "unread")


def drop_slot(made: World) -> None:
    """As somebody may by hand, in the shared database."""
    disable(made)
    with made.source.connect() as connection:
        connection.execute("SELECT pg_drop_replication_slot(%s)", [LINK])


@dataclass
class Reader:
    """Reads payment's replica of users all the time."""

    scene: Scene
    counts: set[int]
    failed: list[str]

    def work(self, ended: threading.Event) -> None:
        """Until the end."""
        try:
            with self.scene.payments().connect() as connection:
                while not ended.is_set():
                    row = connection.execute("SELECT count(*) FROM user_schema.users").fetchone()
                    self.counts.add(row[0] if row else -1)
        except Exception as error:  # noqa: BLE001 (told to the test's thread)
            self.failed.append(str(error))


@contextmanager
def reader(scene: Scene) -> Iterator[Reader]:
    """A client that never may see an empty table, nor fail."""
    made, ended = Reader(scene, set(), []), threading.Event()
    thread = threading.Thread(target=made.work, args=[ended])
    thread.start()
    try:
        yield made
    finally:
        ended.set()
        thread.join()


def arrived(scene: Scene, writer: Writer) -> None:
    """Whatever was acknowledged by now is in the replica once, and nothing else that the service has not."""
    writer.wait_for_more()
    known = list(writer.acknowledged)
    scene.arrives(scene.write(marker := f"the last one {time.monotonic()}"), marker)
    with scene.payments().connect() as connection:
        rows = connection.execute(
            "SELECT email, count(*) FROM user_schema.users WHERE email = ANY(%s) GROUP BY 1", [known]
        ).fetchall()
    assert len(rows) == len(known), "a write did not arrive"
    assert all(count == 1 for _, count in rows), "a write arrived twice"


@pytest.fixture
def made(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with referring_world(tmp_path, source_cluster, target_cluster) as made:
        yield made


@PAIRS
def test_a_replica_is_brought_back_while_it_is_read_wherever_its_services_are(made: World) -> None:
    payment = made.contract.services["payment"]
    with played(made) as scene:
        scene.start("payment")
        scene.start("user")
        scene.switch("cutover", "user")
        disable(made)
        write_wal(made, 2)
        found = reading(made)
        assert (found.bytes or 0) > 2_000_000
        assert found.is_over(1 << 20)
        # The operator's lock is held here by another session: a disk does not wait for the end of a move.
        dropped = stop(made.contract, found, 1 << 20)
        assert dropped is not None
        assert dropped.note == ""
        assert scene.traces() == {**FOLLOWING_SHARED, "shared": []}
        stale = reading(made)
        assert (stale.state, stale.bytes, (stale.seconds or 0) > 0) == ("stale", None, True)
        assert "its slot kept" in stale.problem

        with Writer(made.gated["user"].endpoint) as writer, reader(scene) as seen:
            writer.wait_for_more()
            (filled,) = refill(made.contract, payment, scene.online.runner)
            assert filled["rows"] >= 200
            arrived(scene, writer)
            assert refill(made.contract, payment, scene.online.runner)[0]["note"] == "follows already"
        assert seen.failed == []
        assert min(seen.counts) == 200, "a replica that is read never loses its rows"
        assert scene.traces() == FOLLOWING_SHARED
        scene.switch("cutover", "payment")
        finish_service(scene.online, payment)

        # Nobody connected because its server is away: only the slot can be seen to.
        away = payment.model_copy(update={"instance": payment.instance.model_copy(update={"port": 1})})
        contract = made.contract.model_copy(update={"services": {**made.contract.services, "payment": away}})
        alone = made.contract.model_copy(update={"services": {"user": scene.service("user")}})
        with made.source.connect() as connection:
            assert [one.state for one in read_readings(alone, connection)] == ["following"], (
                "its slot is seen"
            )
        with made.source.connect() as connection:
            mark_stale(connection, reading(made).link, "of one that was killed before it dropped the slot")
        assert reading(made).state == "stale"
        one = stop(contract, reading(made), 0)
        assert one is not None
        assert "does not answer" in one.note
        assert scene.traces()["shared"] == []
        with pytest.raises(WrongState, match="keeps no replica"):
            refill(made.contract, scene.service("user"), scene.online.runner)
        finish_service(scene.online, scene.service("user"))
        assert scene.traces() == FOLLOWING_OWN, "leading it to the service's own database fills it anew"
        assert reading(made).state == "following"

        assert (
            stop(
                made.contract, replace(reading(made), link=replace(reading(made).link, publisher="shared")), 0
            )
            is None
        )
        assert stop(made.contract, reading(made), 0) is not None
        assert [one["note"] for one in refill(made.contract, payment, scene.online.runner)] == [
            "follows again"
        ]
        scene.arrives(scene.write("after all"), "after all")
        assert scene.traces() == FOLLOWING_OWN


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    """Payment follows and reads users; a private server, whose settings may be changed."""
    with (
        clusters.private("source", 17) as source,
        referring_world(tmp_path_factory.mktemp("refill"), source, clusters.get("target", 18)) as made,
    ):
        with played(made) as scene:
            scene.start("payment")
        yield made


def brought_back(made: World) -> None:
    """The next refill settles whatever there is."""
    with played(made) as scene:
        refill(made.contract, scene.service("payment"), scene.online.runner)
        assert reading(made).state == "following"
        scene.arrives(scene.write(marker := f"settled {time.monotonic()}"), marker)
        assert scene.traces() == FOLLOWING_SHARED


def rows(made: World) -> int:
    """As payment reads them."""
    with payments_of(made).connect() as connection:
        row = connection.execute("SELECT count(email) FROM user_schema.users").fetchone()
    return row[0] if row else 0


def test_what_the_verb_says_and_asks_before_it_lets_go_of_a_replica(followed: World) -> None:
    before = said(followed, code=0)["replicas"][0]
    assert (before["dependent"], before["service"], before["state"]) == ("payment", "user", "following")
    assert before["columns"] == {"user_schema.users": ["id", "email", "tiers"]}
    assert before["bytes"] < 1 << 20
    disable(followed)
    write_wal(followed, 12)
    over = followed.run("references", *LIMIT)
    assert over.returncode == 35
    assert "user_schema.users (id, email, tiers)" in over.stdout
    assert f"the slot {LINK} keeps" in over.stderr
    assert over.stderr.splitlines()[-1].startswith("error: payment's replica of user: nobody is connected")
    assert f"ALTER SUBSCRIPTION {LINK} ENABLE there" in over.stderr
    assert followed.run("references", *LIMIT, "--drop-over-limit").returncode == 29, "nobody could confirm"
    assert reading(followed).state == "unread"
    dropped = said(followed, *LIMIT, "--drop-over-limit", "--yes", code=35)
    assert [(one["dependent"], one["referenced"], one["note"]) for one in dropped["dropped"]] == [
        ("payment", "user", "")
    ]
    assert dropped["replicas"][0]["state"] == "stale"
    assert dropped["replicas"][0]["seconds"] >= 0
    assert said(followed, *LIMIT, "--drop-over-limit", "--yes", code=35)["dropped"] == []
    payment = followed.contract.services["payment"]
    plan = read_plan(followed.contract, [payment])
    gates = check_gates(followed.contract, payment, plan, "cutover").gates
    (gate,) = [gate for gate in gates if gate.name == "references"]
    assert (gate.verdict, gate.overridable) == ("no-go", False)
    status = followed.run("status", "payment")
    assert "payment reads user (stale)" in status.stdout
    with subprocess.Popen(
        followed.command("status", "payment", "--watch", "--interval", "0.2"), env=followed.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as watching:  # fmt: skip
        assert watching.stdout is not None
        assert "; reads user (stale), ?, " in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
    assert "`references --refill payment` fills it anew" in status.stderr
    brought_back(followed)
    assert (
        json.loads(followed.run("status", "payment", "--json").stdout)["services"]["payment"]["reads"][0][
            "state"
        ]
        == "following"
    )


@pytest.mark.parametrize(("step", "point", "act"), KILLS, ids=names(KILLS))
def test_a_refill_that_is_killed_is_settled_by_the_next(
    followed: World, step: str, point: str, act: str
) -> None:
    drop_slot(followed)
    ended = followed.run_with_fault(step, point, act, *REFILLING)
    # A signal in the last step waits for its end.
    expected = {-signal.SIGKILL} if act == "kill" else {130, 0} if step == REFILL[-1].name else {130}
    assert ended.returncode in expected, ended.stderr
    assert rows(followed) >= 200
    if act == "interrupt" and ended.returncode and reading(followed).state != "following":
        assert reading(followed).retained_bytes is None, "what was interrupted keeps no WAL"
    brought_back(followed)


def test_a_refill_that_is_interrupted_or_killed_between_two_rows_changes_none(followed: World) -> None:
    drop_slot(followed)
    own = followed.target("payment")
    with own.connect() as connection:
        connection.execute("SET ROLE test_payment_owner")
        connection.execute(
            "CREATE FUNCTION user_schema.held() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END $$;"
            "CREATE TRIGGER held BEFORE INSERT ON user_schema.users"
            " FOR EACH ROW EXECUTE FUNCTION user_schema.held()"
        )
    before = rows(followed)
    with own.connect() as holder:

        def begun() -> tuple[subprocess.Popen[str], int]:
            """A refill whose old rows are deleted and whose first new one waits, and its server process."""
            process = subprocess.Popen(
                followed.command(*REFILLING), env=followed.environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            deadline = time.monotonic() + 60
            while True:
                row = holder.execute(
                    "SELECT max(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"
                    " AND NOT granted AND pid <> ALL (%s)",
                    [orphans],
                ).fetchone()
                if row is not None and row[0] is not None:
                    return process, row[0]
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline, "the refill did not begin"
                time.sleep(0.05)

        orphans: list[int] = []
        holder.execute("SELECT pg_advisory_lock(4711)")
        process, _ = begun()
        process.send_signal(signal.SIGINT)
        said_last = process.communicate(timeout=60)[1]
        assert process.returncode == 130, said_last
        assert reading(followed).state == "stale"
        with played(followed) as scene:
            assert scene.traces()["shared"] == [], "what was interrupted keeps no WAL"
        assert rows(followed) == before

        process, pid = begun()
        process.kill()
        process.communicate()
        orphans.append(pid)
        assert "refill" in reading(followed).problem
        assert rows(followed) == before
        process, _ = begun()
        gone = holder.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
        assert gone == (0,), "the dead one's session would have committed after the next"
        holder.execute("SELECT pg_advisory_unlock(4711)")
        said_last = process.communicate(timeout=60)[1]
        assert process.returncode == 0, said_last
    with own.connect() as connection:
        connection.execute("SET ROLE test_payment_owner")
        connection.execute("DROP TRIGGER held ON user_schema.users; DROP FUNCTION user_schema.held()")
    brought_back(followed)


def test_a_slot_that_postgresql_invalidated_is_told_of_and_brought_back(followed: World) -> None:
    disable(followed)
    _set(followed, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    try:
        deadline = time.monotonic() + 60
        while reading(followed).state != "lost":
            assert time.monotonic() < deadline, reading(followed)
            write_wal(followed, 20)
            with followed.source.connect() as connection:
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
    finally:
        _set(followed, "ALTER SYSTEM RESET max_slot_wal_keep_size")
    (found,) = said(followed, code=35)["replicas"]
    assert "PostgreSQL invalidated the slot" in found["problem"]
    assert "references --refill payment" in found["problem"]
    brought_back(followed)


def _set(made: World, how: str) -> None:
    with made.source.connect() as connection:
        connection.execute(how.encode())
        connection.execute("SELECT pg_reload_conf()")
