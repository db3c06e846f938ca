"""The journal of every move: what was begun, what ended and how, kept in the shared database.

A step is recorded, and the record committed, before it acts and after it acted. The session that
writes the journal also holds the operator's lock, so a lost lock shows itself at the next record and
nothing is done without it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from components.contract import Contract, Service
from core.errors import WrongState
from core.sessions.connections import Database
from core.sessions.liveness import watching
from core.sessions.queries import queries
from core.sessions.scrubbing import scrubber
from core.sessions.session import Connection
from migration.journal.mirror import Mirror
from migration.journal.operator import operator_name, session_name, take_operator_lock
from migration.journal.states import SWITCHING, Mode

query = queries(__package__)

JOURNAL_VERSION = 2
"""Shape of the schema `waqiti_migration`; each version has its `sql/version_N.sql`."""

SCHEMA = "waqiti_migration"


TOGETHER = "switch together"
"""The step that lasts as long as a switch of several services; its figures name them."""
DECIDED = "decide to go forward together"
"""The step that is on disk before any of their new sides opens."""

Outcome = Literal["done", "failed", "interrupted"]
Figures = Mapping[str, Any]
"""What a step measured: JSON values only, never a secret."""


@dataclass(frozen=True)
class Move:
    """One attempt to move a service. `state` is a word of the state machine that runs it."""

    id: int
    service: str
    schema_name: str
    stack: str
    mode: Mode
    state: str
    started: datetime
    updated: datetime
    finished: datetime | None
    operator: str


@dataclass(frozen=True)
class StepRecord:
    """One execution of a step. `outcome` None: it began, and its end was never recorded."""

    id: int
    step: str
    started: datetime
    finished: datetime | None
    outcome: Outcome | None
    lsn: str | None
    figures: dict[str, Any]
    operator: str
    error: str | None


@dataclass(frozen=True)
class Group:
    """Services that are switched together, all or none."""

    id: str
    services: tuple[str, ...]
    decided: bool
    """Whether it is on disk that all of them go forward."""


class Journal:
    """The journal, with the operator's lock held. Made by `open_journal`."""

    def __init__(self, source: Database, connection: Connection, contract: Contract) -> None:
        self._source = source
        self._connection = connection
        self._stack = f"{contract.project}/{contract.stack}"
        self._scrub = scrubber(contract)
        self._operator = operator_name()
        self.mirror = Mirror(contract)
        """For who watches."""

    def reconnect(self) -> None:
        """Open the session anew and take the operator's lock again, after the connection was lost.

        Raises SourceUnreachable, AuthenticationFailed, AnotherOperator.
        """
        self._connection.close()
        self._connection = _operator_session(self._source)

    def reopen(self) -> None:
        """`reconnect` if the session was lost: whoever goes on after that must hold the lock again.

        Another operator may have come in between. Raises what `reconnect` does.
        """
        with contextlib.suppress(psycopg.OperationalError):
            self._connection.execute("SELECT 1")
            return
        self.reconnect()

    def close(self) -> None:
        """Close the session, which lets the operator's lock go."""
        self._connection.close()

    @contextmanager
    def holding(self, key: int, number: int) -> Iterator[None]:
        """Hold an advisory lock beside the operator's, for others to see; it ends with the session, too."""
        with self._source.translated("saying what this run is at"):
            self._connection.execute("SELECT pg_catalog.pg_advisory_lock(%s, %s)", (key, number))
        try:
            yield
        finally:
            # A session that was lost meanwhile has let it go, and a new one does not hold it.
            with contextlib.suppress(psycopg.Error):
                self._connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s, %s)", (key, number))

    def last_move(self, service: str) -> Move | None:
        """The service's newest move, whatever its state; None if there was none."""
        with self._source.translated("reading the journal"):
            moves = _moves(self._connection, service)
        return moves[0] if moves else None

    def start(self, service: Service, mode: Mode, state: str) -> Move:
        """Record that a move begins. Raises WrongState when another one of the service is not over."""
        values = {
            "service": service.name,
            "schema_name": service.schema_name,
            "stack": self._stack,
            "mode": mode,
            "state": state,
            "operator": self._operator,
        }
        with self._source.translated("recording a move"):
            try:
                self._connection.execute(query("start_move"), values)
            except psycopg.errors.UniqueViolation:
                raise WrongState(f"a move of {service.name} is under way; `status` shows it") from None
        move = self.last_move(service.name)
        if move is None:
            raise WrongState(f"the journal lost the move of {service.name} it has just recorded")
        self.mirror.state(service.name, state, mode)
        return move

    def set_state(self, move: Move, state: str, *, over: bool = False) -> Move:
        """Record the move's new state; `over` ends the move, so that another one may begin."""
        values = {"move": move.id, "state": state, "operator": self._operator, "over": over}
        with self._source.translated("recording a state"):
            self._connection.execute(query("set_state"), values)
        self.mirror.state(move.service, state, move.mode)
        return self.last_move(move.service) or move

    def begin(self, move: Move, step: str, figures: Figures | None = None, *, durable: bool = True) -> int:
        """Record that a step begins, before it acts; returns the record's number for `end`.

        Without `durable` the record is visible at once, but a crash of the server within the next
        fraction of a second may lose it: for steps inside a pause that recovery does not depend on.
        """
        values = {
            "move": move.id,
            "step": step,
            "operator": self._operator,
            "figures": Jsonb(dict(figures or {})),
            "durable": durable,
        }
        with self._source.translated(f"recording the step {step!r}"):
            row = self._connection.execute(query("begin_step"), values).fetchone()
        assert row is not None  # noqa: S101 (INSERT ... RETURNING gives a row)
        self.mirror.begun(move.service, int(row[0]), step, switching=move.state in SWITCHING)
        return int(row[0])

    def end(
        self,
        record: int,
        outcome: Outcome,
        figures: Figures | None = None,
        error: BaseException | None = None,
        *,
        durable: bool = True,
    ) -> None:
        """Record how a step ended.

        `figures` are added to those it began with; of `error`, its class and message are kept.
        """
        values = {
            "id": record,
            "outcome": outcome,
            "figures": Jsonb(dict(figures or {})),
            "durable": durable,
            "error": None if error is None else self._scrub(f"{type(error).__name__}: {error}"),
        }
        with self._source.translated("recording a step's end"):
            self._connection.execute(query("end_step"), values)
        self.mirror.ended(record, figures or {})

    def join(self, move: Move, group: Group) -> None:
        """Record that the move is about to be switched as one of `group`, until `leave`."""
        self.begin(move, TOGETHER, {"group": group.id, "services": list(group.services)})

    def leave(self, move: Move, outcome: Outcome) -> None:
        """Record that no switch together with others is under way for the move any more."""
        with self._source.translated("recording that services are switched together no more"):
            self._connection.execute(
                query("leave_group"), {"move": move.id, "step": TOGETHER, "outcome": outcome}
            )

    def decide(self, move: Move, group: Group) -> int:
        """Record, on disk when this returns, that all of `group` go forward; returns its number for `end`.

        `move` is one of theirs.
        """
        return self.begin(move, DECIDED, {"group": group.id})

    def group(self, move: Move) -> Group | None:
        """Those that a switch of the move was begun together with and not ended; None: it is alone."""
        with self._source.translated("reading the journal"):
            return read_group(self._connection, move)

    def moves(self) -> list[Move]:
        """The newest move of every service."""
        with self._source.translated("reading the journal"):
            return _moves(self._connection, None)

    def record_copied(self, move: Move, figures: Figures) -> None:
        """Record that the table `figures["table"]` is on the target whole. From any thread."""
        with self._source.translated("recording a copied table"):
            self._connection.execute(
                "INSERT INTO waqiti_migration.copied_tables (move, table_name, figures) VALUES (%s, %s, %s)"
                " ON CONFLICT (move, table_name) DO UPDATE SET figures = excluded.figures",
                (move.id, figures["table"], Jsonb(dict(figures))),
            )

    def copied(self, move: Move) -> list[dict[str, Any]]:
        """The figures of the tables that are on the target whole."""
        with self._source.translated("reading the journal"):
            return read_copied(self._connection, move)

    def forget_copied(self, move: Move) -> None:
        """No table of the move counts as copied any more."""
        with self._source.translated("recording that nothing is copied"):
            self._connection.execute("DELETE FROM waqiti_migration.copied_tables WHERE move = %s", (move.id,))

    def record_verification(self, move: Move, verdict: Figures) -> None:
        """Keep a verdict, as `Verification.as_json` gives it."""
        with self._source.translated("recording a verification"):
            self._connection.execute(
                "INSERT INTO waqiti_migration.verifications (move, equal, verdict) VALUES (%s, %s, %s)",
                (move.id, verdict["equal"], Jsonb(dict(verdict))),
            )
        self.mirror.verified(move.service, bool(verdict["equal"]))

    def last_verification(self, move: Move) -> dict[str, Any] | None:
        """The newest verdict on the move; None if nothing was compared."""
        with self._source.translated("reading the journal"):
            return read_last_verification(self._connection, move)

    def verdicts(self, service: str) -> dict[str, dict[str, Any]]:
        """All verdicts on a service's moves, by the time they were `made`."""
        with self._source.translated("reading the journal"):
            rows = self._connection.execute(query("verdicts"), {"service": service}).fetchall()
        return {str(row[0]["made"]): row[0] for row in rows}

    def steps(self, move: Move) -> list[StepRecord]:
        """The move's steps in the order they began."""
        with self._source.translated("reading the journal"):
            return _steps(self._connection, move)


@contextmanager
def open_journal(source: Database, contract: Contract) -> Iterator[Journal]:
    """Take the operator's lock and bring the journal's schema to this program's version.

    Raises AnotherOperator; WrongState when a newer program made the journal; what `connect` raises.
    """
    connection = _operator_session(source)
    journal = Journal(source, connection, contract)
    try:
        with source.translated("opening the journal"):
            _upgrade(connection, source)
        with watching():
            yield journal
    finally:
        journal.close()


def _operator_session(source: Database) -> Connection:
    connection = source.connect(application_name=session_name())
    try:
        with source.translated("taking the operator's lock"):
            take_operator_lock(connection, source)
    except BaseException:
        connection.close()
        raise
    return connection


def read_group(connection: Connection, move: Move) -> Group | None:
    """See `Journal.group`. Needs no lock, but a journal."""
    values = {"move": move.id, "together": TOGETHER, "decided": DECIDED}
    row = connection.execute(query("group"), values).fetchone()
    return None if row is None else Group(row[0], tuple(row[1]), row[2])


def read_moves(connection: Connection) -> list[Move]:
    """The newest move of every service; empty where no journal was made yet. Needs no lock."""
    return _moves(connection, None) if _version(connection) else []


def read_steps(connection: Connection, move: Move) -> list[StepRecord]:
    """A move's steps in the order they began. Needs no lock."""
    return _steps(connection, move)


def read_last_verification(connection: Connection, move: Move) -> dict[str, Any] | None:
    """The newest verdict on a move, with the time it was `made`. Needs no lock."""
    row = connection.execute(
        "SELECT verdict || jsonb_build_object('made', made) FROM waqiti_migration.verifications"
        " WHERE move = %s ORDER BY id DESC LIMIT 1",
        (move.id,),
    ).fetchone()
    return None if row is None else row[0]


def read_copied(connection: Connection, move: Move) -> list[dict[str, Any]]:
    """The figures of the tables that are on the target whole. Needs no lock."""
    rows = connection.execute(
        "SELECT figures FROM waqiti_migration.copied_tables WHERE move = %s ORDER BY copied", (move.id,)
    ).fetchall()
    return [row[0] for row in rows]


def count_moves(connection: Connection) -> dict[str, int]:
    """How often a move of each service was begun. Needs no lock, but a journal."""
    counted = "SELECT service, count(*)::int FROM waqiti_migration.moves GROUP BY 1"
    return dict(connection.execute(counted).fetchall())


def _version(connection: Connection) -> int:
    """0: no journal here."""
    row = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.journal_versions",)).fetchone()
    if row is None or row[0] is None:
        return 0
    row = connection.execute("SELECT max(version) FROM waqiti_migration.journal_versions").fetchone()
    return int(row[0] or 0) if row else 0


def _upgrade(connection: Connection, source: Database) -> None:
    found = _version(connection)
    if found > JOURNAL_VERSION:
        raise WrongState(
            f"the journal in {source.where} has version {found}, this program knows {JOURNAL_VERSION}; "
            "use the newer program"
        )
    for version in range(found + 1, JOURNAL_VERSION + 1):
        with connection.transaction():
            connection.execute(query(f"version_{version}"))
            connection.execute(
                "INSERT INTO waqiti_migration.journal_versions (version) VALUES (%s)", (version,)
            )


def _moves(connection: Connection, service: str | None) -> list[Move]:
    with connection.cursor(row_factory=class_row(Move)) as cursor:
        return cursor.execute(query("moves"), {"service": service}).fetchall()


def _steps(connection: Connection, move: Move) -> list[StepRecord]:
    with connection.cursor(row_factory=class_row(StepRecord)) as cursor:
        return cursor.execute(query("steps"), {"move": move.id}).fetchall()
