"""Replicas through the whole life of both services, at work; and what happens to them on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import LiteralString, Self

import psycopg
import pytest
from psycopg import sql

from components.contract import CrossingRule, DockerLink
from components.replication_roles import reading_role
from core.errors import WrongState
from core.progress.interface import Silent
from core.sessions.connections import Database
from migration.examine.read_plan import read_plan
from migration.fidelity.compare import compare_schemas
from migration.finish.finish import finish_service
from migration.moves.consolidate import consolidation, restore_keys
from migration.references.link import follow
from migration.references.model import read_links
from migration.references.shape import changed_shapes
from servers.pgbouncer_routes import read_routes
from tests.support.clusters import Cluster
from tests.support.moves import CROSSING, World, login, world
from tests.support.reference_scene import (
    FOLLOWING_OWN,
    FOLLOWING_SHARED,
    NONE,
    RULES,
    Scene,
    played,
    referring,
)
from tests.support.writer import Writer

pytestmark = pytest.mark.acceptance


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


USERS: LiteralString = "SELECT id, email, tiers::text FROM user_schema.users ORDER BY id"
WRITE: LiteralString = (
    "WITH made AS (INSERT INTO users (email, tiers) VALUES (%s, '{free,gold}') RETURNING id)"
    " UPDATE users SET tiers = array_append(tiers::user_schema.tier[], 'gold')"
    " WHERE id = (SELECT min(id) FROM users WHERE cardinality(tiers) < 8)"
)


@pytest.fixture
def scene(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[Scene]:
    with world(tmp_path, source_cluster, target_cluster, rows=200) as made, played(referring(made)) as scene:
        yield scene


@dataclass
class Reader:
    """Asks a database the same thing all the time, on one session, and keeps what it was told."""

    database: Database
    query: LiteralString
    told: set[object] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _work(self) -> None:
        try:
            with self.database.connect(application_name="reader") as connection:
                while not self._stop.wait(0.02):
                    self.told.add(connection.execute(self.query).fetchone())
        except psycopg.Error as error:
            self.failed.append(str(error))


def rows_of(database: Database) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return connection.execute(USERS).fetchall()


def arrive(own: Database, replica: Database, seconds: float = 60.0) -> None:
    """Wait until a replica of users has all rows of the service's own table, and no others."""
    deadline = time.monotonic() + seconds
    while (wanted := rows_of(own)) != (found := rows_of(replica)):
        assert time.monotonic() < deadline, f"{len(found)} rows in the replica, {len(wanted)} in the table"
        time.sleep(0.2)


@pytest.mark.parametrize("versions", [(15, 17), (17, 18)], indirect=True, ids=["15-to-17", "17-to-18"])
def test_a_replica_is_never_empty_and_misses_nothing_under_load(
    scene: Scene,
) -> None:
    made = scene.world
    scene.start("payment")
    whole: LiteralString = "SELECT count(*), count(tiers) FROM payment_schema.who"
    with Writer(made.gated["user"].endpoint, WRITE) as writer, Reader(scene.payments(), whole) as reader:
        scene.start("user")
        for verb, name in (
            ("cutover", "user"),
            ("cutover", "payment"),
            ("rollback", "user"),
            ("rollback", "payment"),
            ("cutover", "payment"),
            ("cutover", "user"),
        ):
            scene.switch(verb, name)
            writer.wait_for_more()
        plan = read_plan(made.contract, [scene.service("payment")])
        assert compare_schemas(made.source, made.target("payment"), plan, "payment", made.contract) == ()
        assert scene.traces() == FOLLOWING_SHARED
        finish_service(scene.online, scene.service("user"))
        writer.wait_for_more()
        finish_service(scene.online, scene.service("payment"))
        writer.wait_for_more()
    assert (writer.failed, reader.failed) == ([], [])
    assert reader.told == {(200, 200)}
    arrive(made.target("user"), scene.payments())
    assert scene.traces() == FOLLOWING_OWN


def test_a_complete_rollback_leaves_the_replica_following(scene: Scene) -> None:
    for name in ("payment", "user"):
        scene.start(name)
        scene.switch("cutover", name)
    services = [scene.service(name) for name in ("user", "payment")]
    todo = consolidation(scene.world.contract, services, scene.online.runner.journal.moves())
    for service in todo.back:
        scene.switch("rollback", service.name)
    assert set(restore_keys(scene.world.contract, todo.shared_after).states.values()) == {"valid"}
    scene.arrives(scene.write("back in the shared database"), "back in the shared database")
    for service in services:
        scene.online.abort(service, read_plan(scene.world.contract, [service]))
    assert scene.traces() == NONE


def test_a_truncate_arrives_and_ddl_elsewhere_does_not_matter(scene: Scene) -> None:
    scene.start("payment")
    source, contract = scene.world.source, scene.world.contract
    with source.connect() as connection:
        connection.execute("ALTER TABLE user_schema.users ADD more int, DROP COLUMN profile")
        connection.execute("TRUNCATE user_schema.users CASCADE")
        connection.execute("INSERT INTO user_schema.users (email, more) VALUES ('new', 1)")
        arrive(source, scene.payments())
        assert changed_shapes(contract, connection, "payment") == ()
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            connection.execute("ALTER TABLE user_schema.users DROP COLUMN email")
        connection.execute("ALTER TABLE user_schema.users RENAME COLUMN email TO mail")
        connection.execute("INSERT INTO user_schema.users (mail) VALUES ('renamed')")
        (change,) = changed_shapes(contract, connection, "payment")
        assert "column user_schema.users.email is not what it is" in change.said
        assert change.advice.startswith("undo that")
        connection.execute("ALTER TABLE user_schema.users RENAME COLUMN mail TO email")
        (link,) = read_links(connection)
    # The row is sent under the name that the column had: only filling it anew leads past it.
    follow(contract, link)
    arrive(source, scene.payments())


@pytest.mark.parametrize(
    ("closed", "opened", "said"),
    [
        # What only the reader's server meets: its own way in is closed.
        ("ALTER ROLE {reading} NOREPLICATION", "ALTER ROLE {reading} REPLICATION", "start WAL sender"),
        # What a stack without `reads` lacks. The migration's own login is not what it follows with instead.
        ("REVOKE {reading} FROM {migration}", "GRANT {reading} TO {migration}", "making the login"),
    ],
)
def test_nothing_is_finished_that_its_reader_could_not_follow(
    scene: Scene, target_cluster: Cluster, closed: LiteralString, opened: LiteralString, said: str
) -> None:
    for name in ("payment", "user"):
        scene.start(name)
        scene.switch("cutover", name)
    user, reader = scene.service("user"), reading_role("payment", "user")
    names = {
        "reading": sql.Identifier(reader),
        "migration": sql.Identifier(user.migration.name),
    }

    def run(statement: LiteralString) -> None:
        with target_cluster.database().connect() as connection:
            connection.execute(sql.SQL(statement).format(**names))

    run(closed)
    try:
        with pytest.raises(WrongState, match=f"payment reads user, and its server does not get in.*{said}"):
            finish_service(scene.online, user)
    finally:
        run(opened)
    assert scene.traces() == FOLLOWING_SHARED
    scene.arrives(scene.write("goes on"), "goes on")
    finish_service(scene.online, user)
    assert scene.traces() == FOLLOWING_OWN
    with target_cluster.database().connect() as connection:
        kept = connection.execute(
            "SELECT subconninfo FROM pg_subscription WHERE subname = %s", [reader]
        ).fetchone()
    assert kept is not None
    assert f"user={reader}" in kept[0]


def test_a_finish_that_cannot_leave_the_shared_network_says_so(
    scene: Scene,
) -> None:
    scene.start("user")
    scene.switch("cutover", "user")
    nobody = DockerLink(socket="/nowhere/docker.sock", network="link", containers=("user-instance",))
    user = scene.service("user")
    user = user.model_copy(
        update={"instance_control": user.instance_control.model_copy(update={"link": nobody})}
    )
    services = {**scene.world.contract.services, "user": user}
    contract = scene.world.contract.model_copy(update={"services": services})
    told = Told()
    runner = replace(scene.online.runner, progress=told)
    finish_service(replace(scene.online, contract=contract, runner=runner), user)
    (note,) = [text for text in told.notes if "shared database" in text]
    assert note.startswith("user keeps its way to the shared database until `pulumi up`:")
    assert "does not run" in note
    route = read_routes(Path(user.gateway_control.routes))
    assert route is not None
    assert route.for_good, "what `pulumi up` goes by"


AUDIT = """
CREATE SCHEMA audit_schema;
GRANT USAGE ON SCHEMA audit_schema TO shared_application;
CREATE TABLE audit_schema.notes (id int PRIMARY KEY, payment bigint);
INSERT INTO audit_schema.notes SELECT n, n FROM generate_series(1, 10) n;
CREATE VIEW audit_schema.seen AS
    SELECT n.id, p.status, p.amount, u.email, u.tiers
    FROM audit_schema.notes n JOIN payment_schema.payments p ON p.id = n.payment
    JOIN user_schema.users u ON u.id = p.user_id;
CREATE VIEW user_schema.noted AS
    SELECT u.id, n.payment FROM user_schema.users u JOIN audit_schema.notes n ON n.id = u.id;
GRANT SELECT ON user_schema.noted TO shared_application;
"""


@pytest.fixture
def three(tmp_path: Path, source_cluster: Cluster, target_cluster: Cluster) -> Iterator[Scene]:
    """Audit reads payments and users, payment reads users, and user reads audit."""
    names = ("user", "payment", "audit")
    with world(tmp_path, source_cluster, target_cluster, rows=20, services=names) as made:
        referred = referring(made)
        with made.source.connect() as connection:
            connection.execute(AUDIT.encode())
        services = dict(referred.contract.services)
        rule = CrossingRule(match="view *", action="reference", reason="a report")
        for name in ("audit", "user"):
            services[name] = services[name].model_copy(update={"crossing": (rule, *CROSSING)})
        assert services["payment"].crossing == RULES
        whole: World = replace(referred, contract=referred.contract.model_copy(update={"services": services}))
        with played(whole) as scene:
            yield scene


def test_services_may_read_each_other_in_chains_and_in_a_ring(three: Scene) -> None:
    names = ("audit", "payment", "user")
    for name in names:
        three.start(name)
    for name in ("payment", "user", "audit"):
        three.switch("cutover", name)
    for name in ("user", "audit", "payment"):
        finish_service(three.online, three.service(name))
    made = three.world
    audit = replace(made.target("audit"), login=login("audit", "service"))
    with made.gated["user"].endpoint.connect() as connection:
        connection.execute("UPDATE users SET email = 'changed', tiers = '{gold}' WHERE id = 3")
    with made.gated["payment"].endpoint.connect() as connection:
        connection.execute("UPDATE payments SET status = 'paid' WHERE user_id = 3")
    with audit.connect() as connection:
        connection.execute("INSERT INTO audit_schema.notes VALUES (11, 5)")
    for replica in (audit, three.payments()):
        arrive(made.target("user"), replica)
    shows(
        audit,
        "SELECT status, email, tiers::text FROM audit_schema.seen WHERE id = 3",
        ("paid", "changed", "{gold}"),
    )
    user = replace(made.target("user"), login=login("user", "service"))
    shows(user, "SELECT payment FROM user_schema.noted WHERE id = 11", (5,))


def shows(
    database: Database, query: LiteralString, wanted: tuple[object, ...], seconds: float = 30.0
) -> None:
    """Wait until a query gives this row."""
    deadline = time.monotonic() + seconds
    while True:
        with database.connect() as connection:
            row = connection.execute(query).fetchone()
        if row == wanted:
            return
        assert time.monotonic() < deadline, f"{query} shows {row}"
        time.sleep(0.1)
