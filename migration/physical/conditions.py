"""Whether a service's tables can come as files at all: what must be alike on both sides, and what must not.

Each obstacle is one line that says what, where and what would remove it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from components.contract import Service
from core.errors import MigrationError
from core.sessions.connections import Database
from core.sessions.queries import queries
from migration.physical.places import places_of

query = queries(__package__)

Facts = Mapping[str, Any]
"""A row of conditions.sql."""

OWN_BYTES = 2 << 30
"""Larger an instance that is still empty is not: it is copied whole."""
ROOM = 1.1
"""Times what comes has to fit beside the instance."""


def read_facts(database: Database) -> Facts:
    """What a side says of itself. Raises what connecting and reading raise."""
    with (
        database.connect(application_name="waqiti-migration-files") as connection,
        database.translated("looking whether its tables can be brought as files"),
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        row = cursor.execute(query("conditions")).fetchone()
    assert row is not None  # noqa: S101 (one row)
    return row


def cheap_obstacles(service: Service, *, replicas: bool) -> list[str]:
    """What no server has to be asked for. `replicas`: the service keeps columns of other services."""
    found = []
    if places_of(service) is None:
        platform = service.instance_control.platform
        found.append(f"its instance is on the platform {platform}, where data folders cannot be exchanged")
    if service.backups is not None:
        found.append("its WAL is archived, and would have a gap: take the backups off, or let it be copied")
    if service.slo is not None:
        found.append("its slo holds a copy back while it does worse, and nothing holds a base backup back")
    if replicas:
        found.append("its own database follows other services already, which a new data folder would forget")
    return found


def obstacles(service: Service, source: Database, here: Facts, there: Facts) -> list[str]:
    """Why not, of the shared database `here` and the service's own `there`; none: they can come as files."""
    return [
        *_of_source(source, here),
        *_of_target(service, there),
        *_unlike(here, there),
        *_room(service, here),
    ]


def _of_source(source: Database, facts: Facts) -> Iterator[str]:
    if facts["tablespaces"]:
        named = ", ".join(facts["tablespaces"])
        yield f"{source.label}'s server has tablespaces ({named}), which a base backup brings along"
    if facts["superuser"] is None:
        yield f"{source.label}'s server has lost its first superuser"
    if not facts["may_replicate"]:
        yield f"{source.login.name} may not replicate: ALTER ROLE {source.login.name} REPLICATION"
    elif refused := refused_backup(source):
        host = "hostssl" if source.endpoint.sslmode not in {"disable", "prefer"} else "host"
        yield (
            f"{source.label}'s server lets {source.login.name} take no base backup ({refused}); for it in"
            f" pg_hba.conf: {host} replication {source.login.name} <this machine>/32 scram-sha-256"
        )


def refused_backup(source: Database) -> str | None:
    """What the server says to a physical replication session; None: it opens one."""
    try:
        psycopg.connect(make_conninfo(source.conninfo(), replication="true", connect_timeout=5)).close()
    except psycopg.OperationalError as error:
        return str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
    return None


def _of_target(service: Service, facts: Facts) -> Iterator[str]:
    own = f"{service.name}'s own instance"
    if facts["slots"]:
        yield f"{own} has replication slots ({', '.join(facts['slots'])}), whose WAL would be gone"
    if facts["subscriptions"]:
        yield f"{own} has subscriptions ({', '.join(facts['subscriptions'])})"
    if facts["databases"]:
        yield f"{own} has other databases ({', '.join(facts['databases'])}), which a restart would cut off"
    if facts["prepared"]:
        yield f"{own} has prepared transactions"
    if facts["tablespaces"]:
        yield f"{own} has tablespaces ({', '.join(facts['tablespaces'])})"
    if facts["commit_timestamps"]:
        yield f"{own} has track_commit_timestamp on"
    if facts["cluster_bytes"] > OWN_BYTES:
        yield f"{own} holds {facts['cluster_bytes'] >> 20} MiB already, which would be copied"


def _unlike(here: Facts, there: Facts) -> Iterator[str]:
    said = {
        "major": "the major version of PostgreSQL",
        "architecture": "the processors' architecture",
        "layout": "the build (block size, alignment)",
        "catalogue": "the version of the catalogue",
        "locale": "encoding or locale",
        "collation_version": "the version of the locale, by which indexes are sorted",
        "compressions": "what the build compresses with",
    }
    for key, what in said.items():
        if here[key] != there[key]:
            values = "" if key == "layout" else f": {here[key]} there, {there[key]} here"
            yield f"{what} differs from the shared database's{values}"
            if key == "major":
                return
    if there["checksums"] and not here["checksums"]:
        yield "the shared server keeps no checksums of its pages, and the service's own does"
    for name, version in here["collations"].items():
        if name in there["collations"] and there["collations"][name] != version:
            yield f"the collation {name} has another version, by which indexes are sorted"


def _room(service: Service, facts: Facts) -> Iterator[str]:
    places = places_of(service)
    if places is None or not places.data.parent.exists():
        return
    needed = int((facts["cluster_bytes"] or 0) * ROOM)
    free = shutil.disk_usage(places.data.parent).free
    if free < needed:
        yield f"{places.data.parent} has {free >> 20} MiB free, and a base backup may need {needed >> 20} MiB"


def failure(error: MigrationError) -> str:
    """What kept a side from saying anything of itself."""
    return f"it could not be looked at: {error}"
