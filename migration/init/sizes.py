"""What a service does to its database, and what its own needs: from statistics, by rules of thumb. Pure.

Each figure comes with the reason that services.yaml shows beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.catalogue.model import Workload
from components.catalogue.rules import HEAD_ROOM
from components.sizes import GB
from core.progress.units import size
from migration.init.model import RoleFacts, SchemaFacts, StatementFacts, Survey

_FEW = 100
"""Fewer writes and reads than this tell nothing."""
_LONG_MS, _LONG_ROWS = 100, 10_000
"""From when on a statement, or a scan, is a report's."""
_POOLS: Mapping[Workload, tuple[int, int]] = {
    # The plan's own, for the workloads that it has.
    Workload.READ_HEAVY: (20, 5),
    Workload.TRANSACTIONS: (50, 10),
    Workload.CONSISTENCY: (40, 8),
    Workload.APPEND: (40, 8),
    Workload.MIXED: (25, 5),
    Workload.REPORTING: (10, 2),
    Workload.AUDIT: (25, 5),
    Workload.QUEUE: (25, 5),
}
_MEMORY = ((1 << 30, 1 * GB), (8 << 30, 2 * GB), (32 << 30, 4 * GB), (128 << 30, 8 * GB))
"""kB of memory for data of up to so many bytes: an eighth of it and more is cached."""
_MOST_MEMORY = 16 * GB
_LEAST_POOL = 2
_SHARE = 0.8
"""Of the connections that the shared server has: the rest is for people and for the move."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """One service's, with reasons."""

    workload: Workload
    workload_reason: str
    memory: int
    """kB."""
    memory_reason: str
    pool: tuple[int, int]
    """Maximum and idle."""
    pool_reason: str
    max_connections: int


def work_out(survey: Survey, services: Mapping[str, SchemaFacts], application: str) -> dict[str, Sizes]:
    """The sizes of each service; `services` maps its name to its schema. Pools together fit in the shared
    server, where all of them lead at first."""
    workloads = {
        name: workload_of(schema, survey.statements.get(schema.name)) for name, schema in services.items()
    }
    pools = {name: _pool(name, workloads[name][0], survey.sessions) for name in services}
    limit, whose = connections_for_pools(survey, application)
    wanted = sum(most for most, _, _ in pools.values())
    if wanted > limit:
        less = limit / wanted
        pools = {
            name: (
                max(_LEAST_POOL, math.floor(most * less)),
                max(1, math.floor(idle * less)),
                f"{why}, cut to fit {whose}",
            )
            for name, (most, idle, why) in pools.items()
        }
    made = {}
    for name, schema in services.items():
        most, idle, why = pools[name]
        memory = next((kb for most_bytes, kb in _MEMORY if schema.bytes <= most_bytes), _MOST_MEMORY)
        workload, reason = workloads[name]
        made[name] = Sizes(
            workload,
            reason,
            memory,
            f"for {size(schema.bytes)} of tables and indexes",
            (most, idle),
            why,
            max(100, math.ceil((most + HEAD_ROOM) / 50) * 50),
        )
    return made


def workload_of(schema: SchemaFacts, statements: StatementFacts | None) -> tuple[Workload, str]:
    """The workload that the figures look like, and the figures."""
    written, reads = schema.written, schema.reads
    told = f"{schema.inserted:,} inserts, {schema.updated:,} updates, {schema.deleted:,} deletes"
    told += f", {reads:,} scans"
    slow = (
        statements is not None
        and statements.mean_ms >= _LONG_MS
        and 2 * statements.reading >= statements.calls
    )
    per_scan = schema.scanned / schema.scans if schema.scans else 0
    long_scans = per_scan >= _LONG_ROWS and schema.scans >= schema.lookups and reads >= written
    signs = (
        (written + reads < _FEW, Workload.MIXED, "too little is known, say what it is: "),
        (
            schema.deleted >= schema.inserted / 2 > 0 and schema.rows < schema.inserted / 5,
            Workload.QUEUE,
            "rows come and go: ",
        ),
        (slow or long_scans, Workload.REPORTING, f"few long scans, {per_scan:,.0f} rows each: "),
        (
            schema.inserted >= written * 0.9 and written >= reads / 3,
            Workload.APPEND,
            "almost only inserts: ",
        ),
        (reads >= 5 * written, Workload.READ_HEAVY, ""),
        (schema.updated + schema.deleted >= written / 10 and written >= reads / 2, Workload.TRANSACTIONS, ""),
    )
    kind, why = next(((kind, why) for true, kind, why in signs if true), (Workload.MIXED, ""))
    return kind, f"{why}{told}"


def connections_for_pools(survey: Survey, application: str) -> tuple[int, str]:
    """How many connections all pools together may have in the shared server, and what says so."""
    reserved = int(survey.settings.get("superuser_reserved_connections", "3"))
    reserved += int(survey.settings.get("reserved_connections", "0"))
    most = int((int(survey.settings["max_connections"]) - reserved) * _SHARE)
    what = f"the shared server's max_connections of {survey.settings['max_connections']}"
    role = _role(survey.roles, application)
    if role is not None and 0 <= role.connection_limit < most:
        return role.connection_limit, f"{application}'s CONNECTION LIMIT of {role.connection_limit}"
    return most, what


def scale_for(memory: Sequence[int], host_memory: int | None) -> float:
    """What to multiply all memory by so that the instances take at most half of this machine's (kB)."""
    total = sum(memory)
    if host_memory is None or total * 2 <= host_memory:
        return 1.0
    return max(0.01, math.floor(host_memory / 2 / total * 1000) / 1000)


def _pool(name: str, workload: Workload, sessions: Mapping[tuple[str, str], int]) -> tuple[int, int, str]:
    """Maximum, idle, and why."""
    most, idle = _POOLS[workload]
    named = sum(
        count for (_, application), count in sessions.items() if name in application.lower().replace("_", "-")
    )
    if not named:
        return most, idle, f"usual for {workload}; no session of now is called after it"
    seen = min(max(2 * named, 5), 200)
    return seen, max(1, seen // 5), f"twice the {named} sessions of now that are called after it"


def _role(roles: Sequence[RoleFacts], name: str) -> RoleFacts | None:
    return next((role for role in roles if role.name == name), None)
