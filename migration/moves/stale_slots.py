"""Slots of a service that nobody reads any more: left by what was killed, they would keep WAL for ever."""

from __future__ import annotations

import contextlib

from components.contract import Contract, Service
from components.replication_roles import flow_name
from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.stack import source_database, target_database
from migration.journal.states import State
from migration.replicate.slots import KEYS_SUFFIX, SEEN_SUFFIX, drop_slot

_DOING = "dropping slots that nobody reads"


def drop_stale_slots(contract: Contract, service: Service, state: str | None) -> None:
    """Drop those of a killed comparison, and of the way back where a switch went back while its side did not
    answer. `state` is that of the service's move, None where it has none.

    Raises what the shared database's not answering does; the own database's is left to another `resume`.
    """
    forward, back = flow_name(service.name, "forward"), flow_name(service.name, "back")
    stale = [forward] if state == State.MOVED else []
    _drop(source_database(contract), [forward + KEYS_SUFFIX, back + SEEN_SUFFIX, *stale])
    if state in {State.FOLLOWING, State.MOVED}:
        stale = [back] if state == State.FOLLOWING else []
        with contextlib.suppress(MigrationError):
            _drop(target_database(service), [back + KEYS_SUFFIX, forward + SEEN_SUFFIX, *stale])


def _drop(database: Database, slots: list[str]) -> None:
    with database.connect() as session, database.translated(_DOING):
        for slot in slots:
            drop_slot(session, slot)
