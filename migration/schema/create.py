"""Creates a service's schema on its own database before the rows, and builds the rest after them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from psycopg import sql

from components.contract import Contract, Service
from core.errors import Interrupted
from core.progress.interface import Progress, Silent
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.boundary.replicas import marks_of
from migration.boundary.row_security import kept_statements, roles_of
from migration.catalog.ddl_statement import Statement
from migration.catalog.identity import ObjectId
from migration.catalog.objects import Extension
from migration.copy.throttle import Throttle, Unthrottled
from migration.plan.model import Plan
from migration.schema.build import Builder
from migration.schema.dump import SchemaDump
from migration.schema.grants import grant_statements
from migration.schema.phases import make_phases
from migration.schema.replica_tables import REPLICA, replica_statements
from migration.schema.script import Script, make_script
from migration.schema.target import (
    check_ours,
    ddl_session,
    done_statements,
    drop_schema_on_target,
    ensure_marks,
    run_noted,
)

query = queries(__package__)

_BATCH = 200
"""Statements in a transaction: few commits, and far fewer locks than a server has by default."""
LEAST_MEMORY_KILOBYTES, MOST_MEMORY_KILOBYTES = 65_536, 1_048_576


def service_script(contract: Contract, plan: Plan, name: str, dump: SchemaDump) -> Script:
    """The service's part of the dump. Raises SchemaChanged when dump and plan do not fit each other."""
    service, own = contract.services[name], plan.services[name]
    replicas = replica_statements(service, own.replicas)
    policies = plan.catalog.row_security.policies
    roles = {key: roles_of(one, plan.catalog, contract, service) for key, one in policies.items()}
    script = make_script(dump, own, plan.catalog, roles, replicas)
    return replace(script, after=(*script.after, *kept_statements(service, plan.catalog, own.objects)))


def create_schema(
    contract: Contract,
    plan: Plan,
    name: str,
    dump: SchemaDump,
    target: Database,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Create, on `target`, all of the service `name` that comes before the rows; returns how many statements.

    What an earlier run made for this service is dropped first, rows included: never call it once the target
    may have been written to. `target` is the migration role's view of the service's own database.

    Raises SchemaOnTarget or TargetNotEmpty when the database holds what this program did not make,
    SchemaChanged, CopyFailed with the statement's object, ConnectionLost, DiskFull, Interrupted.
    """
    progress, stop = progress or Silent(), stop or threading.Event()
    service, own = contract.services[name], plan.services[name]
    script = service_script(contract, plan, name, dump)
    progress.phase(f"{name}: schema", len(script.before), "steps")
    drop_schema_on_target(target, name)
    with ddl_session(target) as connection:
        with target.translated("looking at what is there"):
            check_ours(connection, target, name, own.schema)
        _prepare(connection, target, service, own.schemas, own.extensions)
        for marks, batch in _batches(name, script.before):
            if stop.is_set():
                raise Interrupted(f"interrupted while creating {own.schema}; run it again to start it over")
            run_noted(connection, target, marks, service.owner, batch, path=service.own_search_path)
            for statement in batch:
                progress.done(statement.name, 0, 0, 0.0)
        _grant(
            connection, target, service, grant_statements(service, own, plan.catalog, without=_late(script))
        )
    return len(script.before)


def _late(script: Script) -> frozenset[ObjectId]:
    """What is made only after the rows, because it groups by a primary key, say."""
    return frozenset(s.object_id for s in script.after) - {s.object_id for s in script.before}


def _grant(
    connection: Connection, target: Database, service: Service, grants: Iterable[sql.Composed]
) -> None:
    with target.translated(f"granting {service.service.name} its rights"), connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(service.owner)))
        for grant in grants:
            connection.execute(grant)


def _batches(name: str, statements: Sequence[Statement]) -> Iterator[tuple[str, Sequence[Statement]]]:
    """Some at a time, in their order, with that under which they are noted: replicas are noted apart."""
    for replica, group in groupby(statements, lambda statement: statement.kind == REPLICA):
        some = tuple(group)
        for begin in range(0, len(some), _BATCH):
            yield marks_of(name) if replica else name, some[begin : begin + _BATCH]


def _prepare(
    connection: Connection,
    target: Database,
    service: Service,
    schemas: Iterable[str],
    extensions: Sequence[Extension],
) -> None:
    """Make the schemas and extensions that are missing; the stack has made the usual ones."""
    with target.translated("looking at what is there"):
        there = {row[0] for row in connection.execute("SELECT nspname FROM pg_namespace")}
        installed = {row[0] for row in connection.execute("SELECT extname FROM pg_extension")}
    missing = [e for e in extensions if e.name not in installed]
    statements = [
        Statement(f"schema {name}", "SCHEMA", (0, 0), _compose(sql.SQL("CREATE SCHEMA {}"), name))
        for name in dict.fromkeys([*schemas, *(e.schema for e in missing)])
        if name not in there
    ]
    creation = sql.SQL("CREATE EXTENSION {} WITH SCHEMA {}")
    statements += [
        Statement(f"extension {e.name}", "EXTENSION", e.id, _compose(creation, e.name, e.schema))
        for e in missing
    ]
    run_noted(connection, target, service.name, service.owner, statements)


def _compose(template: sql.SQL, *names: str) -> str:
    return template.format(*(sql.Identifier(name) for name in names)).as_string(None)


@dataclass(frozen=True)
class Built:
    """What was built after the rows."""

    statements: int
    """All there are, those of an earlier run too."""
    seconds: Mapping[str, float]
    """What each phase took, by its name; those that had nothing to do are left out."""


def build_indexes(
    contract: Contract,
    plan: Plan,
    name: str,
    dump: SchemaDump,
    target: Database,
    *,
    workers: int = 2,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    throttle: Throttle | None = None,
) -> Built:
    """Build all that comes after the rows: indexes, keys, statistics, materialized views, triggers, policies;
    and grant what is made only now.

    Also analyzes the tables. Goes on where an earlier run was cut off. `workers` is the number of
    connections that build at once; `throttle` holds them back between two statements.

    Raises CopyFailed with the object's name (a key that the rows violate, say), DiskFull, ConnectionLost,
    Interrupted once `stop` is set.
    """
    service, own = contract.services[name], plan.services[name]
    script = service_script(contract, plan, name, dump)
    phases = make_phases(script.after, own, plan.catalog)
    builder = make_builder(
        service, target, workers=workers, progress=progress, stop=stop, throttle=throttle or Unthrottled()
    )
    builder.run(phases)
    with ddl_session(target) as connection:
        _grant(connection, target, service, grant_statements(service, own, plan.catalog, only=_late(script)))
    return Built(sum(len(phase.tasks) for phase in phases), builder.seconds)


def make_builder(
    service: Service,
    target: Database,
    *,
    workers: int,
    progress: Progress | None,
    stop: threading.Event | None,
    throttle: Throttle,
) -> Builder:
    """What builds on `target`, and leaves out what it knows to be done. Raises ConnectionLost, ..."""
    with ddl_session(target) as connection, target.translated("looking at what is there"):
        ensure_marks(connection)
        done = done_statements(connection, service.name)
        cache = connection.execute(query("cache_kilobytes")).fetchone()
    workers = max(workers, 1)
    return Builder(
        target=target,
        service=service.name,
        owner=service.owner,
        workers=workers,
        progress=progress or Silent(),
        stop=stop or threading.Event(),
        done=done,
        memory_kilobytes=memory_kilobytes(cache[0] if cache else None, workers),
        throttle=throttle,
        path=service.own_search_path,
    )


def memory_kilobytes(cache_kilobytes: int | None, workers: int) -> int:
    """maintenance_work_mem of each of `workers`: a quarter of `effective_cache_size` among all of them.

    That parameter says how much memory there is for the instance beside what its sessions use: the stack's
    tuning gives it three quarters of all. At least 64 MB, which is PostgreSQL's default, and 1 GB at most:
    a sort that needs more goes to files almost as fast, and a page of GIN's list is no larger.
    """
    shared = (cache_kilobytes or 0) // 4 // max(workers, 1)
    return min(max(shared, LEAST_MEMORY_KILOBYTES), MOST_MEMORY_KILOBYTES)
