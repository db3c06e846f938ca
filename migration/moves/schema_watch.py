"""The watch over a moving service's schema, from `start` to `finish`; `schema_changes` does the watching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.sessions.own_schema import ensure_schema
from migration.carry.capture import make_functions
from migration.guards.changes import unwatch, watch
from migration.steps.context import OfflineMove


def watch_schema(move: OfflineMove) -> Mapping[str, Any]:
    """Note every change of the service's schema in the shared database from now on."""
    with move.source.connect() as connection, move.source.translated("watching the schema"):
        # A partition without a primary key is to have an identity from the moment on that it is published.
        with connection.transaction():
            ensure_schema(connection)
            make_functions(connection)
        began = watch(connection, move.name, move.service.schema_name)
    return {"schema": began.schema, "after": began.after, "fingerprint": began.fingerprint}


def unwatch_schema(move: OfflineMove) -> None:
    """Stop noting them."""
    with move.source.connect() as connection, move.source.translated("ending the watch over the schema"):
        unwatch(connection, move.service.schema_name)
