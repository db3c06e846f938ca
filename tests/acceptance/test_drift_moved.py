"""Drift of a stack whose services have moved: what the migration made there is its own, and no difference."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from core.errors import DriftFound
from operations.drift.model import read_state
from tests.acceptance.conftest import SERVICES
from tests.acceptance.stack import Stack, stack_that_is_up
from tests.support.clusters import Cluster

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def moved(
    settings_beside: dict[str, Any], variables: dict[str, str], shared_source: Cluster
) -> Iterator[Stack]:
    """A stack of its own, both services moved and served by their own databases."""
    with shared_source.database(settings_beside["source"]["database"]).connect() as connection:
        for service in SERVICES:
            connection.execute(_whose(service, "ADD PRIMARY KEY (side)"))
    with stack_that_is_up(settings_beside, variables) as stack:
        done = _program(stack, "migration", "run", "--all", "--yes", "--stack", "test")
        assert done.returncode == 0, done.stdout + done.stderr
        yield stack


def test_what_the_migration_made_is_no_drift(moved: Stack) -> None:
    done = _program(moved, "operations", "drift", "test", "--json")
    named = [
        f"{one['service']}: {one['what']}: {one['found']}" for one in json.loads(done.stdout)["differences"]
    ]
    assert "\n".join(named) == ""
    assert done.returncode == 0


def test_a_guard_that_was_weakened_by_hand_is_named_and_mended(moved: Stack) -> None:
    state = json.loads(moved.run("stack", "export", "--show-secrets", "--stack", "test").output)
    given = read_state(state, "test")["user"].one("pulumi:providers:postgresql") or {}
    with psycopg.connect(
        host=given["host"],
        port=int(given["port"]),
        user=given["username"],
        password=given["password"],
        dbname="waqiti_users",
        sslmode=given["sslmode"],
        sslrootcert=given["sslrootcert"],
        autocommit=True,
    ) as connection:
        row = connection.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = 'user_schema.whose'::regclass AND tgenabled = 'A'"
        ).fetchone()
        assert row is not None, "a moved service has guards"
        connection.execute(
            psycopg.sql.SQL("ALTER TABLE user_schema.whose DISABLE TRIGGER {}").format(
                psycopg.sql.Identifier(row[0])
            )
        )
    done = _program(moved, "operations", "drift", "test", "--json", "--no-refresh")
    (found,) = json.loads(done.stdout)["differences"]
    assert done.returncode == DriftFound.exit_code
    assert found["what"] == f"guard {row[0]} of user_schema.whose"
    subprocess.run(["bash", "-c", found["mend"]], env=moved.environment(), cwd=moved.folder, check=True)
    again = _program(moved, "operations", "drift", "test", "--json", "--no-refresh")
    assert again.returncode == 0, again.stdout


def _whose(service: str, change: LiteralString) -> sql.Composed:
    return sql.SQL("ALTER TABLE {}.whose {}").format(sql.Identifier(f"{service}_schema"), sql.SQL(change))


def _program(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=stack.folder,
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
