"""Schema migrations while a service moves: carried over in both directions, or refused at once."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from components.contract import Login
from tests.clients.deploys import DEPLOYS, TOOLS
from tests.support.clusters import Clusters
from tests.support.moves import World, world
from tests.support.schema_tools import schema_tools
from tests.support.versions import DEFAULT_VERSIONS

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

SCHEMA = """
CREATE SCHEMA user_schema AUTHORIZATION $APP;
SET ROLE $APP;
CREATE TABLE user_schema.people (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO user_schema.people SELECT i, 'person ' || i FROM generate_series(1, 200) i;
CREATE TYPE user_schema.mood AS ENUM ('calm', 'busy');
RESET ROLE;
"""
CARRIED = (
    "ALTER TABLE people ADD COLUMN joined timestamptz NOT NULL DEFAULT now()",
    "CREATE TABLE notes (id bigserial PRIMARY KEY, person int REFERENCES people, mood mood DEFAULT 'calm')",
    "INSERT INTO notes (person) SELECT id FROM people WHERE id <= 5",
    "ALTER TABLE people ADD COLUMN note bigint REFERENCES notes",
    "UPDATE people SET note = 1 WHERE id = 1",
    "CREATE INDEX notes_person ON notes (person)",
    "CREATE UNIQUE INDEX CONCURRENTLY people_name ON people (name)",
    "COMMENT ON TABLE notes IS 'of people'",
    "ALTER TABLE people ALTER COLUMN name SET DEFAULT 'nobody', ALTER COLUMN joined DROP DEFAULT",
    "ALTER TABLE notes ALTER COLUMN mood SET DEFAULT 'busy'",
)
DEFAULTS = (
    "SELECT count(*) FROM information_schema.columns WHERE (table_name, column_name) IN"
    " (('people', 'name'), ('people', 'joined'), ('notes', 'mood'))"
    " AND (column_default LIKE '%nobody%' OR column_default LIKE '%busy%')"
)
INSERTED = "INSERT INTO notes (person) VALUES (9)"
FLYWAY = (
    (
        "V1__pets.sql",
        "CREATE TABLE pets (id bigserial PRIMARY KEY, owner int REFERENCES people); "
        "INSERT INTO pets (owner) VALUES (1);",
    ),
    (
        "V2__one.sql",
        "ALTER TABLE pets ADD COLUMN one int NOT NULL DEFAULT 1; "
        "CREATE TABLE ones (id int PRIMARY KEY); "
        "INSERT INTO ones VALUES (1);",
    ),
    (
        "V3__two.sql",
        "ALTER TABLE pets ADD COLUMN two int DEFAULT 2 CHECK (two > 0); CREATE INDEX ON pets (two);",
    ),
    (
        "V4__three.sql",
        "ALTER TABLE pets ADD COLUMN three int DEFAULT 3; "
        "CREATE TABLE threes (id serial PRIMARY KEY, one int REFERENCES ones); "
        "INSERT INTO threes (one) VALUES (1);",
    ),
    (
        "V5__four.sql",
        "ALTER TABLE pets ADD COLUMN four int DEFAULT 4;",
    ),
    (
        "V6__free.sql",
        "CREATE INDEX CONCURRENTLY pets_owner ON pets (owner);",
    ),
)
CHANGESETS = (
    "CREATE TABLE tags (id int PRIMARY KEY, tag text);",
    "ALTER TABLE tags ADD COLUMN at timestamptz DEFAULT now();",
    "CREATE TABLE tagged (tag int REFERENCES tags, person int); CREATE INDEX tagged_tag ON tagged (tag);",
    "INSERT INTO tags (id, tag) VALUES (1, 'one'); INSERT INTO tagged VALUES (1, 2);",
    "ALTER TABLE tagged ADD CONSTRAINT tagged_once UNIQUE (tag, person);",
    "ALTER TABLE tags DROP COLUMN at;",
)
DEPLOYED = {
    "SELECT count(*) FROM alembic_version WHERE version_num = '0006'": 1,
    "SELECT count(*) FROM django_migrations WHERE app = 'shop'": DEPLOYS,
    "SELECT count(*) FROM knex_migrations": DEPLOYS,
    "SELECT count(*) FROM migrations": DEPLOYS,
    "SELECT sum(tier) FROM alembic_items": 22,
    "SELECT sum(tier) FROM shop_item": 21,
    "SELECT sum(tier) FROM knex_items": 21,
    "SELECT sum(tier) FROM typeorm_item": 22,
    "SELECT count(item) FROM alembic_lines": 5,
    "SELECT sum(amount)::int FROM shop_line": 15,
    "SELECT count(*) FROM knex_lines WHERE note = 'of ' || item": 5,
    "SELECT count(*) FROM typeorm_line": 5,
}
"""What the deploys of `tests/clients/schema_tools` have made in the end."""
NO_LOCK = "-postgresql.transactional.lock=false"
REFUSED = (
    "ALTER TABLE people DROP COLUMN name",
    "ALTER TABLE people ALTER COLUMN name TYPE varchar(100)",
    "ALTER TABLE people ADD COLUMN key uuid DEFAULT gen_random_uuid()",
    "CREATE VIEW names AS SELECT name FROM people",
    "DROP TABLE people",
    "ALTER TYPE mood ADD VALUE 'cross'",
    "GRANT SELECT ON user_schema.people TO PUBLIC",
)


@pytest.fixture
def moving(clusters: Clusters, tmp_path: Path) -> Iterator[World]:
    source, target = clusters.get("source", DEFAULT_VERSIONS[0]), clusters.get("target", DEFAULT_VERSIONS[1])
    with world(tmp_path, source, target, services=("user",), script=SCHEMA, crossing=(), ddl=True) as made:
        yield made


def done(moving: World, *arguments: str) -> str:
    ran = moving.run(*arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def deploy(moving: World, *statements: str) -> None:
    """As a schema migration does: through the endpoint, with its login."""
    with ddl_session(moving) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def ddl_session(moving: World) -> psycopg.Connection[Any]:
    service = moving.contract.services["user"]
    login = service.ddl
    assert isinstance(login, Login)
    return psycopg.connect(
        host=service.endpoint.address,
        port=service.endpoint.port,
        dbname=service.ddl_database,
        user=login.name,
        password=login.password.get_secret_value(),
        autocommit=True,
        prepare_threshold=None,
    )


def test_what_deploys_do_is_carried_over_and_the_move_goes_on(moving: World) -> None:
    done(moving, "start", "user", "--yes")
    deploy(moving, *CARRIED)
    done(moving, "verify", "user")
    deploy(moving, "INSERT INTO notes (person) VALUES (7)")
    assert "differences" not in done(moving, "cutover", "user", "--yes")
    assert moving.open_sides("user") == {"target"}
    assert moving.count("user", "SELECT count(*) FROM notes") == 6
    assert moving.count("user", "SELECT count(DISTINCT joined) FROM people") == 1
    assert moving.count("user", DEFAULTS) == 2


def test_real_tools_deploy_in_every_phase_of_a_move(moving: World, tmp_path: Path) -> None:
    service = moving.contract.services["user"]
    tools = schema_tools(service, tmp_path)
    scripts: dict[str, str] = {}
    phases = (("start",), ("cutover",), ("rollback", "--immediate"), ("cutover",), ("finish",), ())
    for number, (verb, (name, text)) in enumerate(zip(phases, FLYWAY, strict=True), start=1):
        scripts[name] = text
        assert "Successfully applied 1 migration" in tools.flyway(scripts, NO_LOCK).stdout
        tools.liquibase(changelog(CHANGESETS[:number]))
        for tool in TOOLS:
            tool.deploy(number, service, tmp_path)
        if verb:
            done(moving, *verb, "user", "--yes")
    assert moving.count("user", "SELECT count(*) FROM flyway_schema_history") == 1 + len(FLYWAY)
    assert moving.count("user", "SELECT count(*) FROM databasechangelog") == len(CHANGESETS)
    assert moving.count("user", "SELECT sum(one) + sum(two) + sum(three) + sum(four) FROM pets") == 10
    assert {query: moving.count("user", query) for query in DEPLOYED} == DEPLOYED


def changelog(changesets: tuple[str, ...]) -> str:
    """Of formatted SQL, as Liquibase reads it."""
    sets = [f"--changeset of:{number}\n{text}\n" for number, text in enumerate(changesets, start=1)]
    return "--liquibase formatted sql\n" + "".join(sets)


def test_a_move_with_carried_changes_is_given_up_whole_and_begun_anew(moving: World) -> None:
    done(moving, "start", "user", "--yes")
    deploy(moving, *CARRIED)
    done(moving, "abort", "user", "--yes")
    deploy(moving, "DROP TABLE notes CASCADE", "ALTER TABLE people DROP COLUMN note")
    done(moving, "start", "user", "--yes")
    done(moving, "cutover", "user", "--yes")


def test_taking_over_can_be_killed_anywhere_and_loses_no_row(moving: World) -> None:
    done(moving, "start", "user", "--yes")
    deploy(moving, *CARRIED)
    stop = threading.Event()
    writer = threading.Thread(target=write, args=(moving, stop))
    writer.start()
    try:
        for moment in (0.9, 1.2, 1.6, 2.0):
            run = subprocess.Popen(
                moving.command("verify", "user"),
                env=moving.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(moment)
            run.kill()
            run.wait()
        done(moving, "verify", "user")
    finally:
        stop.set()
        writer.join()
    done(moving, "cutover", "user", "--yes")


def write(moving: World, stop: threading.Event) -> None:
    with moving.gated["user"].endpoint.connect() as connection:
        while not stop.is_set():
            connection.execute("INSERT INTO user_schema.notes (person) VALUES (3)")
            connection.execute("UPDATE user_schema.people SET note = 2 WHERE id = 3")
            time.sleep(0.01)


def test_what_waits_and_what_was_refused_is_seen_until_a_verification(moving: World) -> None:
    done(moving, "start", "user", "--yes")
    deploy(moving, "CREATE TABLE notes (id int PRIMARY KEY)", "INSERT INTO notes VALUES (1)")
    with moving.target("user").connect() as hold, hold.transaction():
        # The apply worker waits here with whatever comes.
        hold.execute("LOCK TABLE user_schema.people IN SHARE MODE")
        with moving.source.connect() as connection:
            connection.execute("UPDATE user_schema.people SET name = name WHERE id = 1")
        deploy(moving, "ALTER TABLE notes ADD COLUMN more int")
        assert sorted(one["state"] for one in shown(moving)) == ["rows wait", "waits"]
        assert "user: schema change waits: ALTER TABLE of " in done(moving, "status", "user")
    done(moving, "verify", "user")
    assert shown(moving) == []
    done(moving, "cutover", "user", "--yes")
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        deploy(moving, REFUSED[0])
    assert [one["state"] for one in shown(moving)] == ["refused"]
    gates = json.loads(moving.run("gates", "user", "--json").stdout)["services"]["user"]["gates"]
    (found,) = (gate for gate in gates if gate["name"] == "schema-changes")
    assert found["verdict"] == "warn"
    assert found["figure"].startswith("refused: ALTER TABLE at ")
    assert "it drops what was there" in found["figure"]


def shown(moving: World) -> list[dict[str, str]]:
    """What `status` shows of changes that are not on both sides."""
    found: list[dict[str, str]] = json.loads(done(moving, "status", "user", "--json"))["services"]["user"][
        "schema_changes"
    ]
    return found


@pytest.mark.parametrize("phase", ["following", "moved"])
def test_the_rest_is_refused_at_once_and_leaves_the_move_as_it_was(moving: World, phase: str) -> None:
    done(moving, "start", "user", "--yes")
    if phase == "moved":
        done(moving, "cutover", "user", "--yes")
    with ddl_session(moving) as connection:
        for statement in REFUSED:
            with pytest.raises(errors.ObjectNotInPrerequisiteState, match="refused while the service"):
                connection.execute(statement.encode())
    done(moving, *(("rollback", "--immediate") if phase == "moved" else ("cutover",)), "user", "--yes")
