"""Gives the side that follows the rows of the side that serves, where a comparison found others.

One table at a time: its writers are held (SHARE) until the other side has applied what they wrote, so that
what is left of a difference is one that replication does not mend by itself. The rows that the comparison
named are then removed on the side that follows and taken from the side that serves, as they are now.
No trigger fires there, as for replicated rows; the guard is let by in a transaction that nobody else's write
gets into.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from psycopg import sql

from core.errors import AuthenticationFailed
from core.rows import digest
from core.sessions.connections import Database
from core.sessions.locks import Patience, patiently
from core.sessions.queries import queries, statements
from core.sessions.session import Connection
from migration.catalog.tables import Table, TableName, display_name
from migration.guards.ownership import GUARD
from migration.replicate.flow import Flow
from migration.verify.changed_compare import key_arrays, of_keys
from migration.verify.model import Difference, Verification

copy_query = queries("migration.copy")
query = queries(__package__)
statement = statements(__package__)


NAMED_AT_MOST = 100_000
"""Rows of one table that one round repairs."""
PATIENCE = Patience(wait_ms=200, pause_ms=400, seconds=60.0)
APPLY_SECONDS = 30.0
"""How long writers of a table wait at most for the other side to apply what they wrote."""


def repair_rows(flow: Flow, tables: Sequence[Table], verification: Verification) -> int:
    """Repair what `verification` found in `tables`; returns the rows that were taken from the publisher.

    A second verification shows whether all is equal now. Raises AuthenticationFailed where the role may not
    write as replication does, StepTimeout where writers leave no gap or the subscriber does not apply, and
    what connecting raises.
    """
    return _take(flow.publisher, flow.subscriber, tables, verification, lambda: flow.prove(APPLY_SECONDS))


def take_rows(there: Database, here: Database, tables: Sequence[Table], verification: Verification) -> int:
    """The same between two databases at rest, of which none follows: `here` gets those of `there`."""
    return _take(there, here, tables, verification, lambda: None)


def _take(
    serving: Database,
    following: Database,
    tables: Sequence[Table],
    verification: Verification,
    settle: Callable[[], object],
) -> int:
    by_name = {table.name: table for table in tables}
    named: dict[TableName, list[Difference]] = defaultdict(list)
    for difference in verification.differences:
        named[difference.table].append(difference)
    written = 0
    with ExitStack() as stack:
        there, here = (
            stack.enter_context(closing(database.connect(application_name="waqiti-migration-verify")))
            for database in (serving, following)
        )
        _act_as_replica(following, here)
        for name in sorted(named):
            work = partial(_Repair(settle, following, by_name[name], there, here).run, named[name])
            written += patiently(there, f"hold the writers of {name}", work, PATIENCE)
    return written


def _act_as_replica(database: Database, session: Connection) -> None:
    with database.translated("writing as replication does"):
        row = session.execute(copy_query("may_act_as_replica")).fetchone()
        if row is None or not row[0]:
            raise AuthenticationFailed(
                f"{database.label} does not let {database.login.name} write as replication does, without "
                "triggers and foreign keys: as a superuser there, GRANT SET ON PARAMETER "
                f"session_replication_role TO {display_name(database.login.name)}; "
                "then run it again"
            )
        session.execute("SET session_replication_role = replica")


@dataclass(frozen=True)
class _Repair:
    settle: Callable[[], object]
    """What is on its way to the side that follows arrives."""
    following: Database
    table: Table
    there: Connection
    here: Connection

    def run(self, differences: Iterable[Difference]) -> int:
        """In a transaction of `there`: returns how many rows were written."""
        table, doing = self.table.name, f"repairing {self.table.name}"
        self.there.execute(sql.SQL("LOCK TABLE ONLY {} IN SHARE MODE").format(table.identifier()))
        self.settle()
        with self.following.translated(doing), self.here.transaction():
            for session in (self.there, self.here):
                digest.prepare(session)
            with self._unguarded():
                if self.table.key is None:
                    return self._by_hash({row_hash(difference) for difference in differences})
                return self._by_key({tuple(str(value) for value in d.key.values()) for d in differences})

    @contextmanager
    def _unguarded(self) -> Iterator[None]:
        """Inside a transaction: its locks keep everybody else from writing, and a rollback guards again."""
        parameters = (self.table.name.schema, self.table.name.name, GUARD)
        guarded = self.here.execute(query("repair_guard"), parameters).fetchone() is not None
        change = sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}")
        places = self.table.name.identifier(), sql.Identifier(GUARD)
        if guarded:
            self.here.execute(change.format(places[0], sql.SQL("DISABLE"), places[1]))
        yield
        if guarded:
            self.here.execute(change.format(places[0], sql.SQL("ENABLE ALWAYS"), places[1]))

    def _by_key(self, keys: set[tuple[str, ...]]) -> int:
        parameters = key_arrays(keys)
        ctids = sql.SQL("SELECT held.ctid FROM {}").format(of_keys(self.table))
        self._delete(ctids, parameters)
        return self._copy(ctids, parameters)

    def _by_hash(self, hashes: set[int]) -> int:
        """Rows without a key: where one is there too often, and as often as it is missing."""
        function = digest.choose(self.there, self.here)
        hashed = function.single(digest.image([column.name for column in self.table.columns]))
        place = {"hash": hashed, "table": sql.SQL("ONLY ") + self.table.name.identifier()}

        def counted(session: Connection) -> Counter[int]:
            counts = statement("repair_counts").format(**place)
            return Counter(dict(session.execute(counts, {"hashes": list(hashes)}).fetchall()))

        served, followed = counted(self.there), counted(self.here)

        def some(counts: Counter[int]) -> sql.Composed:
            return statement("repair_some").format(
                **place, hashes=sql.Literal(list(counts)), counts=sql.Literal(list(counts.values()))
            )

        self._delete(some(followed - served), [])
        return self._copy(some(served - followed), [])

    def _delete(self, ctids: sql.Composable, parameters: Sequence[object]) -> None:
        statement = sql.SQL("DELETE FROM ONLY {} WHERE ctid = ANY (ARRAY({}))")
        self.here.execute(statement.format(self.table.name.identifier(), ctids), parameters)

    def _copy(self, ctids: sql.Composable, parameters: Sequence[object]) -> int:
        """As text under the settings of a comparison, which reads back as what it was."""
        listed = sql.SQL(", ").join(column.identifier() for column in self.table.copied)
        names = {"table": self.table.name.identifier(), "columns": listed}
        reading = sql.SQL(
            "COPY (SELECT {columns} FROM ONLY {table} WHERE ctid = ANY (ARRAY({ctids}))) TO STDOUT"
        ).format(**names, ctids=ctids)
        writing = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(**names)
        with (
            self.there.cursor() as out,
            self.here.cursor() as into,
            out.copy(reading, parameters) as rows,
            into.copy(writing) as written,
        ):
            count = 0
            for piece in rows:
                written.write(piece)
                count += bytes(piece).count(b"\n")  # those inside of values are escaped
        return count


def row_hash(difference: Difference) -> int:
    """The hash that names a row without a key: as `migration.verify.rows` prints it."""
    value = int(str(difference.key["row"]), 16)
    return value - (1 << 64) if value >= 1 << 63 else value
