"""Real drivers at work through one move: start, cutover, rollback, cutover, finish. No statement fails.

`user` is behind a PgBouncer that keeps prepared statements, its drivers have their defaults; `payment` is
behind an older one, its drivers have the settings for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.clients.programs import DRIVERS, Outcome, start
from tests.support.bouncers import NEW, OLD, bouncer_of
from tests.support.clusters import Clusters
from tests.support.moves import APPLICATION, World, world

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

TABLE = """
CREATE TABLE {schema}.client_rows (client text, n bigint, value int NOT NULL, PRIMARY KEY (client, n));
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.client_rows TO {role};
"""
LEAST = 20
"""Rounds that every driver has to get through, however busy the machine is."""
VERBS = (
    ("start", "--yes"),
    ("cutover", "--yes"),
    ("rollback", "--immediate", "--yes"),
    ("cutover", "--yes"),
    ("finish", "--yes"),
)


@pytest.fixture
def shared(tmp_path: Path, clusters: Clusters) -> Iterator[World]:
    own_logins = {"user": bouncer_of(NEW), "payment": bouncer_of(OLD)}
    source, target = clusters.get("source", 15), clusters.get("target", 17)
    with world(tmp_path, source, target, rows=200, own_logins=own_logins) as made:
        with made.source.connect() as connection:
            for service in own_logins:
                table = TABLE.format(schema=f"{service}_schema", role=APPLICATION.name)
                connection.execute(table.encode())
        yield made


def test_no_statement_of_any_driver_fails_through_a_whole_move(shared: World, tmp_path: Path) -> None:
    running = {
        (service, driver.name): start(
            driver,
            shared.contract.services[service].endpoint,
            shared.contract.services[service].service,
            tmp_path,
            prepared=service == "user",
            rest_ms=100,
        )
        for service in ("user", "payment")
        for driver in DRIVERS
    }
    with ExitStack() as stack:
        for one in running.values():
            stack.callback(one.kill)
        time.sleep(3)
        for verb, *options in VERBS:
            done = shared.run(verb, "user", "payment", *options)
            assert done.returncode == 0, f"{verb}: {done.stderr}"
            time.sleep(1)
        outcomes = {key: one.end() for key, one in running.items()}
    assert {key: one.failed for key, one in outcomes.items() if one.failed} == {}
    assert all(one.acknowledged >= LEAST for one in outcomes.values())
    for service in ("user", "payment"):
        assert rows(shared, service) == expected(outcomes, service)
        # What its gateway logged in as before the move opens nothing any more.
        old = shared.contract.services[service].shared
        assert old is not None
        with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
            psycopg.connect(replace(shared.source, login=old).conninfo())


def rows(shared: World, service: str) -> dict[str, tuple[int, int]]:
    """By driver: rows, and those that are as its last statement left them."""
    with shared.gated[service].endpoint.connect() as connection:
        found = connection.execute(
            "SELECT client, count(*), count(*) FILTER (WHERE value = 2) FROM client_rows GROUP BY client"
        ).fetchall()
    return {client: (total, whole) for client, total, whole in found}


def expected(outcomes: dict[tuple[str, str], Outcome], service: str) -> dict[str, tuple[int, int]]:
    return {
        driver: (one.acknowledged, one.acknowledged)
        for (of, driver), one in outcomes.items()
        if of == service
    }
