"""The rows of a move with stopped writes: indexes are built beside them, and what is there is left alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.progress.interface import Silent
from core.sessions.stack import source_database
from migration.examine.read_plan import examine
from migration.fidelity.compare import compare_schemas
from migration.journal.journal import open_journal
from migration.journal.states import State
from migration.moves.offline import build, copy_rows, make_schema
from migration.schema import early
from migration.steps.context import OfflineMove
from tests.support.clusters import Cluster
from tests.support.moves import world

pytestmark = pytest.mark.integration


@pytest.fixture
def move(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[OfflineMove]:
    with (
        world(tmp_path, source_cluster, target_cluster, rows=200, services=("user",)) as made,
        open_journal(source_database(made.contract), made.contract) as journal,
    ):
        service = made.contract.services["user"]
        yield OfflineMove(
            contract=made.contract,
            service=service,
            plan=examine(made.contract, [service], writes_stop=True),
            journal=journal,
            move=journal.start(service, "offline", State.RUNNING),
            progress=Silent(),
            stop=threading.Event(),
            workers=2,
        )


def test_indexes_are_built_beside_the_rows_and_once(
    move: OfflineMove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(early, "LARGE_BYTES", 0)
    make_schema(move)
    copied = copy_rows(move)
    assert copied["indexes"]["tables"] == len(move.own.tables) > 0
    again = copy_rows(move)
    assert again["kept"] == len(move.own.tables), "a table was copied over its indexes"
    assert again["rows"] == copied["rows"]
    built = build(move)
    assert "indexes" not in built["seconds"], "they were built a second time"
    assert compare_schemas(move.source, move.target, move.plan, "user", move.contract) == ()
