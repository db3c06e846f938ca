"""The watch over a moving service's schema, from `start` to `finish`; `schema_changes` does the watching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from migration.errors import SchemaChanged
from migration.journal import StepRecord
from migration.move_context import OfflineMove
from migration.schema_changes import Watch, require_unchanged, schema_changes, unwatch, watch

WATCHING = "watch the schema"
"""The step of `start` whose figures are the Watch."""


def watch_schema(move: OfflineMove) -> Mapping[str, Any]:
    """Note every change of the service's schema in the shared database from now on."""
    with move.source.connect() as connection, move.source.translated("watching the schema"):
        began = watch(connection, move.name, move.service.schema_name)
    return {"schema": began.schema, "after": began.after, "fingerprint": began.fingerprint}


def unwatch_schema(move: OfflineMove) -> None:
    """Stop noting them."""
    with move.source.connect() as connection, move.source.translated("ending the watch over the schema"):
        unwatch(connection, move.service.schema_name)


def read_watch(records: Sequence[StepRecord]) -> Watch | None:
    """The watch that a move's steps tell of; None for a move that began without one."""
    for record in reversed(records):
        if record.step == WATCHING and record.outcome == "done":
            figures = record.figures
            return Watch(figures["schema"], figures["after"], figures["fingerprint"])
    return None


def require_unchanged_in_pause(connection: psycopg.Connection[tuple[Any, ...]], began: Watch) -> None:
    """Like `require_unchanged`, by one short query where statements are noted.

    Raises SchemaChanged.
    """
    if began.after < 0:
        require_unchanged(connection, began)
        return
    changes = schema_changes(connection, began)
    if changes:
        raise SchemaChanged(
            f"the schema {began.schema} was changed right before the switch: {changes[0]}; nothing was "
            "switched: `abort` and start this service again"
        )
