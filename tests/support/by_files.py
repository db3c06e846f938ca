"""A service whose tables can come as files: an instance of its own that a move may stop and exchange."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from components.contract import LocalInstanceControl, Service
from core.interruption import Interruption
from core.observer import Observer, Unobserved
from core.progress.interface import Progress, Silent
from core.sessions.stack import source_database
from migration.copy.pace import CopyPace
from migration.examine.read_plan import examine, read_plan
from migration.journal.journal import open_journal
from migration.moves.online import Online
from migration.physical.choose import Physical
from migration.physical.places import Places, places_of
from migration.plan.model import Plan
from migration.steps.runner import Runner
from tests.support.clusters import Cluster, Clusters
from tests.support.moves import World, world

CANARY = "canary-of-a-neighbour-"
"""What is in rows of neighbours, and must be nowhere in the service's own instance."""

NEIGHBOURS = """
    CREATE SCHEMA neighbour_schema;
    CREATE TABLE neighbour_schema.secrets (id bigint PRIMARY KEY, what text NOT NULL, long text);
    INSERT INTO neighbour_schema.secrets SELECT i, 'canary-of-a-neighbour-' || i,
        'canary-of-a-neighbour-' || (
            SELECT string_agg(md5((i * 1000 + j)::text), '') FROM generate_series(1, 200) j)
        FROM generate_series(1, 200) i;
    ALTER TABLE neighbour_schema.secrets ALTER what SET STATISTICS 1000;
    CREATE INDEX ON neighbour_schema.secrets (what);
    ANALYZE neighbour_schema.secrets;
    SELECT lo_from_bytea(0, convert_to('canary-of-a-neighbour-in-a-large-object', 'UTF8'));
"""
"""Rows, long values, an index, statistics and a large object that nobody of the service may ever see."""


@dataclass(frozen=True)
class FilesScene:
    """A world with the service `user`, and the two servers that it is moved between."""

    world: World
    source: Cluster
    target: Cluster

    @property
    def service(self) -> Service:
        """The service that moves."""
        return self.world.contract.services["user"]

    @property
    def places(self) -> Places:
        """Where its files are brought."""
        places = places_of(self.service)
        assert places is not None
        return places

    @property
    def plan(self) -> Plan:
        """Its plan, as the source's catalogue is now."""
        return read_plan(self.world.contract, [self.service])

    @contextmanager
    def online(
        self,
        physical: Physical = "always",
        observer: Observer | None = None,
        progress: Progress | None = None,
        pace: CopyPace | None = None,
    ) -> Iterator[Online]:
        """The verbs in this process."""
        contract = self.world.contract
        with open_journal(source_database(contract), contract) as journal:
            runner = Runner(journal, Interruption(), progress or Silent(), observer or Unobserved())
            yield Online(contract, runner, workers=2, pace=pace or CopyPace(), physical=physical)

    def start(self, online: Online) -> None:
        """Let its own database follow."""
        plan = examine(self.world.contract, [self.service])
        plan.check()
        online.start(self.service, plan)

    def files_with(self, what: bytes) -> list[str]:
        """The files of the instance's folder, and of what is beside it, that contain `what`."""
        folder = self.places.data.parent
        return sorted(
            str(file.relative_to(folder))
            for file in folder.rglob("*")
            if file.is_file() and what in file.read_bytes()
        )


@contextmanager
def files_scene(
    folder: Path,
    clusters: Clusters,
    version: int,
    *,
    rows: int = 500,
    script: str = "",
    parameters: dict[str, str] | None = None,
) -> Iterator[FilesScene]:
    """Both servers of one version; `script` is run in the shared database beside NEIGHBOURS."""
    with (
        clusters.private("source", version, parameters) as source,
        clusters.private("target", version, parameters) as target,
        world(folder, source, target, rows=rows, services=("user",)) as made,
    ):
        with made.source.connect() as connection:
            connection.execute((NEIGHBOURS + script).encode())
        if version < 16:
            # There is no role yet that lets others make subscriptions.
            with target.database().connect() as connection:
                connection.execute("ALTER ROLE test_user_migration SUPERUSER")
        control = LocalInstanceControl(
            binaries=str(target.server.binaries),
            data=str(target.server.data),
            sockets=str(target.server.sockets),
        )
        service = made.contract.services["user"].model_copy(update={"instance_control": control})
        contract = made.contract.model_copy(update={"services": {"user": service}})
        scene = FilesScene(replace(made, contract=contract), source, target)
        scene.world.write_contract()
        yield scene
