"""What the entries of a catalogue may not be, and may not share. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.problems import Problem, unknown_service

if TYPE_CHECKING:
    from components.catalogue.model import Catalogue, ServiceEntry

RESERVED_NAMES = frozenset(
    {
        "postgres", "template0", "template1", "public", "information_schema",
        "pgbouncer", "replication", "all", "none", "user", "current_user", "session_user",
        "sameuser", "samerole", "waqiti_migration",
    }
)  # fmt: skip
"""Names that PostgreSQL, its pg_hba.conf, PgBouncer or `migration` take for something else."""

MANAGED_PARAMETERS = frozenset(
    {
        "port", "listen_addresses", "unix_socket_directories", "unix_socket_permissions",
        "data_directory", "config_file", "hba_file", "ident_file", "external_pid_file",
        "ssl", "ssl_cert_file", "ssl_key_file", "ssl_ca_file", "password_encryption",
        "wal_level", "max_connections", "shared_buffers", "work_mem", "maintenance_work_mem",
        "effective_cache_size", "shared_preload_libraries",
        "log_directory", "log_filename", "logging_collector",
    }
)  # fmt: skip
"""Parameters that the platform, the resources or the migration decide."""

HEAD_ROOM = 20
"""Connections beside the pool: the migration's workers, monitoring, backup, the administrator."""


def is_reserved(name: str) -> bool:
    """Whether PostgreSQL or the tools around it take the name for something else."""
    return name in RESERVED_NAMES or name.startswith("pg_")


def check(catalogue: Catalogue, where: str) -> list[Problem]:
    """Every problem of `catalogue`; `where` is put before each key."""
    problems: list[Problem] = []
    if not catalogue.services:
        problems.append(Problem(f"{where}services", "no service", "add at least one"))
    for name, entry in catalogue.services.items():
        problems += _reserved(name, entry, where)
        problems += _sizes(name, entry, where)
        problems += _managed(name, entry, where)
        problems += _reads(name, entry, catalogue, where)
    for what, by_service in _unique_values(catalogue):
        problems += _duplicates(what, by_service, where)
    problems += _own_schemas(catalogue, where)
    return problems


def _unique_values(catalogue: Catalogue) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    services = catalogue.services.items()
    yield "endpoint.port", {name: (str(entry.endpoint.port),) for name, entry in services}
    yield "endpoint.host", {name: (entry.endpoint.host,) for name, entry in services}
    yield "database", {name: (entry.database,) for name, entry in services}
    yield "schema", {name: (entry.schema_name,) for name, entry in services}
    yield "role", {name: entry.roles for name, entry in services}
    yield (
        "passwordVariable",
        {name: (entry.password_variable, entry.ddl_password_variable) for name, entry in services},
    )


def _duplicates(what: str, by_service: dict[str, tuple[str, ...]], where: str) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for service, values in by_service.items():
        for value in values:
            holder = first.setdefault(value, service)
            if holder != service or values.count(value) > 1:
                whose = f"is also {holder}'s" if holder != service else "stands for two of its roles"
                key = f"{where}services.{service}.{what}"
                yield Problem(key, f"{value} {whose}", "give each service its own")
                break


def _own_schemas(catalogue: Catalogue, where: str) -> Iterator[Problem]:
    """No new name may be any service's name, old or new: replicas of other services keep their names."""
    holders = {entry.schema_name: name for name, entry in catalogue.services.items()}
    for name, entry in catalogue.services.items():
        if entry.own_schema is None:
            continue
        holder = holders.setdefault(entry.own_schema, name)
        key = f"{where}services.{name}.ownSchema"
        if entry.own_schema == entry.schema_name:
            yield Problem(
                key, f"{entry.own_schema} is its `schema` already", "leave it out, or choose another"
            )
        elif holder != name:
            yield Problem(key, f"{entry.own_schema} is also {holder}'s", "give each service its own")


def _reserved(name: str, entry: ServiceEntry, where: str) -> Iterator[Problem]:
    for key, value in (
        ("database", entry.database),
        ("schema", entry.schema_name),
        ("ownSchema", entry.own_schema),
        ("role", entry.role),
    ):
        if value is not None and is_reserved(value):
            what = f"{value} is reserved by PostgreSQL or a tool around it"
            yield Problem(f"{where}services.{name}.{key}", what, f"choose another, for example waqiti_{name}")


def _sizes(name: str, entry: ServiceEntry, where: str) -> Iterator[Problem]:
    resources = entry.resources
    key = f"{where}services.{name}"
    if resources.shared_buffers and resources.shared_buffers > resources.memory * 0.4:
        # https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS
        yield Problem(
            f"{key}.resources.sharedBuffers",
            "more than 40% of memory, which PostgreSQL's manual advises against",
            "lower it, or raise resources.memory",
        )
    if resources.effective_cache_size and resources.effective_cache_size > resources.memory:
        yield Problem(
            f"{key}.resources.effectiveCacheSize",
            "more than resources.memory",
            "lower it, or raise resources.memory",
        )
    if entry.pool.idle > entry.pool.maximum:
        what = f"{entry.pool.idle} is more than pool.maximum ({entry.pool.maximum})"
        yield Problem(f"{key}.pool.idle", what, "lower it")
    most = resources.max_connections
    if most is not None and entry.pool.maximum + HEAD_ROOM > most:
        what = f"{entry.pool.maximum} leaves less than {HEAD_ROOM} of {most} connections for operations"
        yield Problem(f"{key}.pool.maximum", what, "lower it, or raise resources.maxConnections")


def _managed(name: str, entry: ServiceEntry, where: str) -> Iterator[Problem]:
    for parameter in entry.parameters:
        if parameter in MANAGED_PARAMETERS:
            yield Problem(
                f"{where}services.{name}.parameters.{parameter}",
                "is decided by the program",
                "remove it (memory and connections are under `resources`)",
            )


def _reads(name: str, entry: ServiceEntry, catalogue: Catalogue, where: str) -> Iterator[Problem]:
    key = f"{where}services.{name}.reads"
    for number, service in enumerate(entry.reads):
        if service == name:
            yield Problem(key, f"{service} is the service itself", "remove it")
        elif service in entry.reads[:number]:
            yield Problem(key, f"{service} stands there twice", "remove one")
        elif service not in catalogue.services:
            yield unknown_service(key, service, catalogue.services, "this file")
