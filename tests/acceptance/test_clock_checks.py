"""Checks that ask the clock: a switch that is cut off while it puts them on, and the way back."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clusters import Clusters
from tests.support.moves import World, world
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.acceptance

SCHEMA = """
CREATE SCHEMA user_schema AUTHORIZATION $APP;
SET ROLE $APP;
CREATE TABLE user_schema.offers (
    id int PRIMARY KEY, expires timestamptz CONSTRAINT fresh CHECK (expires > clock_timestamp()));
COMMENT ON CONSTRAINT fresh ON user_schema.offers IS 'of today';
INSERT INTO user_schema.offers VALUES (1, now() + interval '1 day');
RESET ROLE;
"""
CHECK = "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'fresh'"

PUTTING_ON = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE query LIKE 'ALTER TABLE%ADD CONSTRAINT%' AND wait_event_type = 'Lock'"
)
OVER_SOON = (
    "INSERT INTO user_schema.offers VALUES ({}, clock_timestamp() + interval '300 milliseconds')",
    "SELECT pg_sleep(0.5)",
)


@pytest.fixture
def moving(clusters: Clusters, tmp_path: Path) -> Iterator[World]:
    source, target = clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])
    with world(tmp_path, source, target, services=("user",), script=SCHEMA, crossing=()) as made:
        done(made, "start", "user", "--yes")
        yield made


def done(moving: World, *arguments: str) -> str:
    ran = moving.run(*arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def write_what_is_over_soon(moving: World, number: int) -> None:
    """A row that is right as it is written, and by its commit no more."""
    with (
        moving.gated["user"].endpoint.connect(application_name="an application") as connection,
        connection.transaction(),
    ):
        for statement in OVER_SOON:
            connection.execute(statement.format(number).encode())


def checks(moving: World) -> dict[str, list[tuple[object, ...]]]:
    """What is said of the check, on each side that has it."""
    found = {}
    for side, database in {"own": moving.target("user"), "shared": moving.source}.items():
        with database.connect() as connection:
            found[side] = connection.execute(CHECK).fetchall()
    return found


def test_a_kill_while_they_are_put_on_leaves_none_behind_a_resume(moving: World) -> None:
    own = moving.target("user")
    with own.connect(autocommit=False) as reader:
        reader.execute("LOCK TABLE user_schema.offers IN ACCESS SHARE MODE")
        process = subprocess.Popen(
            moving.command("cutover", "user", "--yes"),
            env=moving.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with own.connect() as looking:
            deadline = time.monotonic() + 60
            while looking.execute(PUTTING_ON).fetchone() != (1,):
                assert process.poll() is None, "the cutover ended before it waited for the table"
                assert time.monotonic() < deadline, "the cutover did not come to the checks"
                time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reader.rollback()
    done(moving, "resume", "user")
    with own.connect() as connection:
        assert connection.execute(CHECK).fetchall() == []
    write_what_is_over_soon(moving, 2)
    done(moving, "verify", "user")
    done(moving, "cutover", "user", "--yes")
    # And the way back, where the shared database goes without it.
    assert checks(moving) == {"own": [("of today",)], "shared": []}
    write_what_is_over_soon(moving, 3)
    done(moving, "rollback", "user", "--immediate", "--yes")
    assert checks(moving) == {"own": [], "shared": [("of today",)]}
    done(moving, "cutover", "user", "--yes")
    assert checks(moving) == {"own": [("of today",)], "shared": []}
    done(moving, "verify", "--schema", "user")
    done(moving, "finish", "user", "--yes")
    # What was put aside is as it was.
    assert checks(moving) == {"own": [("of today",)], "shared": [("of today",)]}
