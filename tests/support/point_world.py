"""Three services and their servers, for restore points: two live in their own databases, one in the shared.

Each business act writes its cause in one service and its effect in the next: user -> payment -> wallet.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from pydantic import SecretStr

from components.contract import Contract, Login
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from servers.pgbouncer import PgBouncerServer
from tests.support.clusters import Cluster, Clusters
from tests.support.contracts import make_contract
from tests.support.gateways import ensure_login, gated_service
from tests.support.moves import revealed
from tests.support.restored import Archive, archiving, as_restored, restored, ship

APPLICATION = Login(name="points_application", password=SecretStr("application-password-of-nothing"))
BACKUP = Login(name="points_backup", password=SecretStr("backup-password-of-nothing"))
SERVICE = Login(name="points_service", password=SecretStr("service-password-of-nothing"))
MIGRATION = Login(name="points_migration", password=SecretStr("migration-password-of-nothing"))


@dataclass(frozen=True)
class Business:
    """Services in the order in which an act goes through them; each row's cause is the one before."""

    tables: Mapping[str, str]
    keys: tuple[str, ...]
    writes: Mapping[str, LiteralString]
    """Of each service; `own` is the id of its row, `cause` that of the service's before."""
    moved: tuple[str, ...]


THREE = Business(
    tables={
        "user": "CREATE TABLE user_schema.users (id uuid PRIMARY KEY, name text NOT NULL)",
        "payment": "CREATE TABLE payment_schema.payments (id uuid PRIMARY KEY, user_id uuid NOT NULL, a int)",
        "wallet": "CREATE TABLE wallet_schema.entries (id bigserial PRIMARY KEY, payment_id uuid NOT NULL)",
    },
    keys=(
        "ALTER TABLE payment_schema.payments ADD CONSTRAINT payments_user_fkey"
        " FOREIGN KEY (user_id) REFERENCES user_schema.users NOT VALID",
        "ALTER TABLE wallet_schema.entries ADD CONSTRAINT entries_payment_fkey"
        " FOREIGN KEY (payment_id) REFERENCES payment_schema.payments NOT VALID",
    ),
    writes={
        "user": "INSERT INTO user_schema.users VALUES (%(own)s, 'somebody')",
        "payment": "INSERT INTO payment_schema.payments VALUES (%(own)s, %(cause)s, 7)",
        "wallet": "INSERT INTO wallet_schema.entries (payment_id) VALUES (%(cause)s)",
    },
    moved=("user", "payment"),
)

EIGHT_NAMES: tuple[LiteralString, ...] = (
    "user", "payment", "wallet", "ledger", "compliance", "analytics", "security", "notification",
)  # fmt: skip
EIGHT = Business(
    tables={
        name: f"CREATE TABLE {name}_schema.acts (id uuid PRIMARY KEY, cause uuid)" for name in EIGHT_NAMES
    },
    keys=tuple(
        f"ALTER TABLE {effect}_schema.acts ADD CONSTRAINT acts_cause_fkey FOREIGN KEY (cause)"
        f" REFERENCES {cause}_schema.acts NOT VALID"
        for cause, effect in itertools.pairwise(EIGHT_NAMES)
    ),
    writes={
        name: "INSERT INTO " + name + "_schema.acts VALUES (%(own)s, %(cause)s)"  # noqa: S608
        for name in EIGHT_NAMES
    },
    moved=EIGHT_NAMES,
)
"""All services in databases of their own."""

GRANTS = (
    "GRANT pg_read_all_data, pg_read_all_stats, pg_read_all_settings TO {backup}",
    "GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO {backup}",
    "ALTER ROLE {backup} REPLICATION BYPASSRLS",
)


@dataclass
class PointWorld:
    """The contract, and what runs behind it."""

    contract: Contract
    clusters: Mapping[str, Cluster]
    """By place: `shared`, `user`, `payment`."""
    archives: Mapping[str, Archive]
    gateways: Mapping[str, PgBouncerServer]
    endpoints: Mapping[str, Database]
    folder: Path
    business: Business

    def gateway(self, service: str) -> Gateway:
        """A service's gateway."""
        return Gateway(self.contract.services[service], self.contract.source)

    @property
    def contract_file(self) -> Path:
        """The contract as programs read it."""
        path = self.folder / "contract.json"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump(revealed(self.contract.model_dump()), file)
        return path

    def take_base_backups(self) -> None:
        """One of each place, unless there are."""
        for place, archive in self.archives.items():
            if not archive.base.exists():
                archive.take(self.clusters[place])

    @contextmanager
    def restored(self, point: str) -> Iterator[dict[str, Database]]:
        """Every service's database restored to a point, by service, as the superuser sees it."""
        home = {name: name if name in self.business.moved else "shared" for name in self.contract.services}
        with ExitStack() as stack:
            servers = {}
            for place in dict.fromkeys(home.values()):
                cluster, archive = self.clusters[place], self.archives[place]
                ship(cluster, archive)
                servers[place] = stack.enter_context(
                    restored(
                        cluster,
                        archive,
                        self.folder / "scratch" / place,
                        {"recovery_target_name": point},
                    )
                )
            yield {name: as_restored(self.place(place), servers[place]) for name, place in home.items()}

    def paused(self) -> set[str]:
        """Whose clients wait now."""
        return {name for name in self.contract.services if self.gateway(name).is_paused()}

    def place(self, place: str) -> Database:
        """A place as its superuser."""
        name = "waqiti" if place == "shared" else f"waqiti_{place}s"
        return self.clusters[place].database(name)


@contextmanager
def point_world(folder: Path, clusters: Clusters, business: Business = THREE) -> Iterator[PointWorld]:
    """Bring it up; all of it goes with the context."""
    with ExitStack() as stack:
        made, archives = {}, {}
        for place in ("shared", *business.moved):
            archive = Archive(folder / "archives" / place)
            made[place] = stack.enter_context(
                clusters.private("source" if place == "shared" else "target", 17, archiving(archive))
            )
            archives[place] = archive
        shared = _fill_shared(made["shared"], business)
        gateways, endpoints, services = {}, {}, []
        for name in business.tables:
            own = (
                _fill_own(made[name], name, business)
                if name in business.moved
                else _nowhere(made["shared"], name)
            )
            gated = stack.enter_context(
                gated_service(
                    name, shared, own, application=APPLICATION, service_login=SERVICE, owner=SERVICE.name
                )
            )
            gateways[name], endpoints[name] = gated.server, gated.endpoint
            services.append(gated.service.model_copy(update={"backup": BACKUP, "migration": MIGRATION}))
        contract = make_contract(shared, services, APPLICATION)
        world = PointWorld(contract, made, archives, gateways, endpoints, folder, business)
        for name in business.moved:
            world.gateway(name).repoint("target")
        yield world


def _fill_shared(cluster: Cluster, business: Business) -> Database:
    with cluster.database().connect() as connection:
        connection.execute("CREATE DATABASE waqiti")
    database = cluster.database("waqiti")
    ensure_login(database, APPLICATION)
    with database.connect() as connection:
        for name, table in business.tables.items():
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(f"{name}_schema")))
            connection.execute(table.encode())
        for key in business.keys:
            connection.execute(key.encode())
            # Of rows that are elsewhere; `migration` drops and keeps it.
            connection.execute(f"ALTER TABLE {key.split()[2]} DISABLE TRIGGER ALL".encode())
        for name in business.tables:
            schema = sql.Identifier(f"{name}_schema")
            role = sql.Identifier(APPLICATION.name)
            for grant in (
                "GRANT USAGE ON SCHEMA {0} TO {1}",
                "GRANT ALL ON ALL TABLES IN SCHEMA {0} TO {1}",
                "GRANT ALL ON ALL SEQUENCES IN SCHEMA {0} TO {1}",
            ):
                connection.execute(sql.SQL(grant).format(schema, role))
    return database


def _fill_own(cluster: Cluster, service: str, business: Business) -> Database:
    name = f"waqiti_{service}s"
    with cluster.database().connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = cluster.database(name)
    for login in (SERVICE, BACKUP, MIGRATION):
        ensure_login(database, login)
    schema = sql.Identifier(f"{service}_schema")
    with database.connect() as connection:
        connection.execute(
            sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, sql.Identifier(SERVICE.name))
        )
        connection.execute(business.tables[service].encode())
        connection.execute(
            sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA {} TO {}").format(schema, sql.Identifier(SERVICE.name))
        )
        for grant in GRANTS:
            connection.execute(sql.SQL(grant).format(backup=sql.Identifier(BACKUP.name)))
    return database


def _nowhere(cluster: Cluster, service: str) -> Database:
    """A service that has not moved: its own instance is not asked."""
    return cluster.database(f"waqiti_{service}s")


@dataclass
class Chain:
    """Clients that write cause, effect and effect's effect, one service after the other, all the time."""

    world: PointWorld
    clients: int = 3
    failed: list[str] = field(default_factory=list)
    done: int = 0
    longest: float = 0.0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.clients)]

    def __enter__(self) -> Chain:
        for thread in self._threads:
            thread.start()
        self.wait_for_more(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for_more(self, count: int = 3, seconds: float = 20.0) -> None:
        """Until so many more acts are done: all services are served."""
        wanted, deadline = self.done + count, time.monotonic() + seconds
        while self.done < wanted:
            assert time.monotonic() < deadline, f"nothing is served; the last said {self.failed[-1:]}"
            time.sleep(0.005)

    def _work(self) -> None:
        with ExitStack() as stack:
            sessions = [
                stack.enter_context(
                    psycopg.connect(
                        self.world.endpoints[name].conninfo(), autocommit=True, prepare_threshold=None
                    )
                )
                for name in self.world.business.tables
            ]
            while not self._stop.is_set():
                try:
                    self._act(sessions)
                except psycopg.Error as error:
                    self.failed.append(str(error))
                    return
                self.done += 1

    def _act(self, sessions: Sequence[psycopg.Connection[tuple[object, ...]]]) -> None:
        cause: uuid.UUID | None = None
        for session, statement in zip(sessions, self.world.business.writes.values(), strict=True):
            own, begun = uuid.uuid4(), time.monotonic()
            session.execute(statement, {"own": own, "cause": cause})
            self.longest = max(self.longest, time.monotonic() - begun)
            cause = own
