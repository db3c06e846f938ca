"""Makes a stretch out of a server's log: transactions with their values, weighed by pg_stat_statements.

The log says what was sent with which values; it may be a sample (log_transaction_sample_rate,
log_min_duration_sample) or what is slow alone. pg_stat_statements says how often each statement runs. So a
unit is drawn as often as its statements were called, divided among the examples that the log has of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from core.errors import LoadRefused, MigrationError
from core.sessions.connections import Database
from core.sessions.queries import queries, statements
from operations.audit.read import Entry
from operations.load.statements import Kind, fingerprint, kind_of, parameters_of
from operations.load.stretch import Call, Stretch, Unit

query = queries(__package__)
statement = statements(__package__)

MOST_UNITS = 200_000
SHOWN_MISSING = 5
OURS = "waqiti-"
"""What our own sessions are called: a load that was played is no load of the service's."""
_VALUE = re.compile(r"\$(\d+) = (NULL|'((?:[^']|'')*)')(?:, |$)", re.DOTALL)


@dataclass(frozen=True)
class Ran:
    """A statement of pg_stat_statements."""

    text: str
    calls: int
    milliseconds: float


def values_of(parameters: str) -> tuple[str | None, ...]:
    """`$1 = 'it''s', $2 = NULL` as values. Raises ValueError for what is none, or was cut short."""
    found: list[str | None] = []
    at = 0
    while at < len(parameters):
        match = _VALUE.match(parameters, at)
        if match is None or int(match[1]) != len(found) + 1:
            raise ValueError(f"no values: {parameters[:40]}")
        found.append(None if match[2] == "NULL" else match[3].replace("''", "'"))
        at = match.end()
    return tuple(found)


def record(
    service: str,
    entries: Iterable[Entry],
    roles: Collection[str],
    ran: Iterable[Ran] | None,
    *,
    of_all: bool = False,
) -> Stretch:
    """The stretch that a log's `entries` of `roles` are, weighed by what `ran` (None: not at all).

    `of_all`: what ran is of all services, as on the shared database, where their logins act as one role.
    Raises LoadRefused where nothing is in it that could be replayed.
    """
    reader = _Reader()
    times: list[float] = []
    units: list[Unit] = []
    for entry in entries:
        if entry.role not in roles or entry.application.startswith(OURS):
            continue
        times.append(entry.at.timestamp())
        units += reader.take(entry)
        if len(units) >= MOST_UNITS:
            break
    units += reader.rest()
    seconds = max(times) - min(times) if times else 0.0
    stretch = Stretch(
        service, tuple(units), seconds, datetime.now(UTC).isoformat(timespec="seconds"), dict(reader.left_out)
    )
    if ran is not None:
        stretch = weighed(stretch, list(ran), of_all=of_all)
    if not stretch.units:
        raise LoadRefused(
            f"no statement of {', '.join(sorted(roles))} is in the log: `log_statement: all` under "
            f"`parameters` of {service} in services.yaml, `pulumi up`, and let it work for a while; or give "
            "the shared database's log by --log"
        )
    return stretch


@dataclass
class _Open:
    """A session's transaction that has begun, or its statement alone."""

    calls: list[Call] = field(default_factory=list)
    writes: bool = False
    transaction: bool = False


@dataclass
class _Reader:
    """Puts a log's lines together to units, session by session."""

    left_out: Counter[str] = field(default_factory=Counter)
    _open: dict[int, _Open] = field(default_factory=dict)

    def take(self, entry: Entry) -> Iterator[Unit]:
        """One line; yields the unit that it ends."""
        kind = kind_of(entry.statement)
        now = self._open.get(entry.process)
        if kind is Kind.BEGIN:
            if now is not None:
                yield from self._unit(now, ends_well=True)  # its end is not in the log
            self._open[entry.process] = _Open(transaction=True)
        elif kind in {Kind.COMMIT, Kind.ROLLBACK}:
            self._open.pop(entry.process, None)
            if now is not None:
                yield from self._unit(now, ends_well=kind is Kind.COMMIT)
        elif kind is Kind.LEFT_OUT:
            self.left_out["neither reads nor writes rows, or cannot be parsed"] += 1
        else:
            call = self._call(entry)
            if call is None:
                return
            if now is None:
                yield Unit((call,), kind is Kind.WRITE, transaction=False)
            else:
                now.calls.append(call)
                now.writes = now.writes or kind is Kind.WRITE

    def rest(self) -> Iterator[Unit]:
        """Transactions whose end is not in the log."""
        for one in self._open.values():
            yield from self._unit(one, ends_well=True)
        self._open.clear()

    def _call(self, entry: Entry) -> Call | None:
        try:
            values = values_of(entry.parameters)
        except ValueError:
            self.left_out["its values are cut short in the log (log_parameter_max_length)"] += 1
            return None
        if len(values) < parameters_of(entry.statement):
            self.left_out["its values are not in the log"] += 1
            return None
        return Call(entry.statement, values)

    @staticmethod
    def _unit(one: _Open, *, ends_well: bool) -> Iterator[Unit]:
        if one.calls:
            yield Unit(tuple(one.calls), one.writes, one.transaction, ends_well)


def weighed(stretch: Stretch, ran: list[Ran], *, of_all: bool = False) -> Stretch:
    """The same units with the weights that `ran` gives them, and those of `ran` that need no value added.

    Of what ran `of_all` services, others' statements are neither added nor missing.
    """
    calls: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for one in ran:
        if kind_of(one.text) in {Kind.READ, Kind.WRITE}:
            calls[fingerprint(one.text)] += one.calls
            texts.setdefault(fingerprint(one.text), one.text)
    examples = Counter(fingerprint(call.text) for unit in stretch.units for call in unit.calls)
    units = [replace(unit, weight=_weight(unit, calls, examples)) for unit in stretch.units]
    if of_all:
        return replace(stretch, units=tuple(units))
    for known, text in texts.items():
        if known not in examples and not parameters_of(text):
            writes = kind_of(text) is Kind.WRITE
            units.append(Unit((Call(text),), writes, transaction=False, weight=float(calls[known])))
            examples[known] += 1
    every = sum(calls.values())
    missing = [one for one, _ in calls.most_common() if one not in examples]
    covered = sum(count for one, count in calls.items() if one in examples) / every if every else None
    return replace(
        stretch,
        units=tuple(units),
        covered=covered,
        missing=[" ".join(texts[one].split())[:200] for one in missing[:SHOWN_MISSING]],
    )


def _weight(unit: Unit, calls: Mapping[str, int], examples: Mapping[str, int]) -> float:
    """On average over its statements; what is not counted there is as rare as anything."""
    known = [fingerprint(call.text) for call in unit.calls]
    return sum(max(calls.get(one, 0), 1) / examples[one] for one in known) / len(known)


def read_ran(database: Database, roles: Collection[str]) -> list[Ran] | None:
    """What pg_stat_statements counted of `roles`; None where it is not there or does not answer."""
    try:
        with closing(database.connect(application_name="waqiti-load")) as session:
            home = session.execute(query("home")).fetchone()
            if home is None:
                return None
            view = sql.Identifier(home[0], "pg_stat_statements")
            rows = session.execute(
                statement("statements").format(view=view), {"roles": list(roles)}
            ).fetchall()
    except (MigrationError, psycopg.Error):
        return None
    return [Ran(str(text), int(calls), float(ms)) for text, calls, ms in rows]
