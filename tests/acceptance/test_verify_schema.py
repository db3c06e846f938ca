"""`verify --schema` on the command line: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.clusters import Clusters
from tests.support.moves import World, default_world

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, clusters: Clusters) -> Iterator[World]:
    """A world whose services were all moved by one run."""
    with default_world(tmp_path_factory.mktemp("world"), clusters, rows=50) as made:
        done = made.run("run", "--stop-writes", "--all", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        yield made


def test_what_was_moved_is_equal_and_ends_with_0(moved: World) -> None:
    done = moved.run("verify", "--schema", "--all", "--json")
    assert done.returncode == 0, done.stderr
    assert all(found["equal"] for found in json.loads(done.stdout)["services"].values())


def test_a_difference_is_printed_as_ddl_and_ends_with_21(moved: World) -> None:
    with moved.target("user").connect() as connection:
        connection.execute("ALTER TABLE user_schema.users ALTER email SET DEFAULT 'none'")
    done = moved.run("verify", "--schema", "user")
    assert done.returncode == 21
    assert "ALTER TABLE user_schema.users ALTER COLUMN email DROP DEFAULT;" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: the schema of user on its own database is not")
    with moved.target("user").connect() as connection:
        connection.execute(done.stdout.encode())
    assert moved.run("verify", "--schema", "user").returncode == 0


def test_no_service_was_named(moved: World) -> None:
    done = moved.run("verify", "--schema")
    assert done.returncode == 11, "no service was named"
