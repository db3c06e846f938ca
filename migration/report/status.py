"""Where a service is: what the journal says, where its gateway leads, who may write, how large it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.contract import Contract, Service
from components.replication_roles import flow_name
from core.errors import MigrationError
from core.gateway.gateway import Gateway
from core.sessions.connections import Database
from core.sessions.queries import queries
from core.sessions.session import Connection
from core.sessions.stack import source_database, target_database
from migration.carry.pending import PendingChange, pending_changes
from migration.guards.flag import is_open
from migration.journal.journal import Move, read_group, read_last_verification, read_moves, read_steps
from migration.journal.renamed import lost_name
from migration.journal.states import SWITCHING
from migration.references.lag import Reading, read_readings
from migration.replicate.flow import Direction
from migration.replicate.slots import KEYS_SUFFIX, SEEN_SUFFIX, slot_names
from migration.replicate.stalls import why_stalled
from migration.replicate.wal_watch import WAL_LIMIT_BYTES
from migration.report.backups import backup_problems

plan_query = queries("migration.plan")
query = queries(__package__)


_WAYS: tuple[Direction, Direction] = ("forward", "back")
_FOLLOWS: dict[str, Direction] = {"following": "forward", "moved": "back"}
"""The replication that runs in a state of an online move."""


@dataclass(frozen=True)
class Behind:
    """How far the side that follows is behind."""

    bytes: int
    retained_bytes: int
    """WAL that the slot keeps on the server that is followed."""
    active: bool
    """Whether the follower is connected."""
    wal_status: str
    seconds: float | None
    """By the follower's own reports; None when it is idle or not connected."""
    slot: str
    """Its name on that server."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return dict(vars(self))


@dataclass(frozen=True)
class ServiceStatus:
    """What can be seen of one service now. None: could not be seen, and `problems` says why."""

    service: str
    state: str
    step: str | None
    """The step that is under way or was cut off."""
    route: str | None
    source_open: bool | None
    """Whether the shared database takes the service's writes; None: no guards there."""
    target_open: bool | None
    source_bytes: int | None
    target_bytes: int | None
    verified: str | None
    since: datetime | None
    operator: str | None
    behind: Behind | None
    """Of the side that follows; None when none does."""
    problems: tuple[str, ...]
    reads: tuple[Reading, ...] = ()
    """Other services whose columns it keeps replicas of."""
    schema_changes: tuple[PendingChange, ...] = ()
    """Those that the side which follows does not have, or that were refused."""
    together: tuple[str, ...] = ()
    """The services that a switch which is under way, or was cut off, is to switch with it, all or none."""

    @property
    def writes(self) -> str:
        """Which side accepts writes, for a person."""
        # A finish takes the guards from the service's own database, before its schema takes a new name.
        over = self.state in {"finishing", "finished"}
        own = self.target_open is True or (self.target_open is None and over)
        sides = {"shared": self.source_open is not False, "own": own}
        return " and ".join(side for side, is_open in sides.items() if is_open) or "neither"

    @property
    def copied(self) -> float | None:
        """Share of a copy that is under way, 0 to 1: what others can see of it. None: no copy is."""
        if self.state != "starting" or not (self.step or "").startswith("copy") or not self.source_bytes:
            return None
        return min((self.target_bytes or 0) / self.source_bytes, 0.99)

    @property
    def bytes_to_go(self) -> int | None:
        """Until it is copied, or until the side that follows has caught up; None: nothing is under way."""
        if self.copied is not None:
            return max((self.source_bytes or 0) - (self.target_bytes or 0), 0)
        return None if self.behind is None else self.behind.bytes

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "service": self.service,
            "state": self.state,
            "step": self.step,
            "route": self.route,
            "source_open": self.source_open,
            "target_open": self.target_open,
            "source_bytes": self.source_bytes,
            "target_bytes": self.target_bytes,
            "verified": self.verified,
            "since": None if self.since is None else self.since.isoformat(),
            "operator": self.operator,
            "copied": None if self.copied is None else round(self.copied, 3),
            "behind": None if self.behind is None else self.behind.as_json(),
            "reads": [reading.as_json() for reading in self.reads],
            "schema_changes": [change.as_json() for change in self.schema_changes],
            "together": list(self.together),
            "problems": list(self.problems),
        }


def read_status(
    contract: Contract, services: Sequence[Service], wal_limit_bytes: int = WAL_LIMIT_BYTES
) -> list[ServiceStatus]:
    """The status of services. What does not answer is a problem of theirs, not an error; so is replication
    that does not run, or keeps more WAL than `wal_limit_bytes`.

    Raises SourceUnreachable or AuthenticationFailed for the shared database: without it nothing is known.
    """
    source = source_database(contract)
    with source.connect() as connection, source.translated("reading the journal"):
        moves = {move.service: move for move in read_moves(connection)}
        sizes = _sizes(connection)
        return [
            _one(
                contract,
                service,
                connection,
                moves.get(service.name),
                sizes=sizes,
                wal_limit_bytes=wal_limit_bytes,
            )
            for service in services
        ]


def _one(
    contract: Contract,
    service: Service,
    connection: Connection,
    move: Move | None,
    *,
    sizes: dict[str, int],
    wal_limit_bytes: int,
) -> ServiceStatus:
    problems: list[str] = []
    waiting: tuple[PendingChange, ...] = ()
    route = target_open = target_bytes = behind = None
    forward, back = (flow_name(service.name, way) for way in _WAYS)
    follows: Direction | None = _FOLLOWS.get(move.state) if move and move.finished is None else None
    try:
        route = Gateway(service, contract.source).route()
    except MigrationError as error:
        problems.append(str(error))
    try:
        with _looking(target_database(service)) as here:
            target_open, target_bytes, behind = _target(here, service, back)
            if move and (lost := lost_name(service, read_steps(connection, move))):
                problems.append(lost)
            problems += _left(here, back + KEYS_SUFFIX, forward + SEEN_SUFFIX)
            if follows == "forward" and (why := why_stalled(here, forward, service.instance_control)):
                problems.append(f"its own database does not follow: {why}")
            if move is not None and follows is not None:
                ends = (connection, here) if follows == "forward" else (here, connection)
                waiting = pending_changes(service, follows, *ends, since=move.started)
    except MigrationError as error:
        problems.append(str(error))
    if follows == "back" and (why := why_stalled(connection, back)):
        problems.append(f"the shared database does not follow: {why}")
    problems += _left(connection, forward + KEYS_SUFFIX, back + SEEN_SUFFIX)
    behind = _behind(connection, forward) or behind
    if behind is not None and behind.retained_bytes > wal_limit_bytes:
        problems.append(over_limit(behind, wal_limit_bytes))
    reads = read_readings(contract, connection, service.name)
    problems += [
        f"replica of {r.link.referenced}: {said}" for r in reads for said in r.problems(wal_limit_bytes)
    ]
    problems += backup_problems(service.backups)
    # What does not answer is said above.
    with suppress(MigrationError):
        if reads:
            # Compares schemas, which takes a while to import.
            from migration.references.shape import changed_shapes

            problems += map(str, changed_shapes(contract, connection, service.name))
    group = read_group(connection, move) if move and move.state in SWITCHING else None
    verdict = read_last_verification(connection, move) if move else None
    said = None
    if verdict:
        said = f"{'equal' if verdict['equal'] else 'differs'}, {verdict['rows']:,} rows"
    return ServiceStatus(
        service=service.name,
        state=move.state if move else "not begun",
        step=_current_step(connection, move),
        route=route,
        source_open=is_open(connection, service.name),
        target_open=target_open,
        source_bytes=sizes.get(service.schema_name),
        target_bytes=target_bytes,
        verified=said,
        since=move.updated if move else None,
        operator=move.operator if move else None,
        behind=behind,
        problems=tuple(problems),
        reads=reads,
        schema_changes=waiting,
        together=() if group is None else group.services,
    )


@contextmanager
def _looking(target: Database) -> Iterator[Connection]:
    with target.connect(connect_timeout=3) as connection, target.translated("reading its state"):
        yield connection


def _target(connection: Connection, service: Service, slot: str) -> tuple[bool | None, int, Behind | None]:
    sizes = _sizes(connection)
    # One of the two is empty or not there: before `finish` renames it, or after.
    size = sum(sizes.get(name, 0) for name in (service.schema_name, service.own_schema or ""))
    return is_open(connection, service.name), size, _behind(connection, slot)


def over_limit(behind: Behind, limit_bytes: int) -> str:
    """What is said of a slot that keeps more than it may, between verbs, when nobody else stops it."""
    connected = "" if behind.active else ", nobody is connected to it"
    return (
        f"the slot {behind.slot} keeps {behind.retained_bytes >> 20} MiB of WAL, over the limit of "
        f"{limit_bytes >> 20} MiB, {behind.bytes >> 20} MiB of it not applied yet{connected}: before that "
        "disk is full, see docs/runbooks/cutover.md, 'Retained WAL'"
    )


def _behind(connection: Connection, slot: str) -> Behind | None:
    row = connection.execute(query("lag"), {"slots": slot_names(connection, slot)}).fetchone()
    return None if row is None else Behind(*row)


def _left(connection: Connection, *slots: str) -> list[str]:
    """What a comparison whose process died left on this server."""
    names = [name for slot in slots for name in slot_names(connection, slot)]
    return [
        f"the slot {name} of a comparison that was cut off keeps {kept >> 20} MiB of WAL: run `resume`"
        for name, kept in connection.execute(query("left_slots"), {"slots": names})
    ]


def _sizes(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(plan_query("schemas")).fetchall())


def _current_step(connection: Connection, move: Move | None) -> str | None:
    if move is None or move.finished is not None:
        return None
    steps = read_steps(connection, move)
    return steps[-1].step if steps and steps[-1].outcome is None else None
