"""What a move makes on servers, and must have taken away when it is undone."""

from __future__ import annotations

from core.sessions.session import Connection
from tests.support.moves import World
from tests.support.undone import objects_in

_EVERYWHERE = {
    "publication": "SELECT pubname::text FROM pg_publication",
    "subscription": "SELECT subname::text FROM pg_subscription"
    " WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "slot": "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()",
    "guard": "SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE tgname LIKE 'waqiti%'",
    "flag": "SELECT relname::text FROM pg_class WHERE relkind = 'S' AND relname LIKE 'open\\_%'"
    " AND relnamespace = to_regnamespace('waqiti_migration')",
    "heartbeat": "SELECT relname::text FROM pg_class WHERE relname LIKE 'heartbeat\\_%' AND relkind = 'r'",
    "event trigger": "SELECT evtname::text FROM pg_event_trigger",
    "replica identity": "SELECT oid::regclass::text FROM pg_class"
    " WHERE relkind = 'r' AND relreplident <> 'd' AND relnamespace >= 16384",
    "session": "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'waqiti%' AND state <> 'idle'",
}


def leftovers(world: World, service: str) -> list[str]:
    """What is left of a move on either side, in words; empty when nothing is."""
    with world.source.connect(application_name="looking") as there:
        found = [f"{what} in the shared database" for what in _left(there)]
    with world.target(service).connect(application_name="looking") as here:
        found += [f"{what} in its own database" for what in _left(here)]
    made = {found for found in objects_in(world.target(service)) if found != f"schema {service}_schema"}
    return found + [f"{name} in its own database" for name in sorted(made)]


def _left(connection: Connection) -> list[str]:
    return [
        f"{kind} {row[0]}"
        for kind, statement in _EVERYWHERE.items()
        for row in connection.execute(statement.encode())
    ]
