"""Gates: the plan, the gateway, what both servers have free, their settings and disks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from core.errors import SourceSettings
from core.gateway.console import Console
from core.progress.units import size
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.plan.model import PROBLEM_ERRORS

query = queries(__package__)

LOCAL = {"localhost", "127.0.0.1", "::1"}


@check("plan")
def plan(scene: Scene) -> Iterator[Gate]:
    """Nothing in the plan forbids the move."""
    problems = [problem for problem in scene.plan.no_go if problem.service in {None, scene.name}]
    first = problems[0] if problems else None
    error = PROBLEM_ERRORS.get(first.kind, SourceSettings) if first else SourceSettings
    yield judged(
        "plan",
        first is not None,
        first.text if first else f"{len(scene.own.relations)} tables, {len(scene.own.edges)} edges decided",
        "`plan` lists all that is to be decided",
        error=error,
    )


@check("gateway")
def gateway(scene: Scene) -> Iterator[Gate]:
    """The gateway answers, clients do not wait, it leads to the side that serves, it pools transactions."""
    wanted = "target" if scene.stage == "rollback" else "source"
    route, paused = scene.gateway.route(), scene.gateway.is_paused()
    yield judged(
        "gateway",
        paused or route != wanted,
        f"leads to the {route}{', paused' if paused else ''}",
        "run `resume`" if paused else f"it should lead to the {wanted}: run `resume`, or `pulumi up`",
        limit=f"leads to the {wanted}",
    )
    mode = _pool_mode(scene)
    yield judged(
        "pool-mode",
        mode != "transaction",
        mode,
        "with another mode PAUSE waits until clients disconnect; set pool_mode = transaction",
        limit="transaction",
    )


@check("workers")
def workers(scene: Scene) -> Iterator[Gate]:
    """Slots, senders and replication workers are free where they are about to be made."""
    starting = scene.stage == "start"
    # Slots: the flow's own and, on both sides for a moment, two of the verification's.
    wanted = {
        scene.source: (3, 2, 1) if starting else (2, 1, 1),
        scene.target: (3, 1, 1) if starting else (3, 1, 0),
    }
    if scene.stage == "rollback":
        wanted = {scene.source: (3, 1, 0), scene.target: (2, 0, 1)}
    for database, connection in ((scene.source, scene.there), (scene.target, scene.here)):
        row = connection.execute(query("capacity")).fetchone()
        if row is None:
            raise AssertionError("a query without FROM gives a row")
        level, slots, senders, apply, origins = row
        need_slots, need_senders, need_apply = wanted[database]
        if starting and level != "logical":
            yield judged(
                "wal-level",
                True,
                f"{database.label}: {level}",
                "`ALTER SYSTEM SET wal_level = logical` there, and restart it",
                limit="logical",
            )
        short = slots < need_slots or senders < need_senders or apply < need_apply or origins < int(starting)
        yield judged(
            "workers",
            short,
            f"{database.label}: {slots} slots, {senders} senders, {apply} logical workers free",
            "drop slots that nobody uses, or raise max_replication_slots, max_wal_senders and "
            "max_logical_replication_workers (and max_worker_processes) there and restart it",
            limit=f"{need_slots}, {need_senders}, {need_apply}",
        )


@check("retry-interval")
def retry_interval(scene: Scene) -> Iterator[Gate]:
    """A subscription that is started again does not have to wait inside the pause."""
    most = scene.limits.retry_seconds
    for database, connection in ((scene.source, scene.there), (scene.target, scene.here)):
        row = connection.execute(
            "SELECT setting::int / 1000.0 FROM pg_catalog.pg_settings"
            " WHERE name = 'wal_retrieve_retry_interval'"
        ).fetchone()
        seconds = float(row[0]) if row else 5.0
        yield judged(
            "retry-interval",
            seconds > most,
            f"{database.label}: wal_retrieve_retry_interval {seconds:g} s",
            "a subscription waits that long to be started again, inside the pause: `ALTER SYSTEM SET"
            " wal_retrieve_retry_interval = '500ms'` and `SELECT pg_reload_conf()` there",
            limit=f"{most:g} s",
            overridable=True,
        )


@check("disk")
def disk(scene: Scene) -> Iterator[Gate]:
    """The disks have room for the WAL that slots may keep, where that can be known from here."""
    needed = scene.limits.wal_bytes
    for database, connection in ((scene.source, scene.there), (scene.target, scene.here)):
        free = _free(scene, database, connection)
        if free is None:
            yield Gate(
                "disk",
                "unknown",
                f"{database.label}: its disk cannot be seen from here",
                f"{size(needed)} free",
                "look at the server's own monitoring",
            )
            continue
        if database is scene.target and scene.stage != "start":
            needed = min(needed, 1 << 30)
        yield judged(
            "disk",
            free < needed,
            f"{database.label}: {size(free)} free",
            "make room, or lower --wal-limit",
            limit=f"{size(needed)} free",
            otherwise="warn" if free > needed // 10 else "no-go",
            overridable=True,
        )


def _pool_mode(scene: Scene) -> str:
    with Console(scene.service.gateway_control, scene.gateway.label) as console:
        for row in console.show("databases"):
            if row["name"] == scene.service.endpoint.database and row.get("pool_mode"):
                return row["pool_mode"]
    return scene.gateway.settings().get("pool_mode", "unknown")


def _free(scene: Scene, database: Database, connection: Connection) -> int | None:
    """Bytes free where a server of this machine keeps its data; None for one that is elsewhere."""
    folder: Path | None = None
    if database is scene.target and scene.service.instance_control.platform == "local":
        folder = Path(scene.service.instance_control.data)
    elif (database.endpoint.address or database.endpoint.host) in LOCAL:
        row = connection.execute(
            "SELECT pg_catalog.current_setting('data_directory')"
            " WHERE pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')"
        ).fetchone()
        folder = Path(row[0]) if row else None
    try:
        return shutil.disk_usage(folder).free if folder is not None else None
    except OSError:
        return None


SERVERS: tuple[Check, ...] = (plan, gateway, workers, retry_interval, disk)
