"""A service's schema takes its new name at `finish`, while its clients write through the gateway."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.clusters import Cluster
from tests.support.moves import World, world
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance

ROWS = 200
PAIRS = pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
CODE = """
CREATE SEQUENCE user_schema.tickets;
CREATE TABLE user_schema.notes (id bigint PRIMARY KEY DEFAULT nextval('user_schema.tickets'), what text);
CREATE FUNCTION user_schema.how_many() RETURNS bigint LANGUAGE plpgsql SET search_path = user_schema, pg_temp
    AS $$ BEGIN RETURN (SELECT count(*) FROM users); END $$;
CREATE FUNCTION user_schema.newest() RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC SELECT max(id) FROM user_schema.users; END;
CREATE FUNCTION user_schema.note() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO notes (what) VALUES (new.email); RETURN new; END $$;
CREATE TRIGGER note AFTER INSERT ON user_schema.users FOR EACH ROW EXECUTE FUNCTION user_schema.note();
GRANT USAGE ON user_schema.tickets TO shared_application;
GRANT INSERT, SELECT ON user_schema.notes TO shared_application;
"""
SKIP = ("--skip-gate", "rename-unseen")
"""These servers do not load pg_stat_statements, as a stack's do."""
FINISH = ("finish", "user", "--yes", *SKIP)


@pytest.fixture
def shared(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[World]:
    """A world whose stack has the new name: an empty schema `accounts`, and none called `user_schema`."""
    with world(tmp_path, source_cluster, target_cluster, rows=ROWS, services=("user",)) as made:
        with made.source.connect() as connection:
            connection.execute(CODE.encode())
        with made.target("user").connect() as connection:
            connection.execute("SET ROLE test_user_owner")
            connection.execute("DROP SCHEMA user_schema")
            connection.execute("CREATE SCHEMA accounts")
            connection.execute("GRANT USAGE ON SCHEMA accounts TO test_user_service")
        yield renaming(made, "accounts")


def renaming(made: World, own_schema: str | None) -> World:
    """The same world with another `ownSchema`."""
    service = made.contract.services["user"].model_copy(update={"own_schema": own_schema})
    changed = replace(made, contract=made.contract.model_copy(update={"services": {"user": service}}))
    changed.write_contract()
    return changed


def done(shared: World, *arguments: str, code: int = 0) -> str:
    """What a verb says; it has to end with `code`."""
    ended = shared.run(*arguments)
    assert ended.returncode == code, ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def result(shared: World, *arguments: str) -> dict[str, Any]:
    """What a verb says of the service with --json."""
    found: dict[str, Any] = json.loads(done(shared, *arguments, "--json"))["services"]["user"]
    return found


def schemas(shared: World) -> set[str]:
    """The schemas of the service's own database that are its."""
    with shared.target("user").connect() as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('user_schema', 'accounts')"
        )
        return {row[0] for row in rows}


@contextmanager
def moved(shared: World) -> Iterator[Writer]:
    """The service in its own database, and a client that writes with unqualified names."""
    done(shared, "start", "user", "--yes")
    with Writer(shared.gated["user"].endpoint) as writer:
        writer.wait_for_more()
        done(shared, "cutover", "user", "--yes")
        writer.wait_for_more()
        yield writer


@PAIRS
def test_a_writing_client_sees_no_failure_while_the_schema_is_renamed(
    shared: World,
) -> None:
    with moved(shared) as writer:
        before = len(writer.failed)
        finished = result(shared, *FINISH)
        writer.wait_for_more()
        assert writer.failed[before:] == []
        writer.assert_each_write_is_there_once()
    assert finished["schema"] == "accounts"
    assert schemas(shared) == {"accounts"}
    assert shared.count("user", "SELECT accounts.how_many() - count(*) FROM users") == 0
    assert shared.count("user", "SELECT accounts.newest() - max(id) FROM users") == 0
    assert shared.count("user", "SELECT count(*) FROM accounts.notes") == len(writer.acknowledged)
    status = result(shared, "status", "user")
    assert (status["state"], status["route"]) == ("finished", "target")
    assert status["target_bytes"] > 0
    assert "was finished already" in done(shared, *FINISH)


@pytest.mark.parametrize("verb", [("resume", "user"), FINISH], ids=["resume", "finish"])
def test_a_killed_rename_is_finished_by_the_next_verb(shared: World, verb: tuple[str, ...]) -> None:
    with moved(shared) as writer:
        before = len(writer.failed)
        for point, killed in (("begun", FINISH), ("acted", verb)):
            ended = shared.run_with_fault("rename the schema", point, "kill", *killed)
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            # Where the kill came between the pause and the end of it.
            shared.gateway("user").pause(10.0)
        done(shared, *verb)
        writer.wait_for_more()
        assert writer.failed[before:] == []
        writer.assert_each_write_is_there_once()
    assert schemas(shared) == {"accounts"}
    assert result(shared, "status", "user")["state"] == "finished"


def test_a_service_that_was_finished_before_takes_a_new_name_by_finish(shared: World) -> None:
    plain = renaming(shared, None)
    with moved(plain) as writer:
        done(plain, "finish", "user", "--yes")
        assert schemas(plain) == {"user_schema", "accounts"}
        again = renaming(shared, "accounts")
        before = len(writer.failed)
        assert result(again, *FINISH)["state"] == "finished"
        writer.wait_for_more()
        assert writer.failed[before:] == []
        writer.assert_each_write_is_there_once()
    assert schemas(again) == {"accounts"}


def test_a_rename_that_would_break_something_is_refused_at_first(shared: World) -> None:
    with moved(shared) as writer:
        with shared.target("user").connect() as connection:
            connection.execute("SET ROLE test_user_owner")
            connection.execute(
                "CREATE FUNCTION user_schema.late() RETURNS bigint LANGUAGE plpgsql"
                " AS $$ BEGIN RETURN (SELECT count(*) FROM user_schema.users); END $$"
            )
        said = done(shared, *FINISH, code=34)
        assert "function user_schema.late() (user_schema.users)" in said
        assert "BEGIN ATOMIC" in said
        assert len(said.strip().splitlines()) == 1, said
        with shared.target("user").connect() as connection:
            connection.execute("SET ROLE test_user_owner")
            connection.execute("CREATE TABLE accounts.somebodys (id int)")
        assert "has objects in user_schema and in accounts" in done(shared, *FINISH, code=34)
        assert result(shared, "status", "user")["state"] == "moved", "nothing was begun"
        writer.wait_for_more()
    with shared.target("user").connect() as connection:
        connection.execute("SELECT FROM accounts.somebodys")
    assert schemas(shared) == {"user_schema", "accounts"}


def test_a_name_taken_out_of_the_catalogue_is_told_of_until_it_is_back(
    shared: World,
) -> None:
    with moved(shared) as writer:
        ended = shared.run_with_fault("rename the schema", "acted", "kill", *FINISH)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        shared.gateway("user").pause(10.0)
        forgotten = renaming(shared, None)
        assert "put the `ownSchema` that it had back" in done(forgotten, "resume", "user", code=34)
        writer.wait_for_more()
        done(renaming(shared, "accounts"), *FINISH)

        said = done(renaming(shared, None), *FINISH, code=34)
        assert "services.yaml has no `ownSchema` any more" in said
        assert "put `ownSchema: accounts` back" in said
        assert len(said.strip().splitlines()) == 1, said
        another = renaming(shared, "ledgers")
        assert "services.yaml has `ownSchema: ledgers`" in result(another, "status", "user")["problems"][0]
        assert "put `ownSchema: accounts` back" in result(another, "resume", "user")["note"]
        writer.wait_for_more()
        writer.assert_each_write_is_there_once()
    with shared.target("user").connect() as connection:
        connection.execute("SET ROLE test_user_owner")
        connection.execute("ALTER SCHEMA accounts RENAME TO user_schema")
    assert "was finished already" in done(renaming(shared, None), *FINISH), "a person gave it the old name"
