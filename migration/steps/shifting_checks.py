"""Checks that may refuse, as a row is replicated, what they let in: off on the side that follows.

They are taken off the service's own database by `start` and after a rollback, off the shared one after a
cutover, and put on NOT VALID inside the pause, after the last row has come, on the side that is opened then;
once its clients go on they are validated where no row violates them.
docs/decisions/0151-checks-that-shift.md
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import psycopg

from core.errors import MigrationError, StepTimeout
from core.sessions.connections import Database
from core.sessions.session import Connection
from migration.journal.states import State
from migration.parsing.readback import readable
from migration.plan.late_checks import ShiftingCheck, shifting_checks
from migration.replicate import checks_off
from migration.replicate.checks_off import TableCheck
from migration.steps.context import OfflineMove


def take_off_own(move: OfflineMove) -> Mapping[str, Any]:
    """Take them off the service's own database, those that are there. Can be repeated."""
    return take_off_checks(move, move.target)


def take_off_checks(move: OfflineMove, database: Database) -> Mapping[str, Any]:
    """The same for either side, while it follows. Raises StepTimeout where a table cannot be locked."""
    planned = tuple(shifting_checks(move.own, move.plan.catalog))
    with (
        database.connect(application_name="waqiti-migration-checks") as connection,
        database.translated("taking off checks that may refuse rows"),
    ):
        # The plan is of the shared database's catalogue, which may be without them.
        wanted = {*map(_of, planned), *checks_off.noted(connection, move.name)}
        if not wanted:
            return {"checks": []}
        taken = checks_off.take_off(connection, move.name, sorted(wanted))
        if database.side == "target":
            for check in planned:
                definition = readable(check.definition).removesuffix(" NOT VALID")
                checks_off.note_missing(connection, move.name, _of(check), definition)
    return {"checks": [str(check) for check in taken]}


def has_shifting_checks(move: OfflineMove) -> bool:
    """Whether the shared database has any, as it was when the plan was read."""
    return next(shifting_checks(move.own, move.plan.catalog), None) is not None


def put_on_checks(move: OfflineMove, connection: Connection) -> list[str]:
    """Put them on the side of `connection` again. Can be repeated; raises StepTimeout, psycopg errors."""
    try:
        return [str(check) for check in checks_off.put_on(connection, move.name)]
    except psycopg.errors.LockNotAvailable as error:
        raise StepTimeout(
            f"checks of {move.name} could not be put on again, because others read its tables for long: end"
            " what does (`gates` lists it), then run it again"
        ) from error


def put_on_shared(move: OfflineMove) -> Mapping[str, Any]:
    """Put them on the shared database, which follows no more."""
    return _put_on(move, move.source)


def put_on_own(move: OfflineMove) -> Mapping[str, Any]:
    """Put them on the service's own database, likewise."""
    return _put_on(move, move.target)


def _put_on(move: OfflineMove, database: Database) -> Mapping[str, Any]:
    with (
        database.connect(application_name="waqiti-migration-checks") as connection,
        database.translated("putting checks on again"),
    ):
        return {"checks": put_on_checks(move, connection)}


def validate_served(move: OfflineMove) -> None:
    """Once clients go on: validate them on the side that serves. What cannot be is said, and is no error."""
    last = move.journal.last_move(move.name)
    if last is None or last.state not in {State.FOLLOWING, State.MOVED}:
        return
    database, path = move.target, tuple(move.service.own_search_path)
    if last.state == State.FOLLOWING:
        database, path = move.source, (move.service.schema_name, "public")
    try:
        with (
            database.connect(application_name="waqiti-migration-checks") as connection,
            database.translated("validating checks"),
        ):
            failed = checks_off.validate(connection, move.name, path)
    except MigrationError as error:
        move.progress.note(f"{move.name}: checks may have stayed NOT VALID in {database.label}: {error}")
        return
    if failed:
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        listed = ", ".join(map(str, failed[:3]))
        move.progress.note(
            f"{move.name}: checks stay NOT VALID in {database.label}, which rows from before violate: "
            f"{listed}{more}; they bind what is written"
        )


def forget_checks(move: OfflineMove) -> None:
    """The move is over: the shared database has them all, and neither side's notes are kept."""
    put_on_shared(move)
    with move.source.connect() as connection, move.source.translated("forgetting checks"):
        checks_off.forget(connection, move.name)
    # A lost one has nothing to forget.
    with (
        contextlib.suppress(MigrationError),
        move.target.connect() as connection,
        move.target.translated("forgetting checks"),
    ):
        checks_off.forget(connection, move.name)


def _of(check: ShiftingCheck) -> TableCheck:
    return TableCheck(check.table, check.name)
