"""Loads on real servers: recorded from a real log, replayed read-only, held against both sides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from components.contract import Login
from core.errors import LoadRefused
from core.performance import read_measured
from core.sessions.stack import source_database
from migration.examine.read_plan import examine, read_plan
from migration.gates.check import check_gates
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.steps.runner import Runner
from operations.__main__ import main
from operations.load import places
from operations.load.limit import rising
from operations.load.play import WOULD_WRITE, play
from operations.load.stretch import Call, Unit, read
from tests.support.clusters import Cluster, Clusters
from tests.support.gateways import drop_login, make_shared_login
from tests.support.moves import APPLICATION, World, world
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.integration

LOGGED = {
    "log_statement": "all",
    "log_line_prefix": "%m [%p] %q%u@%d %a %h ",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "shared_preload_libraries": "pg_stat_statements",
}
READ = "SELECT email FROM users WHERE id = %s"


@dataclass(frozen=True)
class Scene:
    """`user` follows; its applications have worked on the shared database, whose log is there."""

    world: World
    source: Cluster
    log: Path
    since: str
    """When the applications began."""

    def verb(self, *arguments: str) -> dict[str, Any]:
        """What a verb of operations prints as JSON; it has to succeed."""
        done = self.world.run(*arguments, "--json", entry="operations")
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("load")
    with (
        clusters.private("source", DEFAULT_VERSIONS[1], LOGGED) as source,
        world(
            folder, source, clusters.get("target", DEFAULT_VERSIONS[1]), rows=300, services=("user",)
        ) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("WAQITI_STATE_DIR", str(folder / "state"))
        shared = make_shared_login(made.source, "user", APPLICATION)
        service = made.contract.services["user"].model_copy(update={"shared": shared})
        contract = made.contract.model_copy(update={"services": {"user": service}})
        with open_journal(source_database(contract), contract) as journal:
            Online(contract, Runner(journal), workers=2).start(service, examine(contract, [service]))
        with made.source.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements SCHEMA public")
        since = datetime.now(UTC).isoformat()
        _work(made, shared)
        found = World(made.source, contract, made.gated, folder)
        found.write_contract()
        yield Scene(found, source, source.server.log, since)
        drop_login(made.source, shared)


def _work(made: World, login: Login) -> None:
    """What the applications of `user` do: they read, look again in a transaction, and write."""
    where = replace(made.source, login=login).conninfo()
    with closing(psycopg.connect(where, application_name="shop", autocommit=True)) as session:
        for number in range(1, 21):
            session.execute(READ, (number,))
        with session.transaction():
            session.execute("SELECT count(*) FROM users WHERE email LIKE %s", ("user1%",))
            session.execute(READ, (5,))
        session.execute("INSERT INTO users (email) VALUES (%s)", ("it's new",))
        session.execute("SET application_name = 'other'")


@pytest.fixture(scope="module")
def recorded(scene: Scene) -> dict[str, Any]:
    """What `load record` said; the load is kept."""
    return scene.verb("load", "record", "user", "--log", str(scene.log), "--since", scene.since)


def test_a_load_is_what_the_log_says_with_its_values(scene: Scene, recorded: dict[str, Any]) -> None:
    assert (recorded["units"], recorded["reading"], recorded["statements"]) == (22, 21, 23)
    file = Path(recorded["file"])
    assert file.stat().st_mode & 0o077 == 0
    text = file.read_text(encoding="utf-8")
    assert "it's new" in text
    assert "user1%" in text


def test_transactions_weigh_as_their_statements_were_called(recorded: dict[str, Any]) -> None:
    stretch = read(Path(recorded["file"]))
    of_one = [
        unit for unit in stretch.units if [call.text for call in unit.calls] == [READ.replace("%s", "$1")]
    ]
    # Called 21 times, each of which is in the log: once inside a transaction.
    assert len(of_one) == 20
    assert {unit.weight for unit in of_one} == {1.0}
    assert recorded["covered"] is None, "on the shared database all services' statements are counted together"


def test_it_is_replayed_at_a_rate_on_its_own_database(scene: Scene, recorded: dict[str, Any]) -> None:
    found = scene.verb("load", "run", "user", "--rate", "20", "--seconds", "2", "--clients", "2")
    assert found["errors"] == {}
    assert found["offered"] == 40
    assert 20 < found["done"] <= 40
    assert found["left_out_units"] == 1, "what writes is not played on what is in use"
    parts = found["percentiles_ms"]
    assert 0 < parts["p50"] <= parts["p99"] <= found["longest_ms"]
    assert found["rows_read"] >= 0
    assert scene.world.count("user", "SELECT count(*) FROM users WHERE email = 'it''s new'") == 1


def test_a_function_that_would_write_is_refused_by_the_server(scene: Scene) -> None:
    with scene.world.target("user").connect() as connection:
        before = connection.execute("SELECT last_value FROM user_schema.users_id_seq").fetchone()
    units = [Unit((Call("SELECT nextval('users_id_seq')"),), writes=False, transaction=False)]
    place = places.own(scene.world.contract.services["user"])
    found = play(place, units, clients=1, seconds=0.5)
    with scene.world.target("user").connect() as connection:
        after = connection.execute("SELECT last_value FROM user_schema.users_id_seq").fetchone()
    assert set(found.errors) == {WOULD_WRITE}
    assert before == after


def test_a_session_that_a_function_let_write_is_told_of(scene: Scene) -> None:
    text = "SELECT set_config('default_transaction_read_only', 'off', false)"
    place = places.own(scene.world.contract.services["user"])
    with pytest.raises(LoadRefused, match="let its session write"):
        play(place, [Unit((Call(text),), writes=False, transaction=False)], clients=1, seconds=0.3)


def test_what_writes_is_not_played_on_what_is_in_use(scene: Scene) -> None:
    unit = Unit((Call("DELETE FROM users"),), writes=True, transaction=False)
    for place in (places.own(scene.world.contract.services["user"]),
                  places.shared(scene.world.contract, scene.world.contract.services["user"])):  # fmt: skip
        with pytest.raises(LoadRefused, match="in use"):
            play(place, [unit], clients=1, seconds=0.1)


def test_rising_rates_end_at_the_limit(scene: Scene) -> None:
    # Each takes 20 ms, so that two clients reach 100 a second and no more, on any machine.
    unit = Unit((Call("SELECT pg_sleep(0.02)"),), writes=False, transaction=False)
    place = places.own(scene.world.contract.services["user"])
    said: list[str] = []
    found = rising(place, [unit], clients=2, seconds=1.2, first_rate=20, check=lambda: None, say=said.append)
    assert found.stages[0].beyond is None
    assert found.stages[-1].beyond is not None
    assert found.highest is not None
    assert 20 <= found.highest < 110
    assert found.reached.throughput < 105
    assert found.forecast is not None
    assert found.forecast <= 105
    assert said[-1].startswith("without a rate")


def test_both_sides_are_compared_and_the_gate_reads_it(scene: Scene, recorded: dict[str, Any]) -> None:
    contract, service = scene.world.contract, scene.world.contract.services["user"]

    def gate() -> str:
        report = check_gates(contract, service, read_plan(contract, [service]), "cutover")
        return next(one.verdict for one in report.gates if one.name == "performance")

    assert gate() == "unknown"
    found = scene.verb("load", "compare", "user", "--yes", "--seconds", "1", "--rounds", "3")
    assert len(found["rounds"]) == 3
    for one in found["rounds"]:
        assert one["shared"]["errors"] == one["own"]["errors"] == {}
        assert one["shared"]["done"] > 10
        assert one["own"]["done"] > 10
    kept = read_measured(contract, "user")
    assert kept is not None
    assert kept.loss == pytest.approx(found["loss"], abs=1e-4)
    assert gate() == ("go" if found["within"] else "no-go")


def test_a_side_that_lacks_the_tables_is_no_comparison(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    head = {
        "format": 1,
        "service": "user",
        "seconds": 1,
        "recorded": "",
        "left_out": {},
        "covered": None,
        "missing": [],
    }
    unit = {"calls": [{"text": "SELECT * FROM nowhere", "values": []}], "writes": False, "transaction": False}
    file.write_text(f"{json.dumps(head)}\n{json.dumps(unit)}\n", encoding="utf-8")
    command = ["load", "compare", "user", "--yes", "--load", str(file), "--seconds", "0.5"]
    assert main([*command, "--contract", str(scene.world.contract_file)]) == LoadRefused.exit_code


def test_without_a_rate_it_asks_first(scene: Scene, recorded: dict[str, Any]) -> None:
    done = scene.world.run("load", "run", "user", entry="operations")
    assert done.returncode == LoadRefused.exit_code
    assert "Pass --yes, or a --rate" in done.stderr
