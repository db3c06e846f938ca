"""The complete rollback: every service in the shared database again, and the foreign keys that crossed.

The keys are checked first, one query each, in the shared database: it follows every service that can
come back, so it holds all rows but those of the last moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from components.contract import Contract, Service
from core.errors import VerificationFailed
from core.references.foreign_keys import ForeignKey, parse_foreign_key
from core.references.keys import CrossingKey, kept_keys
from core.sessions.queries import statements
from core.sessions.session import Connection
from core.sessions.stack import source_database
from migration.consistency.keys import restore_crossing_keys
from migration.journal.journal import Move
from migration.journal.states import SWITCHING, State

statement = statements(__package__)

EXAMPLES = 5


@dataclass(frozen=True)
class Consolidation:
    """Which services come back, which are there, and which cannot."""

    back: tuple[Service, ...]
    """Moved online: they come back now, in this order."""
    there: tuple[Service, ...]
    """Served by the shared database already."""
    impossible: Mapping[str, str]
    """Services that cannot come back without losing writes, and why."""

    @property
    def shared_after(self) -> tuple[Service, ...]:
        """Services that the shared database serves afterwards."""
        return (*self.there, *self.back)


@dataclass(frozen=True)
class KeyCheck:
    """One key that crossed, and the rows that point nowhere now."""

    name: str
    orphans: int
    examples: tuple[str, ...]
    """The referencing values of some of them."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {"key": self.name, "orphans": self.orphans, "examples": list(self.examples)}


@dataclass(frozen=True)
class RestoredKeys:
    """What became of the keys that crossed."""

    states: Mapping[str, str]
    """By key: `valid`, or `not valid: ` and what the server said."""
    invalid: int

    def as_json(self) -> dict[str, str]:
        """JSON types only."""
        return dict(self.states)

    def require(self) -> None:
        """Raise VerificationFailed when a key could not be validated."""
        if self.invalid:
            raise VerificationFailed(
                f"{self.invalid} of {len(self.states)} foreign keys that crossed have orphans and stay NOT "
                "VALID: mend these rows, then run `rollback --complete` again, which validates what is left"
            )


def consolidation(contract: Contract, wanted: Sequence[Service], moves: Iterable[Move]) -> Consolidation:
    """Sort `wanted` by what a complete rollback can do for them; all other services stay as they are."""
    newest = {move.service: move for move in moves}
    back, there, impossible = [], [], {}
    for service in contract.services.values():
        move = newest.get(service.name)
        why = _impossible(move)
        asked = service in wanted
        if why is not None:
            if asked:
                impossible[service.name] = why
        elif move is not None and move.finished is None and move.state in {State.MOVED, *SWITCHING}:
            if asked:
                back.append(service)
        else:
            there.append(service)
    return Consolidation(tuple(back), tuple(there), impossible)


def check_references(contract: Contract, services: Sequence[Service]) -> list[KeyCheck]:
    """The orphans of every kept key between `services`, counted in the shared database."""
    source = source_database(contract)
    with source.connect() as connection, source.translated("checking the keys that crossed"):
        keys = kept_keys(connection, {service.schema_name for service in services})
        return [_check(connection, key) for key in keys]


def restore_keys(contract: Contract, services: Sequence[Service]) -> RestoredKeys:
    """Put back the kept keys between `services`, NOT VALID, and validate them."""
    restored, orphans = restore_crossing_keys(
        source_database(contract), [service.schema_name for service in services]
    )
    left = {check.name: check for check in check_references(contract, services)} if orphans else {}
    states = {str(key): "valid" for key in restored}
    for one in orphans:
        check = left.get(str(one.key))
        said = f"{check.orphans:,} rows point nowhere ({', '.join(check.examples)})" if check else one.said
        states[str(one.key)] = f"not valid: {said}"
    return RestoredKeys(states, len(orphans))


def _impossible(move: Move | None) -> str | None:
    if move is None:
        return None
    if move.state in {"finished", "finishing"}:
        return "is finished: nothing replicates back any more"
    if move.mode == "offline" and move.state == "moved":
        return "was moved with its writes stopped: nothing replicates back"
    return None


def _check(connection: Connection, key: CrossingKey) -> KeyCheck:
    parsed = parse_foreign_key(key.definition)
    columns = [sql.Identifier("c", column) for column in parsed.columns]
    composed = statement("keys_orphans").format(
        table=key.table.identifier(),
        referenced=sql.Identifier(*parsed.referenced),
        present=_present(parsed, columns),
        same=sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("p", theirs), ours)
            for theirs, ours in zip(parsed.referenced_columns, columns, strict=True)
        ),
        values=sql.SQL(", ").join(columns),
        limit=sql.Literal(EXAMPLES),
    )
    row = connection.execute(composed).fetchone()
    count, examples = row if row else (0, None)
    return KeyCheck(str(key), count, tuple(examples or ()))


def _present(parsed: ForeignKey, columns: Sequence[sql.Composable]) -> sql.Composable:
    """Which rows the key binds: without MATCH FULL one NULL frees a row, with it only NULLs throughout do."""
    joiner = " OR " if parsed.match_full else " AND "
    return sql.SQL(joiner).join(sql.SQL("{} IS NOT NULL").format(column) for column in columns)
