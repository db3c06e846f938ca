"""Gates: sessions that outlive a pause, or that keep what a transaction pooler or a switch takes away.

What one session keeps is mostly its own affair: another one sees its locks and temporary tables, and of
all else only its last statement. What cannot be seen is said, not left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check

query = queries(__package__)

_SHOWN = 4
_LOOKS = 3
"""At locks of sessions that may be at work in between."""
_START_SECONDS = 30.0
"""Making a slot waits for every transaction that has written; `start` gives up after 60 s."""


@dataclass(frozen=True)
class Session:
    """A session of the side that serves, which works on the service's tables or for its gateway."""

    pid: int
    role: str
    application: str
    state: str
    transaction_seconds: float | None
    idle_seconds: float | None
    """How long it has been idle in its transaction; None when it is not."""
    query_seconds: float | None
    """Age of the query that runs; None when none does."""
    listens: bool
    """Its last statement was LISTEN."""
    writes: bool
    """Its transaction has written (it has an identifier)."""
    by_gateway: bool
    on_tables: bool
    """It holds a lock on one of the service's tables."""

    def __str__(self) -> str:
        way = "through the gateway" if self.by_gateway else "directly"
        age = "" if self.transaction_seconds is None else f" for {self.transaction_seconds:.0f} s"
        return f"pid {self.pid} ({self.role}, {self.application or 'unnamed'}, {way}) {self.state}{age}"


def sessions(scene: Scene) -> list[Session]:
    """Sessions that hold locks on the service's tables, or work for its gateway or its application."""
    _, connection = scene.writable
    shared = [scene.contract.source.application, *([scene.service.shared] if scene.service.shared else [])]
    logins = [one.name for one in ([scene.service.login] if scene.stage == "rollback" else shared)]
    rows = connection.execute(
        query("sessions"),
        {"schema": scene.service.schema_name, "pids": scene.gateway_pids, "roles": logins},
    ).fetchall()
    found = [Session(*row) for row in rows]
    others = scene.other_gateways_pids
    return [session for session in found if session.on_tables or session.pid not in others]


@check("long-transactions")
def long_transactions(scene: Scene) -> Iterator[Gate]:
    """No transaction on the service's tables, or of its gateway, is older than a pause can wait."""
    limit = _START_SECONDS if scene.stage == "start" else scene.limits.pause_seconds
    found = [s for s in sessions(scene) if (s.transaction_seconds or 0) > limit and _in_the_way(scene, s)]
    yield judged(
        "long-transactions",
        bool(found),
        _listed(found) or "none",
        f"wait for them, or end them by `{'; '.join(map(_end, found))}`",
        limit=f"{limit:g} s",
        overridable=True,
    )
    if scene.stage != "start":
        idle = [
            s
            for s in sessions(scene)
            if (s.idle_seconds or 0) > 1 and s not in found and _in_the_way(scene, s)
        ]
        yield judged(
            "idle-in-transaction",
            bool(idle),
            _listed(idle) or "none",
            "they hold up the pause until they end: find out why they do not commit",
            limit="1 s",
            otherwise="warn",
        )


@check("prepared-transactions")
def prepared_transactions(scene: Scene) -> Iterator[Gate]:
    """No prepared transaction holds locks on the service's tables: nothing ends one by itself."""
    _, connection = scene.writable
    rows = connection.execute(
        query("prepared"), {"schema": scene.service.schema_name, "any": scene.stage == "start"}
    ).fetchall()
    listed = [f"{gid!r} of {owner}, {seconds:.0f} s old" for gid, owner, seconds in rows]
    yield judged(
        "prepared-transactions",
        bool(listed),
        "; ".join(listed[:_SHOWN]) or "none",
        "their transaction manager knows whether to COMMIT PREPARED each; if nobody does,"
        f" `{'; '.join(f'ROLLBACK PREPARED {sql.Literal(row[0]).as_string(None)}' for row in rows)}`",
        limit="none",
    )


@check("advisory-locks", "cutover", "rollback")
def advisory_locks(scene: Scene) -> Iterator[Gate]:
    """No session of the service holds an advisory lock beyond its transaction: the pause would drop it."""
    _, connection = scene.writable
    holders: set[int] = set().union(*(_hold_while_idle(connection) for _ in range(_LOOKS)))
    found = [s for s in sessions(scene) if s.pid in holders]
    own = [s for s in found if s.by_gateway]
    yield judged(
        "advisory-locks",
        bool(found),
        _listed(own or found) or "none",
        "the lock is lost with its session at the switch, and means nothing on the other side: use "
        "pg_advisory_xact_lock, or stop what holds it",
        limit="none",
        otherwise="no-go" if own else "warn",
        overridable=True,
    )


@check("listen", "cutover", "rollback")
def listen(scene: Scene) -> Iterator[Gate]:
    """No session listens: notifications do not cross, and a pooled session hears none."""
    found = [s for s in sessions(scene) if s.listens]
    yield judged(
        "listen",
        bool(found),
        _listed(found) or "none whose last statement was LISTEN",
        "listeners must connect to the new side by themselves: notifications are not replicated",
        limit="none",
        otherwise="warn",
    )


@check("temporary-tables", "cutover", "rollback")
def temporary_tables(scene: Scene) -> Iterator[Gate]:
    """No session of the service keeps temporary tables across transactions."""
    _, connection = scene.writable
    known = {s.pid for s in sessions(scene)}
    roles = {scene.contract.source.application.name, scene.service.login.name, scene.service.service.name}
    rows = connection.execute(query("temporary")).fetchall()
    found = [
        f"{table} of {owner}{f' (pid {pid})' if pid else ''}"
        for table, owner, pid in rows
        if (pid in known if pid is not None else owner in roles)
    ]
    yield judged(
        "temporary-tables",
        bool(found),
        ", ".join(found[:_SHOWN]) or "none",
        "they go with their session at the switch: make them ON COMMIT DROP inside one transaction",
        limit="none",
        otherwise="warn",
    )


@check("long-reports", "cutover", "rollback")
def long_reports(scene: Scene) -> Iterator[Gate]:
    """Long queries that came round the gateway go on reading the side that is left, which lags soon."""
    limit = scene.limits.report_seconds
    found = [
        s for s in sessions(scene) if s.on_tables and not s.by_gateway and (s.query_seconds or 0) > limit
    ]
    yield judged(
        "long-reports",
        bool(found),
        _listed(found) or "none",
        "they see the old side to their end: start them again afterwards, through the service's endpoint",
        limit=f"{limit:g} s",
        otherwise="warn",
    )


@check("round-the-gateway", "cutover", "rollback")
def round_the_gateway(scene: Scene) -> Iterator[Gate]:
    """Nobody works on the service's tables by another way than its gateway: their writes would be refused."""
    found = [s for s in sessions(scene) if s.on_tables and not s.by_gateway]
    yield judged(
        "round-the-gateway",
        bool(found),
        _listed(found) or "nobody at this moment",
        "lead them to the service's endpoint first: after the switch their writes are refused",
        limit="none",
        otherwise="warn",
    )


def _hold_while_idle(connection: Connection) -> set[int]:
    """Processes that hold an advisory lock and are in no transaction.

    Locks and sessions are not read at one instant: a session that was idle before and after the reading of
    the locks, since the same time, has done nothing in between, so that its lock is no transaction's.
    """
    before = set(connection.execute(query("idle")).fetchall())
    holders = {row[0] for row in connection.execute(query("advisory")).fetchall()}
    after = set(connection.execute(query("idle")).fetchall())
    return {pid for pid, _ in before & after} & holders


def _end(session: Session) -> str:
    return f"SELECT pg_terminate_backend({session.pid})"


def _in_the_way(scene: Scene, session: Session) -> bool:
    if scene.stage == "start":
        return session.writes or session.on_tables
    return session.by_gateway or session.on_tables


def _listed(found: list[Session]) -> str:
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(str(session) for session in found[:_SHOWN]) + more


SESSIONS: tuple[Check, ...] = (
    long_transactions,
    prepared_transactions,
    advisory_locks,
    listen,
    temporary_tables,
    long_reports,
    round_the_gateway,
)
