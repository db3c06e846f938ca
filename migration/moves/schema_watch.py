"""The watch over a moving service's schema, from `start` to `finish`; `schema_changes` does the watching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migration.guards.changes import unwatch, watch
from migration.steps.context import OfflineMove


def watch_schema(move: OfflineMove) -> Mapping[str, Any]:
    """Note every change of the service's schema in the shared database from now on."""
    with move.source.connect() as connection, move.source.translated("watching the schema"):
        began = watch(connection, move.name, move.service.schema_name)
    return {"schema": began.schema, "after": began.after, "fingerprint": began.fingerprint}


def unwatch_schema(move: OfflineMove) -> None:
    """Stop noting them."""
    with move.source.connect() as connection, move.source.translated("ending the watch over the schema"):
        unwatch(connection, move.service.schema_name)
