"""What each quick way back would lose, in rows and seconds, as far as anybody can be asked. Looks only."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.contract import Contract, Service
from components.replication_roles import flow_name
from core.names import TableName
from core.points.model import Point
from core.points.store import PointStore
from core.sessions.queries import queries
from core.sessions.stack import source_database, target_database
from migration.plan.model import ServicePlan
from migration.quick.verbs import answers
from servers import osuser

query = queries(__package__)

WALDUMP_SECONDS = 120
POINTS_SHOWN = 3

_COMMIT = re.compile(r"desc: COMMIT (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)")
_ROW = re.compile(r"desc: (?:INSERT|UPDATE|HOT_UPDATE|DELETE)\b")
_ROWS = re.compile(r"desc: MULTI_INSERT(?:\+INIT)? ntuples: (\d+)")


@dataclass(frozen=True)
class Loss:
    """One way, and what would be gone after it."""

    way: str
    """As `--to` takes it, or the command that comes first."""
    possible: bool
    rows: int | None
    """None: nobody can be asked."""
    seconds: float | None
    said: str
    recommended: bool = False

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return vars(self)


@dataclass(frozen=True)
class Unshipped:
    """What a WAL has beyond a position."""

    commits: int
    rows: int
    seconds: float
    """From the first of these commits to the last."""


def losses(contract: Contract, service: Service, own: ServicePlan) -> list[Loss]:
    """All ways for a service that has moved, one of them recommended. Raises what reading the shared "
    "one does."""
    alive = answers(service)
    applied = applied_lsn(contract, service)
    found = [_to_shared(service, applied, alive=alive), *_to_own(service, applied, alive=alive)]
    found += _to_points(contract, service, own)
    best = next((n for n, loss in enumerate(found) if loss.possible), None)
    known = [n for n, loss in enumerate(found) if loss.possible and loss.rows is not None]
    if known:
        best = min(known, key=lambda n: (found[n].rows or 0, found[n].seconds or 0.0))
    return [
        loss
        if n != best
        else Loss(loss.way, loss.possible, loss.rows, loss.seconds, loss.said, recommended=True)
        for n, loss in enumerate(found)
    ]


def applied_lsn(contract: Contract, service: Service) -> str | None:
    """Up to where the shared database has applied the service's own; None where it does not follow."""
    source = source_database(contract)
    name = flow_name(service.name, "back")
    with closing(source.connect()) as connection, source.translated("reading how far it followed"):
        row = connection.execute(query("applied"), {"subscription": name}).fetchone()
    return None if row is None else row[0]


def unshipped(binaries: Path, wal: Path, since: str) -> Unshipped | None:
    """What a folder of WAL has beyond `since`, by pg_waldump; None where it cannot be read from there."""
    command = [str(binaries / "pg_waldump"), "--path", str(wal), "--start", since]
    command += ["--rmgr", "Heap", "--rmgr", "Heap2", "--rmgr", "Transaction"]
    try:
        done = osuser.run(command, check=False, timeout=WALDUMP_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # It ends with an error where the WAL ends, which is no failure if it could begin.
    if done.returncode != 0 and not done.stdout and "invalid record length" not in done.stderr:
        return None
    times = [datetime.fromisoformat(at) for at in _COMMIT.findall(done.stdout)]
    rows = len(_ROW.findall(done.stdout)) + sum(map(int, _ROWS.findall(done.stdout)))
    spread = (max(times) - min(times)).total_seconds() if times else 0.0
    return Unshipped(len(times), rows if times else 0, spread)


def _to_shared(service: Service, applied: str | None, *, alive: bool) -> Loss:
    if alive:
        said = "its own answers: `rollback --immediate` brings all writes along, wrong ones too"
        return Loss("shared", False, 0, 0.0, said)
    if applied is None:
        return Loss("shared", False, None, None, "the shared database does not follow it")
    control = service.instance_control
    beyond = unshipped(Path(control.binaries), Path(control.data) / "pg_wal", applied)
    if beyond is None:
        said = (
            f"what it committed after {applied}, which nobody has: neither its server nor its disk can "
            f"be asked; "
            "as a rule the milliseconds before it was lost"
        )
        return Loss("shared", True, None, None, said)
    said = f"{beyond.commits:,} transactions after {applied}, which its WAL on disk still has"
    return Loss("shared", True, beyond.rows, beyond.seconds, said)


def _to_own(service: Service, applied: str | None, *, alive: bool) -> list[Loss]:
    if not alive:
        return []
    target = target_database(service)
    with closing(target.connect()) as connection, target.translated("asking how far it has come"):
        row = connection.execute(query("behind"), {"lsn": applied}).fetchone()
    if row is None or not row[0]:
        said = "nothing: it is not behind what the shared database has applied of it"
        return [Loss("own", True, 0, 0.0, said)]
    said = (
        f"nothing with --beyond apply; it is {row[1]:,} bytes of WAL behind what the shared database "
        f"has, and which "
        "rows those are is compared first, shown and kept"
    )
    return [Loss("own", True, 0, 0.0, said)]


def _to_points(contract: Contract, service: Service, own: ServicePlan) -> list[Loss]:
    """Restore points that are kept: what has come since, by the rows that the shared database has now."""
    made = [p for p in PointStore(contract).list() if p.state == "made" and service.name in p.homes]
    own_points = [p for p in made if p.homes[service.name] == service.name]
    if not own_points:
        return []
    now = _rows_now(contract, [table.name for table in own.relations if table.holds_rows])
    return [_to_point(service, point, now) for point in reversed(own_points[-POINTS_SHOWN:])]


def _to_point(service: Service, point: Point, now: dict[str, int]) -> Loss:
    at = point.made or point.begun
    seconds = (datetime.now(UTC) - at).total_seconds()
    digest = point.digests.get(service.name)
    rows = None
    if digest is not None:
        rows = sum(
            abs(count - (digest.tables[t].rows if t in digest.tables else 0)) for t, count in now.items()
        )
    said = f"all of {seconds:,.0f} s since; restore it first, then --to own decides about what came since"
    return Loss(f"own, restored to {point.name}", service.backups is not None, rows, seconds, said)


def _rows_now(contract: Contract, tables: Sequence[TableName]) -> dict[str, int]:
    source = source_database(contract)
    with closing(source.connect()) as connection, source.translated("counting its rows"):
        found = {}
        for table in tables:
            row = connection.execute(b"SELECT count(*) FROM ONLY " + table.identifier().as_bytes()).fetchone()
            found[str(table)] = 0 if row is None else int(row[0])
    return found
