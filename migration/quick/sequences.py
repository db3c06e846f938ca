"""Sequences above everything that was given out, as far as any side can tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import sql

from core.sessions.connections import Database
from migration.catalog.tables import Sequence as SequenceModel
from migration.copy.sequences import SequenceValue, read_sequences, set_sequences


@dataclass(frozen=True)
class Reached:
    """How far a sequence has come on a side, by its own word and by the rows of its column."""

    sequence: SequenceModel
    value: SequenceValue
    in_rows: int | None


def reached(database: Database, sequences: Sequence[SequenceModel]) -> list[Reached]:
    """Ask a side. Raises what connecting raises."""
    with database.connect() as connection, database.translated("reading its sequences"):
        values = read_sequences(connection, [sequence.name for sequence in sequences])
        found = []
        for sequence, value in zip(sequences, values, strict=True):
            in_rows = None
            if sequence.owned_by is not None:
                table, column = sequence.owned_by
                last = sql.SQL("max" if sequence.increment > 0 else "min")
                row = connection.execute(
                    sql.SQL("SELECT pg_catalog.{}({})::pg_catalog.int8 FROM {}").format(
                        last, sql.Identifier(column), table.identifier()
                    )
                ).fetchone()
                in_rows = None if row is None else row[0]
            found.append(Reached(sequence, value, in_rows))
    return found


def raised(sides: Iterable[Sequence[Reached]], gap: int = 0) -> list[SequenceValue]:
    """Each sequence's furthest value on any side, and `gap` numbers further, within its limits. Pure."""
    values = []
    for same in zip(*sides, strict=True):
        sequence = same[0].sequence
        forward = sequence.increment > 0
        given = [one.value.last_value for one in same if one.value.is_called]
        given += [one.in_rows for one in same if one.in_rows is not None]
        if not given and not gap:
            values.append(same[0].value)
            continue
        furthest = (max if forward else min)([*given, *(() if given else (sequence.start,))])
        further = furthest + gap * sequence.increment
        within = min(further, sequence.maximum) if forward else max(further, sequence.minimum)
        values.append(SequenceValue(same[0].value.name, within, is_called=True))
    return values


def raise_on(database: Database, values: Sequence[SequenceValue]) -> None:
    """Set a side's sequences. Raises what connecting raises."""
    with database.connect() as connection, database.translated("raising its sequences"):
        set_sequences(connection, values)
