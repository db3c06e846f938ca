"""Transactions that write to the tables of more than one service, counted in pairs of services. Pure.

Each statement alone is one service's, so that no statement tells (`migration.traffic.queries`); the WAL does.
Once one of the two has moved, the two writes are in two databases, and commit or fail apart.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any, Literal

from components.contract import Contract
from core.services_yaml import crossing_item
from migration.catalog.tables import TableName
from migration.plan.model import Plan

TRANSACTION = "transaction -> "
"""What the identity of such a pair begins with, for rules of services.yaml."""
_EXAMPLES = 6
_PART = r'(?:"(?:[^"]|"")+"|[^".:, ]+)'
_TABLE = re.compile(rf"({_PART})\.({_PART})")

Ended = Literal["time", "wal", "interrupted"]


@dataclass(frozen=True, slots=True)
class CrossingTransactions:
    """Transactions that wrote to both of two services."""

    services: tuple[str, str]
    transactions: int
    examples: tuple[str, ...]
    """What they wrote, the most frequent first: `INSERT user_schema.users`."""
    reason: str = ""
    """Why they may go on, by a rule of services.yaml; empty: nobody has said."""

    @property
    def identity(self) -> str:
        """What a rule's `match` is held against."""
        return f"{TRANSACTION}{', '.join(self.services)}"

    @property
    def line(self) -> str:
        """The line for services.yaml (under `crossing` of one of the two) that would allow it."""
        return crossing_item(self.identity, "ignore")

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "services": list(self.services),
            "transactions": self.transactions,
            "examples": list(self.examples),
            "reason": self.reason or None,
            "line": None if self.reason else self.line,
        }


@dataclass(frozen=True)
class Watched:
    """What was seen in a stretch of the WAL."""

    made: datetime
    """When it ended."""
    seconds: float
    wal_bytes: int
    transactions: int
    """That wrote to a table of any service."""
    ended: Ended
    """Whether the time was over, the WAL's limit reached, or somebody did not want to wait any longer."""
    pairs: tuple[CrossingTransactions, ...] = ()

    @property
    def left(self) -> tuple[CrossingTransactions, ...]:
        """The pairs that no rule allows."""
        return tuple(pair for pair in self.pairs if not pair.reason)

    def under(self, contract: Contract) -> Watched:
        """The same, with the reasons that the contract's rules give today."""
        return replace(self, pairs=tuple(replace(p, reason=_reason(contract, p)) for p in self.pairs))

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "made": self.made.isoformat(),
            "seconds": self.seconds,
            "wal_bytes": self.wal_bytes,
            "transactions": self.transactions,
            "ended": self.ended,
            "pairs": [pair.as_json() for pair in self.pairs],
        }

    @classmethod
    def from_json(cls, seen: Mapping[str, Any]) -> Watched:
        """What `as_json` gave; reasons and lines are made anew by `under`."""
        pairs = (
            CrossingTransactions(
                (pair["services"][0], pair["services"][1]), pair["transactions"], tuple(pair["examples"])
            )
            for pair in seen["pairs"]
        )
        made = datetime.fromisoformat(seen["made"])
        return cls(
            made, seen["seconds"], seen["wal_bytes"], seen["transactions"], seen["ended"], tuple(pairs)
        )


@dataclass
class Tally:
    """Counts what transactions wrote; its size grows with the tables, not with the transactions."""

    owners: Mapping[TableName, str]
    """The service of each table (`owners_of`)."""
    schemas: Mapping[str, str] = field(default_factory=dict)
    """The service of each schema, for tables that are newer than `owners`."""
    transactions: int = 0
    _pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    _written: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, written: Iterable[str]) -> None:
        """One transaction, as `schema.table: INSERT` each."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for text in written:
            for table, operation in _tables(text):
                owner = self.owners.get(table) or self.schemas.get(table.schema)
                if owner is not None:
                    found[owner].add(f"{operation} {table}")
        self.transactions += bool(found)
        for one, other in combinations(sorted(found), 2):
            self._pairs[one, other] += 1
            self._written[one, other].update([*found[one], *found[other]])

    def pairs(self) -> tuple[CrossingTransactions, ...]:
        """The pairs seen so far, the most frequent first."""
        return tuple(
            CrossingTransactions(
                pair, count, tuple(text for text, _ in self._written[pair].most_common(_EXAMPLES))
            )
            for pair, count in sorted(self._pairs.items(), key=lambda one: (-one[1], one[0]))
        )


def owners_of(plan: Plan) -> dict[TableName, str]:
    """The service that each table moves with; `plan` is of all services."""
    return {table.name: own.service for own in plan.services.values() for table in own.relations}


def of_service(pairs: Iterable[CrossingTransactions], service: str) -> Iterator[CrossingTransactions]:
    """Those that the service is one of."""
    return (pair for pair in pairs if service in pair.services)


def _tables(text: str) -> Iterator[tuple[TableName, str]]:
    names, _, operation = text.rpartition(": ")
    for schema, name in _TABLE.findall(names):
        yield TableName(_unquoted(schema), _unquoted(name)), operation


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _reason(contract: Contract, pair: CrossingTransactions) -> str:
    for service in pair.services:
        rules: Sequence[Any] = contract.services[service].crossing if service in contract.services else ()
        for rule in rules:
            if rule.match.startswith(TRANSACTION) and fnmatchcase(pair.identity, rule.match):
                return str(rule.reason or rule.match)
    return ""
