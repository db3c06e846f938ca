"""A rehearsal: all of a move but its switch, what it foretells, and that nothing of it is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import GateClosed
from core.rehearsals import Rehearsal
from migration.gates.rehearsal import judge
from tests.support.clusters import Cluster
from tests.support.moves import World, world

pytestmark = pytest.mark.acceptance

ROWS = 300
LEFT = """
SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_subscription WHERE subdbid =
        (SELECT oid FROM pg_database WHERE datname = current_database()))
     + (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())
     + (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'user_schema' AND NOT t.tgisinternal
        AND t.tgname LIKE 'waqiti%')
"""


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    with world(tmp_path, source_cluster, target_cluster, rows=ROWS) as made:
        yield made


def said(shared: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What a verb says of the service `user`."""
    ended = shared.run(*arguments, "--json")
    assert ended.returncode == code, ended.stdout + ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    found: dict[str, Any] = document["services"]["user"]
    return found


def test_a_rehearsal_foretells_and_leaves_nothing(shared: World) -> None:
    asked = shared.contract.services["user"].model_copy(update={"rehearsal_limit": 3600})
    services = {**shared.contract.services, "user": asked}
    shared.write_contract(shared.contract.model_copy(update={"services": services}))
    refused = shared.run("start", "user", "--yes")
    assert refused.returncode == GateClosed.exit_code
    assert "its move was never rehearsed; python -m migration rehearse user" in refused.stderr
    rehearsed = said(shared, "rehearse", "user", "--yes")
    assert rehearsed["went_well"]
    assert rehearsed["rows"] > ROWS
    assert rehearsed["seconds"].keys() >= {"copy", "indexes", "catch up", "verification"}
    assert rehearsed["total_seconds"] > rehearsed["seconds"]["copy"] > 0
    assert rehearsed["pause_ms"] > 0
    for database in (shared.source, shared.target("user")):
        with database.connect() as connection:
            assert connection.execute(LEFT).fetchone() == (0,)
    assert shared.open_sides("user") == {"source"}
    assert said(shared, "status", "user")["state"] == "undone"
    assert said(shared, "start", "user", "--yes")["state"] == "following"
    assert shared.run("rehearse", "user", "--yes").returncode == 29
    assert shared.run("abort", "user", "--yes").returncode == 0


def test_with_nothing_left_to_rehearse_it_says_so(shared: World) -> None:
    for verb in ("start", "cutover", "finish"):
        assert shared.run(verb, "user", "--yes").returncode == 0
    only = {"user": shared.contract.services["user"]}
    shared.write_contract(shared.contract.model_copy(update={"services": only}))
    ended = shared.run("rehearse", "--all", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert "Nothing is left to rehearse." in ended.stdout


@pytest.mark.parametrize(
    ("found", "figure"),
    [
        (None, "its move was never rehearsed"),
        (Rehearsal(at=0.0, catalogue="this", equal=True), "its move was rehearsed 1 h"),
        (Rehearsal(at=3590.0, catalogue="another", equal=True), "by another services.yaml"),
        (Rehearsal(at=3590.0, catalogue="this", equal=False), "would not have been switched: rows differed"),
        (Rehearsal(at=3590.0, catalogue="this", equal=True, refused=("lag: 3 GB",)), "lag: 3 GB"),
    ],
)
def test_the_gate_says_why_a_rehearsal_is_missing(found: Rehearsal | None, figure: str) -> None:
    gate = judge("user", found, "this", 3600.0, 1800.0)
    assert gate.verdict == "no-go"
    assert figure in gate.figure
    assert gate.advice == "python -m migration rehearse user"
