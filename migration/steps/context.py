"""What the steps of one service's move work on, and what several moves of a run share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from components.contract import Contract, Service
from core.gateway.gateway import Gateway
from core.progress.interface import Progress
from core.sessions.connections import Database
from core.sessions.orphans import end_orphans
from core.sessions.stack import source_database, target_database
from migration.copy.pace import CopyPace
from migration.guards.ownership import Ownership
from migration.journal.journal import Journal, Move
from migration.physical.choose import Chosen, Physical
from migration.plan.model import Plan, ServicePlan
from migration.replicate.flow import Flow
from migration.schema.dump import SchemaDump
from migration.schema.dumps import SchemaDumps, schema_dumps
from migration.verify.model import Verification

PAUSE_SECONDS = 30.0
"""How long a transaction under way may take to end before the pause is given up."""


@dataclass
class OfflineMove:
    """What the steps of one service's offline move work on."""

    contract: Contract
    service: Service
    plan: Plan
    journal: Journal
    move: Move
    progress: Progress
    stop: threading.Event
    workers: int
    pause_seconds: float = PAUSE_SECONDS
    verification: Verification | None = None
    """The verdict, once the verification ran."""
    dropped_keys: list[str] = field(default_factory=list)
    dumps: SchemaDumps | None = None
    """Dumps to share with other services' moves; None: the move makes its own."""

    @property
    def name(self) -> str:
        """The service."""
        return self.service.name

    @property
    def own(self) -> ServicePlan:
        """The service's part of the plan."""
        return self.plan.services[self.name]

    @property
    def source(self) -> Database:
        """The shared database."""
        return source_database(self.contract)

    @property
    def target(self) -> Database:
        """The service's own database."""
        return target_database(self.service)

    @property
    def gateway(self) -> Gateway:
        """The service's gateway."""
        return Gateway(self.service, self.contract.source)

    @property
    def schemas(self) -> list[str]:
        """The schemas of all services."""
        return [service.schema_name for service in self.contract.services.values()]

    @contextlib.contextmanager
    def schema_dump(self) -> Iterator[SchemaDump]:
        """The shared database's schema for this service's target; readable while the context lasts."""
        with contextlib.nullcontext(self.dumps) if self.dumps else schema_dumps(self.source) as dumps:
            yield dumps.get(self.service.version)

    def guards(self, database: Database) -> Ownership:
        """The service's guards on a side; the caller closes them."""
        return Ownership(database, self.name, self.service.schema_name)


@contextlib.contextmanager
def exported_snapshot(source: Database) -> Iterator[str]:
    """The identifier of a snapshot of `source` that other sessions can take while the context lasts."""
    with source.connect(autocommit=False) as connection:
        with source.translated("exporting a snapshot"):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None  # noqa: S101 (the function returns one row)
        yield row[0]


@dataclass
class OnlineMove(OfflineMove):
    """What the steps of one service's online move work on."""

    wal_limit_bytes: int = 10 << 30
    """WAL that the slot may keep on the source's disk."""
    catch_up_seconds: float = 24 * 3600.0
    pace: CopyPace = field(default_factory=CopyPace)
    physical: Physical = "never"
    files: Chosen | None = None
    """How its tables come as files; None: they are copied."""

    def forward(self) -> Flow:
        """The replication to the service's own database; the caller closes it."""
        return Flow(self.name, "forward", self.source, self.target)

    def back(self) -> Flow:
        """The replication back to the shared database; the caller closes it."""
        return Flow(self.name, "back", self.target, self.source)


def end_orphans_of(move: OnlineMove) -> None:
    """What a dead run left on either side must not act in the middle of ours."""
    for database in (move.source, move.target):
        end_orphans(database, comparing=True)
