"""What only the newer server takes: announced, named before a rollback, and mended as printed."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clusters import Clusters
from tests.support.moves import World, world

pytestmark = pytest.mark.acceptance

SCHEMA = """
CREATE SCHEMA user_schema AUTHORIZATION $APP;
SET ROLE $APP;
CREATE TABLE user_schema.leases (id int PRIMARY KEY, lasts interval, others interval[]);
CREATE TABLE user_schema.kept (id int PRIMARY KEY, lasts interval);
INSERT INTO user_schema.leases
    SELECT i, i * interval '1 day', ARRAY[interval '1 day'] FROM generate_series(1, 20) i;
RESET ROLE;
"""
SKIP = re.compile(r"`(ALTER SUBSCRIPTION \S+ SKIP \(lsn = '[^']+'\))`")
KEEPS_OUT = re.compile(r'ALTER TABLE "user_schema"\."kept" ADD CHECK .*? NOT VALID')


@pytest.fixture
def made(clusters: Clusters, tmp_path: Path) -> Iterator[World]:
    source, target = clusters.get("source", 15), clusters.get("target", 17)
    with world(tmp_path, source, target, services=("user",), script=SCHEMA, crossing=()) as made:
        yield made


def told(ran: subprocess.CompletedProcess[str]) -> str:
    return " ".join((ran.stdout + ran.stderr).split())


def done(made: World, *arguments: str) -> str:
    ran = made.run(*arguments, timeout=300)
    assert ran.returncode == 0, told(ran)
    return told(ran)


def write(made: World, *statements: str) -> None:
    with made.gated["user"].endpoint.connect(application_name="an application") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_an_infinite_interval_is_named_and_its_way_back_mended(made: World) -> None:
    planned = done(made, "plan", "user")
    assert "PostgreSQL 17 takes infinity, which 15 does not" in planned
    keeping = KEEPS_OUT.search(planned)
    assert keeping is not None, planned
    with made.source.connect() as connection:
        connection.execute(keeping[0].encode())
    done(made, "start", "user", "--yes")
    done(made, "cutover", "user", "--yes", "--switch-timeout", "15")
    with pytest.raises(Exception, match="violates check constraint"):
        write(made, "INSERT INTO kept VALUES (1, 'infinity')")
    write(
        made,
        "INSERT INTO leases VALUES (100, 'infinity', NULL)",
        "INSERT INTO leases VALUES (101, '1 day', '{1 day,-infinity}')",
        "INSERT INTO kept VALUES (2, '3 days')",
    )
    said = refused(made)
    assert (
        "the gate newer-values is closed: user_schema.leases.lasts holds infinity, which PostgreSQL 15 does"
        " not take: 1 rows, id = '100'; replication has stopped there: `ALTER SUBSCRIPTION"
    ) in said
    assert follow_the_statements(made) >= 2
    write(made, "UPDATE leases SET lasts = '99 years' WHERE id = 100")
    assert "user_schema.leases.others holds infinity" in refused(made)
    write(made, "UPDATE leases SET others = NULL WHERE id = 101")
    done(made, "verify", "user", "--repair")
    done(made, "rollback", "user", "--immediate", "--yes", "--switch-timeout", "15")
    assert made.count("user", "SELECT count(*) FROM leases WHERE lasts = '99 years'") == 1
    assert made.count("user", "SELECT count(*) FROM kept") == 1


def refused(made: World) -> str:
    ran = made.run("rollback", "user", "--immediate", "--yes", timeout=300)
    assert ran.returncode not in {0, 70}
    return told(ran)


def follow_the_statements(made: World) -> int:
    """Run what `rollback` prints, in the shared database, until replication goes on; returns how often."""
    for count in range(10):
        found = SKIP.search(refused(made))
        if found is None:
            return count
        with made.source.connect() as connection:
            connection.execute(found[1].encode())
        time.sleep(1)
    raise AssertionError("it stops for ever")
