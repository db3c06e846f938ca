"""What the steps of one service's move work on, and what several moves of a run share."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from components.contract import Contract, Service
from migration.connections import Database
from migration.gateway import Gateway
from migration.journal import Journal, Move
from migration.left_files import own_prefix, remove_left
from migration.ownership import Ownership
from migration.plan_model import Plan, ServicePlan
from migration.progress import Progress
from migration.schema import SchemaDump, dump_schema
from migration.stack import source_database, target_database
from migration.verification_model import Verification

PAUSE_SECONDS = 30.0
"""How long a transaction under way may take to end before the pause is given up."""
_DUMPS = "waqiti-schema-"


class SchemaDumps:
    """The shared database's schema, dumped once for each major version of the targets.

    A dump is of the time of the plan that it goes with: DDL that comes later is found by the verification,
    which compares the schemas, too.
    """

    def __init__(self, source: Database, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._made: dict[int, SchemaDump] = {}

    def get(self, version: int) -> SchemaDump:
        """The dump for targets of this major version. Raises what `dump_schema` does."""
        if version not in self._made:
            self._made[version] = dump_schema(self._source, self._folder, version)
        return self._made[version]


@contextlib.contextmanager
def schema_dumps(source: Database) -> Iterator[SchemaDumps]:
    """Dumps that are removed when the context ends, and those that a killed process left."""
    remove_left(_DUMPS)
    with tempfile.TemporaryDirectory(prefix=own_prefix(_DUMPS)) as folder:
        yield SchemaDumps(source, Path(folder))


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
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None  # noqa: S101 (the function returns one row)
        yield row[0]
