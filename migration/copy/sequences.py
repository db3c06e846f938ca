"""The values of sequences, taken over exactly: owned by columns, of identity columns, free-standing.

Sequences are not transactional and not replicated. They are set after the copy, and again in the
cutover, when nobody writes to the source any more: then no number is given twice and none is left out
but those that sessions of the source had cached.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg import sql

from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.catalog.tables import Sequence as SequenceModel
from migration.catalog.tables import SequenceName

query = queries(__package__)

T = TypeVar("T")

_AT_ONCE = 200
"""Sequences read or set by one statement."""


@dataclass(frozen=True)
class SequenceValue:
    """Where a sequence stands."""

    name: SequenceName
    last_value: int
    is_called: bool
    """Whether `last_value` has been given out; if not, it is the next to be."""


def read_sequences(
    connection: psycopg.Connection[tuple[object, ...]], names: Iterable[SequenceName]
) -> tuple[SequenceValue, ...]:
    """Read where sequences stand now, in the order asked for. Raises psycopg errors."""
    values: list[SequenceValue] = []
    for some in _batches(names):
        one = sql.SQL("SELECT {number}::int, last_value, is_called FROM {sequence}")
        numbered = [
            one.format(number=sql.Literal(number), sequence=name.identifier())
            for number, name in enumerate(some)
        ]
        statement = sql.SQL(" UNION ALL ").join(numbered) + sql.SQL(" ORDER BY 1")
        rows = connection.execute(statement).fetchall()
        values += [
            SequenceValue(name, int(str(last)), bool(called))
            for name, (_, last, called) in zip(some, rows, strict=True)
        ]
    return tuple(values)


def set_sequences(
    connection: psycopg.Connection[tuple[object, ...]], values: Iterable[SequenceValue]
) -> None:
    """Set sequences of the same names to exactly these values. Can be repeated. Raises psycopg errors."""
    for some in _batches(values):
        connection.execute(
            query("sequence_set"),
            {
                "names": [value.name.identifier().as_string(connection) for value in some],
                "values": [value.last_value for value in some],
                "called": [value.is_called for value in some],
            },
        )


def move_sequences(
    source: Database, target: Database, sequences: Sequence[SequenceModel]
) -> tuple[SequenceValue, ...]:
    """Make the target's sequences stand where the source's do, and return where that is.

    Raises SourceUnreachable, TargetUnreachable, ConnectionLost, CopyFailed (for example when one is
    missing on the target).
    """
    with source.connect() as there, source.translated("reading its sequences"):
        values = read_sequences(there, (sequence.name for sequence in sequences))
    with target.connect() as here, target.translated("setting its sequences"):
        set_sequences(here, values)
    return values


def _batches(items: Iterable[T]) -> Iterable[tuple[T, ...]]:
    remaining = iter(items)
    while batch := tuple(itertools.islice(remaining, _AT_ONCE)):
        yield batch
