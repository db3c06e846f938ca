"""Triggers that fire on replicated rows: an online move would do twice what they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration.examine.read_plan import read_plan
from migration.gates.check import check_gates
from tests.support.clusters import Clusters
from tests.support.moves import default_world

pytestmark = pytest.mark.integration


def test_an_online_move_does_not_start_with_a_trigger_that_always_fires(
    clusters: Clusters, tmp_path: Path
) -> None:
    with default_world(tmp_path, clusters, rows=5, services=("user",)) as made:
        service = made.contract.services["user"]

        def closed() -> dict[str, str]:
            report = check_gates(made.contract, service, read_plan(made.contract, [service]), "start")
            return {gate.name: gate.figure for gate in report.no_go}

        assert "always-triggers" not in closed()
        with made.source.connect() as connection:
            connection.execute(
                "CREATE FUNCTION user_schema.log_it() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN RETURN NEW; END';"
                'CREATE TRIGGER "S;--" BEFORE INSERT ON user_schema.users FOR EACH ROW'
                " EXECUTE FUNCTION user_schema.log_it();"
                'ALTER TABLE user_schema.users ENABLE ALWAYS TRIGGER "S;--"'
            )
        assert closed()["always-triggers"] == 'user_schema.users."S;--"'
