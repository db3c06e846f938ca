"""Who may write a service's tables on a side: guards on every table, and one flag that closes them all.

The guards are statement triggers; the flag is a sequence (see sql/function.sql for why). Closing
takes effect for every statement that begins after it, whatever its role, snapshot or isolation level.
`close` returns when no transaction is left that passed a guard before.

Not guarded, because PostgreSQL has no trigger for it: large objects, `nextval`, SELECT ... FOR UPDATE.
What a subscription applies passes: apply workers fire no statement triggers, and their TRUNCATEs are told by
their process. DDL that would get round the guards is refused where event triggers may be made
(`migration.guards.ddl`), and noticed by every closing.
docs/decisions/0031-write-guards.md compares this with a flag in a row, read-only defaults and revoked grants;
docs/decisions/0050-ways-round-the-guards.md lists every way in that is known.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from components.replication_roles import flow_name
from core.errors import StepTimeout, WrongState
from core.sessions.connections import Database
from core.sessions.locks import Patience, patiently, set_lock_timeout
from core.sessions.own_schema import SCHEMA, ensure_schema
from core.sessions.queries import queries, statements
from migration.catalog.tables import TableName, display_name
from migration.guards.ddl import allow_ddl, body_of, refuse_ddl, refuses_as_now

query = queries(__package__)
statement = statements(__package__)

GUARD = "waqiti_migration_guard"
TRUNCATE_GUARD = "waqiti_migration_guard_truncate"

OPEN, CLOSED = 1, 2
_POLL_SECONDS = 0.002
_TOGETHER = 20
"""Tables that get their guards in one transaction: their writers wait for some milliseconds."""


@dataclass(frozen=True)
class Writer:
    """A transaction that may have passed a guard before the closing."""

    pid: int | None
    """None: a prepared transaction."""
    role: str | None
    application: str | None
    state: str | None
    seconds: float | None
    """Age of its transaction."""

    def __str__(self) -> str:
        if self.pid is None:
            return "a prepared transaction (pg_prepared_xacts)"
        age = "" if self.seconds is None else f" for {self.seconds:.1f} s"
        return f"pid {self.pid} ({self.role}, {self.application or 'unnamed'}) {self.state}{age}"


@dataclass(frozen=True)
class Closing:
    """How a closing went."""

    milliseconds: float
    """From the flag's change until the last writer had ended."""
    waited_for: int
    """Writers that were under way."""


@dataclass(frozen=True)
class GuardStatus:
    """The state of a side's guards."""

    open: bool | None
    """None: there is no flag."""
    guarded: tuple[TableName, ...]
    missing: tuple[TableName, ...]
    """Tables of the schema without both guards."""
    weakened: tuple[str, ...]
    """`schema.table.trigger` of guards that somebody disabled, or enabled otherwise than they were."""

    @property
    def sound(self) -> bool:
        """Whether the flag means what it says."""
        return self.open is not None and not self.missing and not self.weakened


class Ownership(AbstractContextManager["Ownership"]):
    """A service's guards on one side. Holds one session, opened at once, so that closing is quick."""

    def __init__(self, database: Database, service: str, schema: str) -> None:
        self.database = database
        self.service = service
        self.schema = schema
        self._name = f"open_{service}"
        self._flag = sql.Identifier(SCHEMA, self._name)
        self._function = sql.Identifier(SCHEMA, f"guard_{service}")
        self._guard_function = f"{display_name(SCHEMA, f'guard_{service}')}()"
        self._parameters = {
            "function": self._guard_function,
            "schema": schema,
            "logs": [
                display_name(SCHEMA, f"changes_{flow_name(service, direction)}")
                for direction in ("forward", "back")
            ],
        }
        self._connection = database.connect(application_name="waqiti-migration-ownership")
        with database.translated("setting up the session for the guards"):
            # A closing that a crash of the server forgets would be two writers.
            self._connection.execute("SET synchronous_commit = on")

    @property
    def flag(self) -> str:
        """The flag's name as `regclass` reads it."""
        return display_name(SCHEMA, self._name)

    def install(self, *, open: bool, patience: Patience | None = None) -> int:
        """Make the flag and put guards on every table of the schema, on those that lack them.

        `open` is the flag's first value only: an existing flag keeps its own. Returns how many tables got
        guards. Each table is locked against writes for a moment (CREATE TRIGGER), patiently.
        Raises StepTimeout, AuthenticationFailed, CopyFailed, ConnectionLost.
        """
        with self.database.translated(f"installing the guards of {self.service}"):
            with self._connection.transaction():
                self._make_flag(OPEN if open else CLOSED)
                refuse_ddl(self._connection, self.schema, self.flag, self._guard_function)
            status = self.status()
            for begin in range(0, len(status.missing), _TOGETHER):
                self._guard(status.missing[begin : begin + _TOGETHER], patience)
        return len(status.missing)

    def remove(self, patience: Patience | None = None) -> None:
        """Drop the service's guards and its flag. What was closed is open afterwards."""
        self.allow_ddl()
        with self.database.translated(f"removing the guards of {self.service}"):
            for schema, name, trigger, _, _ in self._triggers():
                table = sql.Identifier(schema, name)
                drop = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(sql.Identifier(trigger), table)
                self._patiently(f"drop the guard of {display_name(schema, name)}", drop, patience)
            if self.is_open() is not None:
                both = sql.SQL("DROP FUNCTION IF EXISTS {}(); DROP SEQUENCE IF EXISTS {}")
                self._patiently("drop the flag", both.format(self._function, self._flag), patience)

    def allow_ddl(self) -> None:
        """Let the schema be changed and dropped also while it is closed, from now on (until `install`)."""
        with self.database.translated(f"allowing changes of the schema of {self.service}"):
            allow_ddl(self._connection, self.flag)

    def is_open(self) -> bool | None:
        """Whether the side accepts writes; None when it has no flag (guards were never installed)."""
        with self.database.translated(f"reading the flag of {self.service}"):
            row = self._connection.execute(query("read"), {"flag": self.flag}).fetchone()
        return None if row is None else row[0]

    def open(self) -> None:
        """Accept writes. On disk when it returns. Raises WrongState without a flag."""
        self._set(OPEN)

    def close(self, seconds: float, *, on_disk: bool = True, sound: bool = True) -> Closing:
        """Accept no more writes, and wait until no transaction is left that might still make some.

        Without `on_disk` a crash of the server may forget it until something later is committed there and
        waited for: right where the other side opens only after that. Without `sound` the caller calls
        `require_sound` before that.

        When it takes longer than `seconds`, the side is opened again and StepTimeout names the writers; so
        it is with WrongState for guards that somebody dropped or disabled, and for
        a subscription that is not ours.
        Only a lost connection leaves it closed without proof; the next `close` gives that.
        """
        begun = time.monotonic()
        self._set(CLOSED, on_disk=on_disk)
        most = 0
        try:
            while True:
                writers = self.writers()
                most = max(most, len(writers))
                if not writers:
                    if sound:
                        self.require_sound()
                    return Closing((time.monotonic() - begun) * 1000, most)
                if time.monotonic() - begun > seconds:
                    named = "; ".join(str(writer) for writer in writers[:3])
                    raise StepTimeout(
                        f"{len(writers)} transactions of {self.service} were still writing after "
                        f"{seconds:g} s ({named}); its writes are open again: end them, then run it again"
                    )
                time.sleep(_POLL_SECONDS)
        except BaseException:
            if not self._connection.closed:
                self.open()
            raise

    def require_sound(self) -> None:
        """Once closed, and no writer is left: nothing gets past the guards.

        DDL that was under way has ended, so that what is read is what there is. Raises WrongState for tables
        without guards, or with disabled ones, or fed by another's subscription.
        """
        with self.database.translated(f"reading the guards of {self.service}"):
            rows = self._connection.execute(query("unsound"), self._parameters).fetchall()
        if rows:
            named = "; ".join(row[0] for row in rows[:3])
            raise WrongState(
                f"{self.database.label} cannot be closed for {self.service}: {named}; its writes are open "
                "again: see docs/runbooks/cutover.md, 'Guards'"
            )

    def warm(self) -> None:
        """Ask once what `close` and `require_sound` ask in a pause: a session's first time is slow."""
        self.is_open()
        self.writers()
        with self.database.translated(f"reading the guards of {self.service}"):
            self._connection.execute(query("unsound"), self._parameters).fetchall()

    def writers(self) -> list[Writer]:
        """Transactions that hold a writer's lock on one of the service's tables now."""
        with self.database.translated(f"looking for writers of {self.service}"):
            rows = self._connection.execute(query("writers"), self._parameters).fetchall()
        return [Writer(*row) for row in rows]

    def status(self) -> GuardStatus:
        """What guards there are, and which are missing or were tampered with."""
        with self.database.translated(f"reading the guards of {self.service}"):
            triggers = self._triggers()
            tables = self._connection.execute(query("tables"), {"schema": self.schema}).fetchall()
        found: dict[TableName, set[bool]] = {}
        weakened = []
        for schema, name, trigger, truncate, enabled in triggers:
            table = TableName(schema, name)
            found.setdefault(table, set()).add(truncate)
            if enabled != "A":
                weakened.append(display_name(schema, name, trigger))
        whole = {table for table, kinds in found.items() if kinds == {True, False}}
        missing = [TableName(*row) for row in tables if TableName(*row) not in whole]
        return GuardStatus(self.is_open(), tuple(sorted(whole)), tuple(missing), tuple(weakened))

    def restore(self, patience: Patience | None = None) -> None:
        """Enable again what somebody disabled, and guard what is not guarded."""
        self.install(open=False, patience=patience)
        with self.database.translated(f"enabling the guards of {self.service}"):
            for schema, name, trigger, _, enabled in self._triggers():
                if enabled != "A":
                    self._enable_always(TableName(schema, name), trigger, patience)

    def update(self, patience: Patience | None = None) -> bool:
        """Make an older version's guards this version's; returns whether there were any.

        They are told by their function, by that of the event triggers, or by TRUNCATE guards that are not
        enabled always, as the other guard of their table is. The flag stays as it is throughout, and so do
        guards that somebody disabled or dropped, tables without any, and a side without a flag.
        Raises what `install` does.
        """
        with self.database.translated(f"bringing the guards of {self.service} up to date"):
            if self.is_open() is None:
                return False
            older = self._older_triggers()
            if not older and self._function_is_this_versions() and refuses_as_now(self._connection):
                return False
            # The function first: only this version's lets the TRUNCATEs of apply workers pass its guard.
            with self._connection.transaction():
                self._make_function()
                refuse_ddl(self._connection, self.schema, self.flag, self._guard_function)
            for table, trigger in older:
                self._enable_always(table, trigger, patience)
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def _make_flag(self, value: int) -> None:
        ensure_schema(self._connection)
        if self.is_open() is None:
            self._connection.execute(statement("flag").format(flag=self._flag))
            self._set(value)
        self._make_function()

    def _make_function(self) -> None:
        self._connection.execute(self._function_command())
        self._connection.execute(
            sql.SQL("REVOKE EXECUTE ON FUNCTION {}() FROM PUBLIC").format(self._function)
        )

    def _function_command(self) -> sql.Composed:
        return statement("function").format(function=self._function, flag=self.flag)

    def _function_is_this_versions(self) -> bool:
        _, body, _ = self._function_command().as_string(self._connection).split("$guard$")
        return body_of(self._connection, self._guard_function) == body

    def _older_triggers(self) -> list[tuple[TableName, str]]:
        """TRUNCATE guards that are enabled as usual, beside another guard that is enabled always."""
        found: dict[TableName, dict[bool, tuple[str, str]]] = {}
        for schema, name, trigger, truncate, enabled in self._triggers():
            found.setdefault(TableName(schema, name), {})[truncate] = (trigger, enabled)
        return [
            (table, guards[True][0])
            for table, guards in found.items()
            if guards.keys() == {True, False} and (guards[True][1], guards[False][1]) == ("O", "A")
        ]

    def _guard(self, tables: Sequence[TableName], patience: Patience | None) -> None:
        """Guard some tables at once; one by one where somebody is in the way."""
        command = sql.SQL("; ").join(self._guard_command(table) for table in tables)
        try:
            with self._connection.transaction():
                set_lock_timeout(self._connection, (patience or Patience()).wait_ms)
                self._connection.execute(command)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            for table in tables:
                self._patiently(f"guard {table}", self._guard_command(table), patience)

    def _guard_command(self, table: TableName) -> sql.Composed:
        parts = [
            _trigger(GUARD, "INSERT OR UPDATE OR DELETE", table, self._function),
            _trigger(TRUNCATE_GUARD, "TRUNCATE", table, self._function),
            # Always: sessions that load with session_replication_role = replica are writers, too.
            sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}, ENABLE ALWAYS TRIGGER {}").format(
                table.identifier(), sql.Identifier(GUARD), sql.Identifier(TRUNCATE_GUARD)
            ),
        ]
        return sql.SQL("; ").join(parts)

    def _enable_always(self, table: TableName, trigger: str, patience: Patience | None) -> None:
        alter = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(
            table.identifier(), sql.Identifier(trigger)
        )
        self._patiently(f"enable the guard of {table}", alter, patience)

    def _triggers(self) -> list[tuple[Any, ...]]:
        return self._connection.execute(query("triggers"), self._parameters).fetchall()

    def _patiently(self, what: str, command: sql.Composed, patience: Patience | None) -> None:
        patiently(self._connection, what, lambda: self._connection.execute(command), patience)

    def _set(self, value: int, *, on_disk: bool = True) -> None:
        if self.is_open() is None:
            raise WrongState(
                f"{self.database.label} has no guards for {self.service}; `start` installs them, run it first"
            )
        with self.database.translated(f"setting the flag of {self.service}"):
            self._connection.execute(query("set"), {"flag": self.flag, "value": value, "on_disk": on_disk})


def _trigger(name: str, events: str, table: TableName, function: sql.Identifier) -> sql.Composed:
    return sql.SQL(
        "CREATE OR REPLACE TRIGGER {} BEFORE {} ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()"
    ).format(sql.Identifier(name), sql.SQL(events), table.identifier(), function)
