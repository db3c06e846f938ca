"""Whether databases that were restored to a point are what was there at that instant, each and all together.

Each: the digest of every table equals the one taken live. All together: no effect lacks its cause, by the
references between services that the point was kept with; that needs no digests and no shared database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from components.contract import Contract
from core.errors import CutBroken, Interrupted, MigrationError
from core.points.digests import Rows, digest_all
from core.points.model import Point, ServiceDigest
from core.points.references import as_references
from core.points.schemas import schemas_of
from core.references.check import check_reference
from core.references.model import Checked, NotChecked
from core.sessions.connections import Database

NAMED = 20
"""Orphans of a reference that are named."""


@dataclass(frozen=True)
class TableVerdict:
    """A table whose rows are not those of the point."""

    service: str
    table: str
    problem: str

    def __str__(self) -> str:
        return f"{self.service}: {self.table} {self.problem}"


@dataclass(frozen=True)
class RestoreVerdict:
    """What was found."""

    point: str
    services: tuple[str, ...]
    rows: int
    """Compared by digest."""
    not_compared: Mapping[str, str]
    """Services without a digest to compare with, and why."""
    differing: tuple[TableVerdict, ...]
    references: tuple[Checked, ...]
    failed: tuple[NotChecked, ...]

    @property
    def broken(self) -> tuple[Checked, ...]:
        """References with effects that lack their cause."""
        return tuple(one for one in self.references if one.orphan_rows)

    @property
    def sound(self) -> bool:
        """Whether all that could be compared is as it was, and nothing lacks its cause."""
        return not (self.differing or self.broken or self.failed)

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "point": self.point,
            "sound": self.sound,
            "services": list(self.services),
            "rows": self.rows,
            "not_compared": dict(self.not_compared),
            "differing": [vars(one) for one in self.differing],
            "references": [one.as_json() for one in self.references],
            "not_checked": [one.as_json() for one in self.failed],
        }

    def require(self) -> None:
        """Raise CutBroken with the first things that are wrong."""
        if self.sound:
            return
        said = [
            f"{one.orphan_rows:,} rows of {one.reference.key} lack their cause, for example {one.orphans[0]}"
            for one in self.broken
        ]
        said += [str(one) for one in self.differing]
        said += [f"{one.name} could not be checked: {one.error}" for one in self.failed]
        more = f"; and {len(said) - 3} more" if len(said) > 3 else ""
        raise CutBroken(
            f"what was restored to {self.point!r} is not one instant of all databases as it was: "
            f"{'; '.join(said[:3])}{more}"
        )


def check_restored(
    contract: Contract,
    point: Point,
    databases: Mapping[str, Database],
    *,
    stop: threading.Event | None = None,
    note: Callable[[str], None] = lambda line: None,
) -> RestoreVerdict:
    """Check the services whose restored database is in `databases`, by service.

    References of which only one end was restored are not looked at. Raises what connecting raises.
    """
    stop = stop or threading.Event()
    services = [name for name in point.homes if name in databases]
    not_compared = {name: _why_not(point, name) for name in services if name not in point.digests}
    rows = [
        Rows(name, databases[name], schemas_of(contract.services[name], point.homes[name]), None)
        for name in services
        if name in point.digests
    ]
    note(f"digests of {len(rows)} services")
    differing: list[TableVerdict] = []
    found = digest_all(rows, stop)
    for name, digests in found.items():
        differing += _differing(name, point.digests[name], digests)
    references, failed = _check_references(contract, point, databases)
    return RestoreVerdict(
        point.name,
        tuple(services),
        sum(one.rows for one in found.values()),
        not_compared,
        tuple(differing),
        tuple(references),
        tuple(failed),
    )


def _check_references(
    contract: Contract, point: Point, databases: Mapping[str, Database]
) -> tuple[list[Checked], list[NotChecked]]:
    renamed = {s.schema_name: s.own_schema for s in contract.services.values() if s.own_schema}
    checked: list[Checked] = []
    failed: list[NotChecked] = []
    for reference in as_references(point.references, point.homes):
        if not {reference.dependent, reference.referenced} <= databases.keys():
            continue
        ends = databases[reference.dependent], databases[reference.referenced]
        try:
            # Nobody writes there, so that a second look would see the same.
            checked.append(check_reference(reference, ends, limit=NAMED, look_again=0.0, renamed=renamed))
        except Interrupted:
            raise
        except MigrationError as error:
            failed.append(NotChecked(str(reference.key), error))
    return checked, failed


def _differing(service: str, then: ServiceDigest, now: ServiceDigest) -> list[TableVerdict]:
    if then.probe != now.probe:
        return [TableVerdict(service, "(all)", "are hashed otherwise by this server, so nothing compares")]
    found = []
    for table in sorted(then.tables.keys() | now.tables.keys()):
        before, after = then.tables.get(table), now.tables.get(table)
        if before == after:
            continue
        if before is None or after is None:
            problem = "is there and was not" if before is None else "was there and is not"
        elif before.rows != after.rows:
            problem = f"has {after.rows:,} rows and had {before.rows:,}"
        else:
            problem = f"has {after.rows:,} rows as it had, but not the same"
        found.append(TableVerdict(service, table, problem))
    return found


def _why_not(point: Point, service: str) -> str:
    place = point.places.get(point.homes[service])
    if place is not None and place.exact == "no":
        return "somebody wrote beside its gateway while the point was made"
    return "the point was made without digests"


def restored_database(database: Database, host: str, port: int, name: str) -> Database:
    """The same database and role on a restored server, which has no certificate of its name."""
    endpoint = database.endpoint.model_copy(
        update={"host": host, "address": None, "port": port, "sslmode": "prefer", "sslrootcert": None}
    )
    return Database(f"{name}, restored", "target", endpoint, database.login)


def is_recovering(database: Database) -> bool:
    """Whether a restored server has not reached its target yet."""
    with closing(database.connect()) as connection, database.translated("asking whether it has recovered"):
        row = connection.execute("SELECT pg_catalog.pg_is_in_recovery()").fetchone()
    return row is None or bool(row[0])
