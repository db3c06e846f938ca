"""What must be true before anything is touched; each check refuses with an error of its own."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from components.contract import Contract, Service
from core.errors import (
    AuthenticationFailed,
    DiskFull,
    GatewayFailed,
    SchemaMissing,
    SchemaOnTarget,
    SourceSettings,
    TargetNotEmpty,
    VersionUnsupported,
)
from core.gateway.gateway import Gateway, Route
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.stack import source_database, target_database
from migration.journal.imprint import read_imprint, source_identity
from migration.plan.checks import OLDEST_SUPPORTED

query = queries(__package__)

HEADROOM = 1.25
"""Free disk wanted on the target, as a multiple of the data's size on the source: sorts and WAL on top."""


@dataclass(frozen=True)
class SourceFacts:
    """What preflight learnt about the shared database."""

    version: int
    schema_bytes: Mapping[str, int]
    """Size of every schema with all that belongs to its tables, in bytes."""


def check_source(contract: Contract, services: Sequence[Service]) -> SourceFacts:
    """Check the shared database: it answers, is new enough, is set up for the move, has the schemas.

    Raises SourceUnreachable, AuthenticationFailed, VersionUnsupported, SourceSettings, SchemaMissing.
    """
    source = source_database(contract)
    with source.connect() as connection, source.translated("checking the shared database"):
        row = connection.execute(query("source")).fetchone()
        schemas: dict[str, int] = dict(connection.execute(query("schemas")).fetchall())
    assert row is not None  # noqa: S101 (the current database is in pg_database)
    version, wal_level, slots, senders, standby, encoding = row
    if version < OLDEST_SUPPORTED:
        raise VersionUnsupported(
            f"{source.where} runs PostgreSQL {version}; upgrade it to {OLDEST_SUPPORTED} or newer"
        )
    if standby:
        raise SourceSettings(f"{source.where} is a standby, which takes no writes; use the primary's address")
    if encoding != "UTF8":
        raise SourceSettings(f"{source.where} has encoding {encoding}; the service databases are UTF8")
    _check_replication(source, wal_level, {"max_replication_slots": slots, "max_wal_senders": senders})
    for service in services:
        if service.schema_name not in schemas:
            raise SchemaMissing(_missing(source, service, schemas))
    return SourceFacts(version, schemas)


def check_targets(contract: Contract, services: Sequence[Service], facts: SourceFacts) -> None:
    """Check every service's own instance: it answers, is no older than the source, and is ours to fill.

    Raises TargetUnreachable, AuthenticationFailed, VersionUnsupported, SchemaOnTarget, TargetNotEmpty.
    """
    identity = source_identity(source_database(contract))
    for service in services:
        _check_target(service, facts, identity)


def check_disks(services: Sequence[Service], facts: SourceFacts) -> None:
    """Check the free disk of every file system that holds an instance of this machine.

    Raises DiskFull.
    """
    needed: dict[int, int] = {}
    where: dict[int, Path] = {}
    for service in services:
        data = Path(service.instance_control.data)
        if not service.instance_control.data or not data.exists():
            continue
        device = data.stat().st_dev
        needed[device] = needed.get(device, 0) + facts.schema_bytes[service.schema_name]
        where[device] = data
    for device, size in needed.items():
        free = shutil.disk_usage(where[device]).free
        if free < size * HEADROOM:
            raise DiskFull(
                f"{where[device]} has {_mib(free)} free and the move needs {_mib(int(size * HEADROOM))}; "
                "make room or move fewer services at a time"
            )


def check_gateways(contract: Contract, services: Sequence[Service]) -> dict[str, Route]:
    """Ask every gateway where it leads, and see that those of the shared database can log in there.

    Raises GatewayFailed.
    """
    routes = {service.name: Gateway(service, contract.source).route() for service in services}
    for service in services:
        if service.shared is not None and routes[service.name] == "source":
            _check_login(replace(source_database(contract), login=service.shared, plain=True), service)
    return routes


def _check_login(database: Database, service: Service) -> None:
    try:
        database.connect().close()
    except AuthenticationFailed as error:
        raise GatewayFailed(
            f"the gateway of {service.name} cannot log in to the shared database: {error}; `pulumi up` makes"
            " the login"
        ) from None


def _check_replication(source: Database, wal_level: str, free: Mapping[str, int]) -> None:
    if wal_level != "logical":
        raise SourceSettings(
            f"{source.where} has wal_level = {wal_level}; set it to logical and restart the server"
        )
    for setting, left in free.items():
        if left < 1:
            raise SourceSettings(
                f"{source.where} has none of its {setting} free; "
                "raise it and restart the server, or drop what is unused"
            )


def _missing(source: Database, service: Service, schemas: Iterable[str]) -> str:
    near = difflib.get_close_matches(service.schema_name, list(schemas), n=1)
    hint = f"did you mean {near[0]}?" if near else "check services.yaml"
    return f"{source.where} has no schema {service.schema_name} for the service {service.name}; {hint}"


def _check_target(service: Service, facts: SourceFacts, identity: str) -> None:
    target = target_database(service)
    with target.connect() as connection, target.translated("checking the service's own database"):
        version = connection.info.server_version // 10_000
        row = connection.execute(query("target"), {"schema_name": service.schema_name}).fetchone()
        imprint = read_imprint(connection)
    if version < max(facts.version, OLDEST_SUPPORTED):
        raise VersionUnsupported(
            f"{target.where} runs PostgreSQL {version}, older than the shared database's {facts.version}; "
            "raise the version in services.yaml and run `pulumi up`"
        )
    if row is None or (imprint is not None and imprint.source == identity):
        return
    schema, relation = row
    if schema == service.schema_name:
        raise SchemaOnTarget(
            f"{target.where} already holds {schema}.{relation}, which this program did not put there; "
            "if nobody needs it, drop that schema's objects and run it again"
        )
    raise TargetNotEmpty(
        f"{target.where} is not empty: it holds {schema}.{relation}, which this program did not put there; "
        "a service needs a database of its own"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
