"""What must be true of the eight services' data at any moment, checked through their endpoints.

Within a service a check reads one snapshot. Between services there is none, so a check reads what is
written later first: who looks for the ledger entry of every settled payment has read the settled
payments before, and entries are never removed. So a workload may go on, and there is no false alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from components.contract import Contract
from demo.connecting import conninfo
from demo.workload.business_journal import JournalContents, read_journal
from demo.workload.invariant_queries import BOOKED, MOVED, SETTLED, WITHIN
from demo.workload.transactions import cents

Row = tuple[Any, ...]
SHOWN = 10
"""Offending ids a violation names; its count is of all."""


@dataclass(frozen=True)
class Violation:
    """One invariant that does not hold."""

    invariant: str
    count: int
    ids: tuple[str, ...]
    """The first few that offend."""

    def __str__(self) -> str:
        more = f" and {self.count - len(self.ids)} more" if self.count > len(self.ids) else ""
        return f"{self.invariant}: {', '.join(self.ids)}{more}"


@dataclass(frozen=True)
class _Amounts:
    """Business id to amount, in the order in which they were read."""

    settled: Mapping[UUID, object]
    booked: Mapping[UUID, object]
    moved: Mapping[UUID, object]


def check_invariants(
    contract: Contract,
    journal: Path | None = None,
    note: Callable[[str], None] = lambda _name: None,
) -> list[Violation]:
    """Check everything; an empty list says that all holds.

    `journal` is the workload's own record: what it says was done must be there, exactly once.
    `note` is called with each invariant's name before it is checked. Raises psycopg.Error.
    """
    violations: list[Violation] = []

    def judge(name: str, offending: list[str]) -> None:
        if offending:
            violations.append(Violation(name, len(offending), tuple(offending[:SHOWN])))

    recorded = read_journal(journal) if journal is not None else None
    reader = _Reader(contract)
    settled = reader.amounts("payment", SETTLED)
    booked = reader.amounts("ledger", BOOKED)
    moved = reader.amounts("wallet", MOVED)
    seen = _Amounts(settled, booked, moved)
    for name, having, needed in (
        ("a settled payment or refund has its ledger entry, of the same amount", settled, booked),
        ("a ledger entry has its wallet movements, of the same amount", booked, moved),
    ):
        note(name)
        judge(name, [str(key) for key, amount in having.items() if needed.get(key) != amount])
    if recorded is not None:
        note("what the workload recorded as done is there")
        for name, offending in _compare(recorded, reader, seen):
            judge(name, offending)
    for service, name, query in WITHIN:
        note(name)
        judge(name, [str(row[0]) for row in reader.rows(service, query)])
    return violations


def _compare(recorded: JournalContents, reader: _Reader, seen: _Amounts) -> Iterator[tuple[str, list[str]]]:
    """What the journal says against what is there; the amounts were read after the journal."""
    done, settled, booked, moved = recorded.done, seen.settled, seen.booked, seen.moved
    money = {key: cents(it) for key, it in done.items() if it.kind in ("fund", "pay", "refund")}
    for what, there, kinds in (
        ("is booked", booked, ("fund", "pay", "refund")),
        ("moved wallets", moved, ("fund", "pay", "refund")),
        ("is settled", settled, ("pay", "refund")),
    ):
        offending = [str(k) for k, v in money.items() if done[k].kind in kinds and there.get(k) != v]
        yield f"a transaction recorded as done {what}", offending
    yield (
        "a transaction recorded as declined moved nothing",
        [str(key) for key in recorded.declined if key in booked or key in moved or key in settled],
    )
    for service, kind, query in (
        ("user", "register", "SELECT public_id FROM user_schema.users WHERE public_id = ANY(%s)"),
        ("wallet", "register", "SELECT public_id FROM wallet_schema.wallets WHERE public_id = ANY(%s)"),
        (
            "analytics",
            "report",
            'SELECT "Business Id" FROM analytics_schema."Report Runs" WHERE "Business Id" = ANY(%s)',
        ),
        (
            "security",
            None,
            "SELECT DISTINCT business_id FROM security_schema.audit_events WHERE business_id = ANY(%s)",
        ),
        (
            "notification",
            None,
            "SELECT business_id FROM notification_schema.notifications WHERE business_id = ANY(%s)",
        ),
    ):
        wanted = [key for key, it in done.items() if kind is None or it.kind == kind]
        found = [row[0] for row in reader.rows(service, query, (wanted,))]
        missing = set(wanted) - set(found)
        doubled = len(found) - len(set(found))
        name = f"what was recorded as done is in the {service} service, once"
        yield name, sorted(str(key) for key in missing) + ["doubled"] * doubled


class _Reader:
    """Reads through the services' endpoints, each query on a snapshot of its own."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def rows(self, service: str, query: LiteralString, values: tuple[object, ...] | None = None) -> list[Row]:
        with self._snapshot(service) as connection:
            return connection.execute(query, values).fetchall()

    def amounts(self, service: str, query: LiteralString) -> dict[UUID, object]:
        return dict(self.rows(service, query))

    @contextmanager
    def _snapshot(self, service: str) -> Iterator[psycopg.Connection[Row]]:
        part = self._contract.services[service]
        target = conninfo(part.endpoint, part.service, application="waqiti-invariants")
        with psycopg.connect(target, autocommit=True, prepare_threshold=None) as connection:
            # Not serializable, which is one service's default: a report must not abort customers.
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # A check reads whole tables; the limits that services set are for customers' statements.
            connection.execute("SET LOCAL statement_timeout = '300s'")
            yield connection
            connection.execute("COMMIT")
