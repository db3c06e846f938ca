"""A table that nobody saw being made stops replication: `status` says so and names the verb that makes it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from migration.report.status import read_status
from tests.support.clusters import Clusters
from tests.support.moves import World, world
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = pytest.mark.acceptance

SCHEMA = """
CREATE SCHEMA user_schema AUTHORIZATION $APP;
SET ROLE $APP;
CREATE TABLE user_schema.m (day date NOT NULL, v text, PRIMARY KEY (day)) PARTITION BY RANGE (day);
CREATE TABLE user_schema.m_2026 PARTITION OF user_schema.m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO user_schema.m VALUES ('2026-06-01', 'x');
RESET ROLE;
"""
UNSEEN = """
ALTER EVENT TRIGGER waqiti_migration_ddl DISABLE;
ALTER EVENT TRIGGER waqiti_migration_drop DISABLE;
CREATE TABLE user_schema.m_2027 PARTITION OF user_schema.m FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO user_schema.m VALUES ('2027-05-05', 'into the new one');
"""


def problems(made: World) -> list[str]:
    (found,) = read_status(made.contract, [made.contract.services["user"]])
    return list(found.problems)


def test_status_names_the_verb_that_makes_the_table(clusters: Clusters, tmp_path: Path) -> None:
    source, target = clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])
    with world(tmp_path, source, target, services=("user",), script=SCHEMA, crossing=()) as made:
        assert made.run("start", "user", "--yes").returncode == 0
        with made.source.connect() as connection:
            connection.execute(UNSEEN.encode())
        deadline = time.monotonic() + 60
        while not (said := problems(made)):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert 'relation "user_schema.m_2027" does not exist' in said[0]
        assert said[0].endswith("nobody saw that table being made, `verify` makes it there")
        shown = made.run("status", "user")
        assert "`verify` makes it there" in " ".join((shown.stdout + shown.stderr).split())
        verified = made.run("verify", "user")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert problems(made) == []
        assert made.count("user", "SELECT count(*) FROM m") == 2
