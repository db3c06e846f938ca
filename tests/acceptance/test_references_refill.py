"""A replica that stopped following is brought back while it is read, wherever its services are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.errors import WrongState
from migration.finish.finish import finish_service
from migration.references.lag import read_readings
from migration.references.model import mark_stale
from migration.references.refill import refill
from migration.references.stop import stop
from tests.support.clusters import Cluster
from tests.support.moves import World
from tests.support.reference_scene import (
    FOLLOWING_OWN,
    FOLLOWING_SHARED,
    Scene,
    played,
    referring_world,
)
from tests.support.stalled_replicas import disable, reading, until, write_wal
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

PAIRS = pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])


@dataclass
class Reader:
    """Reads payment's replica of users all the time."""

    scene: Scene
    counts: set[int]
    failed: list[str]

    def work(self, ended: threading.Event) -> None:
        """Until the end."""
        try:
            # Not one of ours: those are ended when a killed refill is cleaned up after.
            with self.scene.payments().connect(application_name="reader") as connection:
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
def test_a_replica_is_refilled_while_it_is_read_wherever_services_are(made: World) -> None:
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
        with ThreadPoolExecutor(1) as pool, made.target("user").connect(autocommit=False) as old:
            old.execute("SELECT pg_current_xact_id()")  # which the slot has to wait for
            finishing = pool.submit(finish_service, scene.online, scene.service("user"))
            assert until(made, "filling").problem == ""
            old.rollback()
            finishing.result()
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
