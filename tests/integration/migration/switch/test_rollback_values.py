"""A rollback compares as exactly as a cutover: what flowed back wrongly is found, named and mended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import psycopg
import pytest

from core.errors import AuthenticationFailed, VerificationFailed
from core.observer import Observer
from core.sessions.connections import Database
from core.sessions.stack import source_database
from migration.examine.read_plan import examine, read_plan
from migration.guards.ownership import GUARD
from migration.journal.journal import open_journal
from migration.journal.states import State
from migration.moves.online import Online
from migration.replicate.flow import Direction
from migration.report.status import read_status
from migration.steps.runner import Runner
from migration.switch.live import repair_live
from migration.switch.recheck import Recheck
from tests.support.clusters import Clusters
from tests.support.moves import World, default_world
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TABLES = """
CREATE TABLE user_schema.readings (at int, value numeric, note text);
INSERT INTO user_schema.readings SELECT i % 50, i / 10.0, repeat('x', 300) FROM generate_series(1, 40000) i;
CREATE TABLE user_schema.twins (value numeric, what text);
INSERT INTO user_schema.twins VALUES (1.0, 'a'), (1.00, 'a'), (0, 'b');
"""
"""The first is larger than what is compared whole inside a pause; neither has a key."""


def past_the_guards(connection: psycopg.Connection[Any], statement: str) -> None:
    """A write to a closed side, as nobody should make it."""
    table = statement.split("user_schema.")[1].split(maxsplit=1)[0]
    connection.execute(
        "BEGIN; SET LOCAL session_replication_role = replica;"
        f"ALTER TABLE user_schema.{table} DISABLE TRIGGER {GUARD}; {statement};"
        f"ALTER TABLE user_schema.{table} ENABLE ALWAYS TRIGGER {GUARD}; COMMIT".encode()
    )


class Act(Observer):
    """Does something at one point of a step."""

    def __init__(self) -> None:
        self.step, self.point = "", ""
        self.act = ""
        self.database: Database | None = None

    def reached(self, point: str, step: str) -> None:
        if self.database is not None and (point, step) == (self.point, self.step):
            database, self.database = self.database, None
            with database.connect() as connection:
                past_the_guards(connection, self.act)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    with default_world(tmp_path_factory.mktemp("rollback"), clusters, rows=200, services=("user",)) as made:
        with made.source.connect() as connection:
            connection.execute(TABLES)
        with open_journal(source_database(made.contract), made.contract) as journal:
            online = Online(made.contract, Runner(journal), workers=2)
            service = made.contract.services["user"]
            plan = examine(made.contract, [service])
            plan.check()
            online.start(service, plan)
            online.cutover(service, plan)
        yield made


@pytest.fixture
def acting() -> Act:
    return Act()


@pytest.fixture
def online(moved: World, acting: Act) -> Iterator[Online]:
    """The verbs on a service that is moved; moved again for the next test."""
    with open_journal(source_database(moved.contract), moved.contract) as journal:
        made = Online(moved.contract, Runner(journal, observer=acting), workers=2)
        yield made
        service = moved.contract.services["user"]
        move = made.state(service)
        if move is not None and move.state != State.MOVED:
            made.cutover(service, read_plan(moved.contract, [service]))


def rollback(world: World, online: Online, *, verified: bool = True) -> None:
    service = world.contract.services["user"]
    online.rollback(service, read_plan(world.contract, [service]), verified=verified)


def repair(world: World, online: Online, direction: Direction = "back") -> int:
    service = world.contract.services["user"]
    move = online.state(service)
    assert move is not None
    context = online.context(move, service, read_plan(world.contract, [service]))
    verification, rows = repair_live(context, direction)
    assert verification.equal
    return rows


def in_shared(world: World, statement: str) -> None:
    """A write to the side that follows."""
    with world.source.connect() as connection:
        past_the_guards(connection, statement)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (
            "UPDATE user_schema.users SET email = 'x' WHERE id = 7",
            r"\.users \(id=7\): changed",
        ),
        ("DELETE FROM user_schema.users WHERE id = 8", r"user_schema\.users \(id=8\): extra"),
        ("UPDATE user_schema.readings SET value = -1 WHERE ctid = '(5,1)'", r"user_schema\.readings \(row="),
        ("INSERT INTO user_schema.readings VALUES (1, 1, 'x')", r"user_schema\.readings \(row=.*missing"),
    ],
)
def test_a_row_that_differs_stops_the_rollback_until_it_is_repaired(
    moved: World, online: Online, wrong: str, named: str
) -> None:
    in_shared(moved, wrong)
    with pytest.raises(VerificationFailed, match=f"{named}.*nothing was switched.*`verify --repair`"):
        rollback(moved, online)
    assert moved.open_sides("user") == {"target"}
    assert repair(moved, online) <= 1
    rollback(moved, online)
    assert moved.open_sides("user") == {"source"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (
            "UPDATE user_schema.users SET email = email || '!' WHERE id = 9",
            r"\.users \(id=9\): changed",
        ),
        ("DELETE FROM user_schema.readings WHERE ctid = '(6,1)'", r"user_schema\.readings \(rows=1\): extra"),
    ],
)
def test_what_goes_wrong_inside_the_pause_is_found_inside_it(
    moved: World, online: Online, acting: Act, wrong: str, named: str
) -> None:
    acting.step, acting.point = "rollback: catch up to the last write", "acted"
    acting.act, acting.database = wrong, moved.source
    with pytest.raises(VerificationFailed, match=f"{named}.*nothing was switched"):
        rollback(moved, online)
    assert moved.open_sides("user") == {"target"}
    assert moved.gateway("user").route() == "target"
    repair(moved, online)
    rollback(moved, online, verified=False)


def test_a_row_that_differs_stops_the_cutover_until_it_is_repaired(
    moved: World, online: Online, clusters: Clusters
) -> None:
    rollback(moved, online)
    service = moved.contract.services["user"]
    plan = read_plan(moved.contract, [service])
    own = clusters.get("target", DEFAULT_VERSIONS[1]).database(service.instance.database)
    with own.connect() as connection:
        past_the_guards(connection, "DELETE FROM user_schema.users WHERE id = 11")
        past_the_guards(connection, "DELETE FROM user_schema.twins WHERE what = 'b'")
    with pytest.raises(VerificationFailed, match=r"users \(id=11\): missing.*`verify --repair`"):
        online.cutover(service, plan)
    with pytest.raises(AuthenticationFailed, match="GRANT SET ON PARAMETER") as refused:
        repair(moved, online, "forward")
    grant = re.search("GRANT .* TO [a-z_]+", str(refused.value))
    assert grant is not None
    with own.connect() as connection:
        connection.execute(grant[0].encode())
        assert repair(moved, online, "forward") == 2
        connection.execute(grant[0].replace("GRANT", "REVOKE").replace(" TO ", " FROM ").encode())
    online.cutover(service, plan)
    assert moved.count("user", "SELECT count(*) FROM twins WHERE what = 'b'") == 1


def test_the_wrong_one_of_two_equal_rows_is_found(moved: World, online: Online) -> None:
    with moved.target("user").connect() as connection:
        found = connection.execute("SELECT ctid::text FROM user_schema.twins WHERE value::text = '1.00'")
        row = found.fetchone()
        assert row is not None
    with moved.gated["user"].endpoint.connect() as connection:
        connection.execute("UPDATE twins SET what = 'changed' WHERE value::text = '1.00'")
    with pytest.raises(VerificationFailed, match=r"user_schema\.twins"):
        rollback(moved, online)
    repair(moved, online)
    rollback(moved, online)
    assert moved.count("user", "SELECT count(*) FROM twins WHERE value::text || what = '1.00changed'") == 1


def test_what_a_process_that_died_left_is_told_and_taken_away(moved: World, online: Online) -> None:
    service = moved.contract.services["user"]
    move = online.state(service)
    assert move is not None
    context = online.context(move, service, read_plan(moved.contract, [service]))
    with Recheck(context, "back") as recheck:
        recheck.begin()
        assert read_status(moved.contract, [service])[0].problems == (), "it is at work"
        dead = recheck._keys
        recheck._keys = MagicMock()
        dead.__exit__(None, None, None)
    problems = read_status(moved.contract, [service])[0].problems
    assert len(problems) == 2
    assert all(problem.endswith("MiB of WAL: run `resume`") for problem in problems)
    online.resume(service, read_plan(moved.contract, [service]))
    assert read_status(moved.contract, [service])[0].problems == ()


def test_nothing_is_kept_on_either_side_after_a_rollback(moved: World, online: Online) -> None:
    rollback(moved, online)
    for database in (moved.source, moved.target("user")):
        with database.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_replication_slots WHERE slot_name ~ '_(keys|seen)(_|$)'"
                " AND database = current_database()"
            ).fetchone()
        assert row == (0,)
