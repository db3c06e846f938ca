"""Checks a reference between services, whichever databases its two ends are in, while both are written to.

No lock is taken and nothing is written. The dependent side is read first, each side at one instant, so a
reference made while it runs is never missed on the other side; what looks missing is then looked for again,
twice, the second time after the dependent row: an orphan is a row that was there between two looks that did
not find what it refers to. docs/decisions/0040-consistency.md says what that guarantees.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg

from core.references.model import Checked, Orphan, Reference
from core.references.shape import Shape, read_shape
from core.references.streams import Rank, blocks, fields, missing, ranker
from core.references.words import Word, close_together, missing_words, numbers, words
from core.sessions.connections import Database
from core.sessions.session import Connection
from core.sessions.settings import LOOKING, use

LOOK_AGAIN_SECONDS = 1.0
"""Between the two looks: longer than a transaction that writes both ends takes."""
BATCH = 20_000
"""Values that are looked for again by one statement."""
SPILL_BYTES = 8 << 20
"""Of values to look for again in memory; more go to a file."""

_Lines = tempfile.SpooledTemporaryFile[bytes]


@dataclass(frozen=True)
class _Side:
    database: Database
    connection: Connection


def check_reference(
    reference: Reference,
    ends: tuple[Database, Database],
    *,
    limit: int,
    look_again: float,
    renamed: Mapping[str, str] | None = None,
) -> Checked:
    """Check one reference, whose dependent rows are in the first of `ends` and the others in the second.

    Raises MigrationError when it cannot be checked, and the errors of `Database.translate`.
    """
    begun = time.monotonic()
    doing = f"checking {reference.key}"
    with ExitStack() as stack:
        dependent, referenced = (stack.enter_context(_looking(database, doing)) for database in ends)
        shape = read_shape(reference.key, dependent.connection, referenced.connection, renamed)
        listed = _partly_null(shape, dependent)
        null_keys, null_rows = len(listed), sum(orphan.rows for orphan in listed)
        first, second = (stack.enter_context(tempfile.SpooledTemporaryFile(SPILL_BYTES)) for _ in range(2))
        keys, suspects = _stream(shape, dependent, referenced, first)
        still = 0
        # Whether rows still refer with it is asked once, between this look and the last one.
        for line in _still_missing(shape, referenced, first):
            second.write(line + b"\n")
            still += 1
        if still:
            time.sleep(look_again)
        orphan_keys = orphan_rows = 0
        for line, rows in _look_again(shape, dependent, referenced, second):
            orphan_keys += 1
            orphan_rows += rows
            if len(listed) < limit:
                listed.append(Orphan(tuple(shape.values(fields(line))), rows))
    return Checked(
        reference,
        keys,
        orphan_keys + null_keys,
        orphan_rows + null_rows,
        tuple(listed[:limit]),
        suspects - orphan_keys,
        time.monotonic() - begun,
    )


@contextmanager
def _looking(database: Database, doing: str) -> Iterator[_Side]:
    """A session that only looks; what its server says becomes an error a person reads."""
    with (
        closing(database.connect(application_name="waqiti-consistency")) as connection,
        database.translated(doing),
    ):
        use(connection, LOOKING)
        yield _Side(database, connection)


def _stream(shape: Shape, dependent: _Side, referenced: _Side, suspects: _Lines) -> tuple[int, int]:
    """Merge both streams; what is missing goes to `suspects`. Returns (values, those missing)."""
    in_words = _in_words(shape, referenced)
    sent = (
        (shape.dependent_words(), shape.referenced_words())
        if in_words
        else (shape.dependent_stream(), shape.referenced_stream())
    )
    # Entered in this order: a COPY that has begun has its snapshot, so the referenced one is the later.
    with (
        dependent.connection.cursor().copy(sent[0]) as here,
        referenced.connection.cursor().copy(sent[1]) as there,
    ):
        if in_words:
            found = _merge_words(blocks(here), blocks(there), suspects)
        else:
            found = _merge_lines(blocks(here), blocks(there), ranker(shape.whole_numbers), suspects)
        _end(referenced.connection, there)
    return found


def _in_words(shape: Shape, referenced: _Side) -> bool:
    """Whether the referenced values are whole numbers that lie close together, as a sequence gives them."""
    if not shape.one_number:
        return False
    row = referenced.connection.execute(shape.span()).fetchone()
    return row is not None and row[0] is not None and close_together(*row)


def _merge_words(
    here: Iterator[list[bytes]], there: Iterator[list[bytes]], suspects: _Lines
) -> tuple[int, int]:
    keys = seen = 0

    def counted(stream: Iterator[Word]) -> Iterator[Word]:
        nonlocal keys
        for word in stream:
            keys += word[1].bit_count()
            yield word

    for word in missing_words(counted(words(here)), words(there)):
        seen += word[1].bit_count()
        suspects.writelines(b"%d\n" % number for number in numbers(word))
    return keys, seen


def _merge_lines(
    here: Iterator[list[bytes]], there: Iterator[list[bytes]], rank: Rank, suspects: _Lines
) -> tuple[int, int]:
    keys = seen = 0

    def counted(stream: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
        nonlocal keys
        for block in stream:
            keys += len(block)
            yield block

    for lines in missing(counted(here), there, rank):
        seen += len(lines)
        suspects.writelines(line + b"\n" for line in lines)
    return keys, seen


def _end(connection: Connection, copy: psycopg.Copy) -> None:
    """Leave the rest of a COPY unread: what comes after the last dependent value is not of interest."""
    connection.cancel_safe(timeout=5)
    with suppress(psycopg.errors.QueryCanceled):
        for _ in copy:
            pass


def _still_missing(shape: Shape, referenced: _Side, suspects: _Lines) -> Iterator[bytes]:
    """The values that are still not there, by the referenced column's own operator."""
    for batch in _batches(suspects):
        parameters = shape.parameters([shape.values(fields(line)) for line in batch])
        for (number,) in referenced.connection.execute(shape.still_missing(), parameters):
            yield batch[number - 1]


def _look_again(
    shape: Shape, dependent: _Side, referenced: _Side, suspects: _Lines
) -> Iterator[tuple[bytes, int]]:
    """The values that rows still refer with and that are still not there, with the number of rows."""
    for batch in _batches(suspects):
        parameters = shape.parameters([shape.values(fields(line)) for line in batch])
        # In this order: a row that goes together with what it refers to is gone before that is looked for.
        rows: dict[int, int] = dict(dependent.connection.execute(shape.count_rows(), parameters).fetchall())
        gone = {n for (n,) in referenced.connection.execute(shape.still_missing(), parameters)}
        for number, line in enumerate(batch, 1):
            if number in gone and number in rows:
                yield line, rows[number]


def _batches(suspects: _Lines) -> Iterator[list[bytes]]:
    suspects.seek(0)
    lines = (line.removesuffix(b"\n") for line in suspects)
    while batch := list(itertools.islice(lines, BATCH)):
        yield batch


def _partly_null(shape: Shape, dependent: _Side) -> list[Orphan]:
    composed = shape.partly_null()
    if composed is None:
        return []
    found = dependent.connection.execute(composed).fetchall()
    return [Orphan(tuple(row[:-1]), row[-1]) for row in found]
