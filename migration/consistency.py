"""Checks references between services, whichever databases their rows are in, while both are written to.

No lock is taken and nothing is written. The dependent side is read first, each side at one instant, so a
reference made while it runs is never missed on the other side; what looks missing is then looked for again,
twice, the dependent row first: an orphan is a row that was there between two looks that did not find what
it refers to. docs/decisions/0040-consistency.md says what that guarantees.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from components.contract import Contract
from migration.connections import Database
from migration.consistency_keys import find_homes, find_references, home_database
from migration.consistency_model import Checked, Consistency, Home, NotChecked, Orphan, Reference
from migration.consistency_shape import Shape, read_shape
from migration.consistency_streams import blocks, fields, missing, ranker
from migration.errors import Interrupted, MigrationError, RenameRefused, WrongState
from migration.journal import read_moves, read_steps
from migration.progress import Progress
from migration.queries import query
from migration.rename import lost_name
from migration.stack import source_database

Connection = psycopg.Connection[tuple[Any, ...]]

LOOK_AGAIN_SECONDS = 1.0
"""Between the two looks: longer than a transaction that writes both ends takes."""
BATCH = 20_000
"""Values that are looked for again by one statement."""
SPILL_BYTES = 8 << 20
"""Of values to look for again in memory; more go to a file."""
ATTEMPTS = 3
"""Times that a reference is checked anew because a service was switched meanwhile."""


_Lines = tempfile.SpooledTemporaryFile[bytes]


@dataclass(frozen=True)
class _Side:
    database: Database
    connection: Connection


def check_consistency(
    contract: Contract,
    services: Collection[str],
    *,
    limit: int = 1000,
    look_again: float = LOOK_AGAIN_SECONDS,
    progress: Progress,
) -> Consistency:
    """Check every reference from or to one of `services`; orphans are listed up to `limit` a reference.

    A reference that cannot be checked is told of and does not keep the others from being checked.
    `look_again` is in seconds. Raises what reading the journal raises.
    """
    references = find_references(contract, find_homes(contract), services)
    progress.phase("consistency", len(references), "steps")
    checked: list[Checked] = []
    failed: list[NotChecked] = []
    for reference in references:
        name = str(reference.key)
        progress.table(name)
        try:
            one = _check_where_it_is(contract, reference, limit, look_again)
        except Interrupted:
            raise
        except MigrationError as error:
            failed.append(NotChecked(name, _lost_name(contract, reference) or error))
        else:
            checked.append(one)
            progress.done(name, one.keys, 0, one.seconds)
    return Consistency(checked, failed)


def _check_where_it_is(contract: Contract, reference: Reference, limit: int, look_again: float) -> Checked:
    """Check a reference; again where one of its services was switched meanwhile."""
    for _ in range(ATTEMPTS):
        before = _homes(contract, reference)
        vouched = reference.enforced and before == ("shared", "shared")
        now = replace(reference, homes=before, enforced=vouched)
        ends = (
            home_database(contract, reference.dependent, before[0]),
            home_database(contract, reference.referenced, before[1]),
        )
        renamed = {s.schema_name: s.own_schema for s in contract.services.values() if s.own_schema}
        found = check_reference(now, ends, limit=limit, look_again=look_again, renamed=renamed)
        if _homes(contract, reference) == before:
            return found
    raise WrongState(f"{reference.key}: its services were switched while it was checked; check it again")


def _lost_name(contract: Contract, reference: Reference) -> RenameRefused | None:
    """What to do where a check failed because `finish` gave a schema a name that services.yaml has lost."""
    source, ends = source_database(contract), {reference.dependent, reference.referenced}
    try:
        with closing(source.connect()) as connection, source.translated("reading the journal"):
            moves = [move for move in read_moves(connection) if move.service in ends]
            steps = {move.service: read_steps(connection, move) for move in moves}
        for service, records in steps.items():
            if lost := lost_name(contract.services[service], records):
                return RenameRefused(lost)
    except Interrupted:
        raise
    except MigrationError:
        # What does not answer now is told of by the check that failed.
        return None
    return None


def _homes(contract: Contract, reference: Reference) -> tuple[Home, Home]:
    homes = find_homes(contract, (reference.dependent, reference.referenced))
    return homes[reference.dependent], homes[reference.referenced]


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
        for line, _ in _look_again(shape, dependent, referenced, first):
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
        connection.execute(query("consistency_session"))
        yield _Side(database, connection)


def _stream(shape: Shape, dependent: _Side, referenced: _Side, suspects: _Lines) -> tuple[int, int]:
    """Merge both streams; what is missing goes to `suspects`. Returns (values, those missing)."""
    keys = seen = 0
    rank = ranker(shape.whole_numbers)

    def counted(stream: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
        nonlocal keys
        for block in stream:
            keys += len(block)
            yield block

    # Entered in this order: a COPY that has begun has its snapshot, so the referenced one is the later.
    with (
        dependent.connection.cursor().copy(shape.dependent_stream()) as here,
        referenced.connection.cursor().copy(shape.referenced_stream()) as there,
    ):
        for lines in missing(counted(blocks(here)), blocks(there), rank):
            seen += len(lines)
            suspects.writelines(line + b"\n" for line in lines)
        _end(referenced.connection, there)
    return keys, seen


def _end(connection: Connection, copy: psycopg.Copy) -> None:
    """Leave the rest of a COPY unread: what comes after the last dependent value is not of interest."""
    connection.cancel_safe(timeout=5)
    with suppress(psycopg.errors.QueryCanceled):
        for _ in copy:
            pass


def _look_again(
    shape: Shape, dependent: _Side, referenced: _Side, suspects: _Lines
) -> Iterator[tuple[bytes, int]]:
    """The values that rows still refer with and that are still not there, with the number of rows."""
    suspects.seek(0)
    lines = (line.removesuffix(b"\n") for line in suspects)
    while batch := list(itertools.islice(lines, BATCH)):
        parameters = shape.parameters([shape.values(fields(line)) for line in batch])
        # In this order: a row that goes together with what it refers to is gone before that is looked for.
        rows: dict[int, int] = dict(dependent.connection.execute(shape.count_rows(), parameters).fetchall())
        gone = {n for (n,) in referenced.connection.execute(shape.still_missing(), parameters)}
        for number, line in enumerate(batch, 1):
            if number in gone and number in rows:
                yield line, rows[number]


def _partly_null(shape: Shape, dependent: _Side) -> list[Orphan]:
    composed = shape.partly_null()
    if composed is None:
        return []
    found = dependent.connection.execute(composed).fetchall()
    return [Orphan(tuple(row[:-1]), row[-1]) for row in found]
