"""`references`: replicas told of, let go before a disk is full, brought back whatever was cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates
from migration.references.refill import REFILL, refill
from tests.support.clusters import Clusters
from tests.support.fault_matrix import ALL, by_turns, names
from tests.support.moves import World
from tests.support.reference_scene import (
    FOLLOWING_SHARED,
    payments_of,
    played,
    referring_world,
)
from tests.support.stalled_replicas import LINK, disable, drop_slot, reading, until, write_wal

pytestmark = pytest.mark.acceptance

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


def gate(made: World) -> tuple[str, bool]:
    """What the gate of the replicas says, and whether one may go on in spite of it."""
    payment = made.contract.services["payment"]
    gates = check_gates(made.contract, payment, read_plan(made.contract, [payment]), "cutover").gates
    (found,) = [gate for gate in gates if gate.name == "references"]
    return found.verdict, found.overridable


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
    assert gate(followed) == ("no-go", False)
    status = followed.run("status", "payment")
    assert "payment reads user (stale)" in status.stdout
    with subprocess.Popen(
        followed.command("status", "payment", "--watch", "--interval", "0.2"),
        env=followed.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
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


def test_a_refill_interrupted_or_killed_between_two_rows_changes_none(followed: World) -> None:
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
                followed.command(*REFILLING),
                env=followed.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
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
        (filled,) = said(followed, code=0)["replicas"]
        assert (filled["state"], filled["problem"]) == ("filling", None)
        assert gate(followed) == ("no-go", False)
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
        # Its rows still wait to be written, but for nobody.
        assert "refill" in until(followed, "stale").problem
        said(followed, code=35)
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


def test_a_replica_is_filling_until_its_operator_is_gone(tmp_path: Path, clusters: Clusters) -> None:
    with (
        referring_world(tmp_path, clusters.get("source", 17), clusters.get("target", 18)) as made,
        made.source.connect(autocommit=False) as old,
    ):
        old.execute("SELECT pg_current_xact_id()")  # which the slot has to wait for
        with subprocess.Popen(
            made.command("start", "payment", "--yes"),
            env=made.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as starting:
            until(made, "filling")
            assert said(made, code=0)["replicas"][0]["problem"] is None
            starting.kill()
        # The server still makes the slot, for nobody.
        assert "nobody is connected" in until(made, "unread").problem
        old.rollback()
        aborted = made.run("abort", "payment", "--yes")
        assert aborted.returncode == 0, aborted.stderr
        assert said(made, code=0)["replicas"] == []


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
